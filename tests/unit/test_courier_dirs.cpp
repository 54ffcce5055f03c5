// courier-config: its lines, and the program itself when it is missing, silent, wrong, endless or hangs. The programs
// are shell scripts in a PATH of their own.
#include "config/courier_dirs.h"
#include "config/find_config.h"
#include "temp_dir.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pythonfilter;

namespace {

constexpr std::string_view kNothingUsable =
    "courier-config: no usable value for sysconfdir (using /etc/courier), localstatedir (using /var/lib/courier), "
    "mailuser (using courier), mailgroup (using courier)";

std::string all_of(const CourierDirs& dirs) {
    return dirs.sysconfdir + " " + dirs.localstatedir + " " + dirs.mailuser + " " + dirs.mailgroup;
}

constexpr std::string_view kBuiltIn = "/etc/courier /var/lib/courier courier courier";

// A PATH with one directory before the others, for courier-config, until the test ends.
class OwnPath {
public:
    OwnPath() : old_(std::getenv("PATH")) { setenv("PATH", (dir.path() + ":" + old_).c_str(), 1); }
    ~OwnPath() { setenv("PATH", old_.c_str(), 1); }
    CourierConfigRun run(const std::string& body, Duration limit = 10s) const {
        dir.write_script("courier-config", body);
        return run_courier_config(limit);
    }
    TempDir dir;

private:
    std::string old_;
};

constexpr const char* kGood = "echo sysconfdir=/c; echo localstatedir=/s; echo mailuser=u; echo mailgroup=g\n";

}  // namespace

TEST_CASE("courier-config: the output of Debian's program") {
    const CourierConfigRun run = parse_courier_config(
        "prefix=/usr\nexec_prefix=/usr\nbindir=/usr/bin\nsbindir=/usr/sbin\nlibexecdir=/usr/lib/courier\n"
        "sysconfdir=/etc/courier2\ndatadir=/usr/lib/courier\nlocalstatedir=/srv/courier\nmailuser=daemon\n"
        "mailgroup=mail\nmailuid=0\nmailgid=0\nconfigure_args=\"'--sysconfdir=/etc' 'sysconfdir=/etc'\"\n");
    CHECK(all_of(run.dirs) == "/etc/courier2 /srv/courier daemon mail");
    CHECK(run.problem == "");
}

TEST_CASE("courier-config: each form of a line") {
    struct Row {
        std::string_view line;
        std::string_view sysconfdir;
    };
    const Row rows[] = {
        {"sysconfdir=/x", "/x"},
        {"sysconfdir= /x \t\r", "/x"},
        {"sysconfdir=/a=b", "/a=b"},
        {"sysconfdir=/a b", "/a b"},
        {"sysconfdir=/x\nsysconfdir=/y", "/y"},
        {"sysconfdir=", "/etc/courier"},
        {"sysconfdir=x", "/etc/courier"},
        {"sysconfdir", "/etc/courier"},
        {"sysconfdirs=/x", "/etc/courier"},
        {" sysconfdir=/x", "/etc/courier"},
        {"SYSCONFDIR=/x", "/etc/courier"},
        {"sysconfdir=/x\x1b", "/etc/courier"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.line);
        const std::string rest = "\nlocalstatedir=/s\nmailuser=u\nmailgroup=g";
        const CourierConfigRun run = parse_courier_config(std::string(row.line) + rest);
        CHECK(all_of(run.dirs) == std::string(row.sysconfdir) + " /s u g");
        const bool built_in = row.sysconfdir == "/etc/courier";
        CHECK(run.problem == (built_in ? "courier-config: no usable value for sysconfdir (using /etc/courier)" : ""));
    }
}

TEST_CASE("courier-config: no output, and output that is something else") {
    for (const std::string_view output : {"", "\n\n", "=\n=/x\n", "usage: courier-config\n", "\xff\xfe\x00"}) {
        const CourierConfigRun run = parse_courier_config(output);
        CHECK(all_of(run.dirs) == kBuiltIn);
        CHECK(run.problem == kNothingUsable);
    }
}

TEST_CASE("courier-config: the first one in PATH is run") {
    const OwnPath path;
    const CourierConfigRun run = path.run(kGood);
    CHECK(all_of(run.dirs) == "/c /s u g");
    CHECK(run.problem == "");
    CHECK(all_of(find_courier_dirs()) == "/c /s u g");
}

TEST_CASE("courier-config: a missing one, and one that cannot be started") {
    const OwnPath path;
    setenv("PATH", path.dir.path().c_str(), 1);
    CHECK(all_of(run_courier_config().dirs) == kBuiltIn);
    CHECK(run_courier_config().problem ==
          "courier-config: cannot be started: No such file or directory; using built-in directories");
    path.dir.write("courier-config", "not executable");
    CHECK(run_courier_config().problem ==
          "courier-config: cannot be started: Permission denied; using built-in directories");
}

TEST_CASE("courier-config: its status counts only when its output is not enough") {
    const OwnPath path;
    CHECK(path.run(std::string(kGood) + "exit 3").problem == "");
    CHECK(path.run("exit 3").problem == std::string(kNothingUsable) + "; it ended with exit status 3");
    CHECK(path.run("kill -SEGV $$").problem == std::string(kNothingUsable) + "; it ended with signal 11 (SIGSEGV)");
    CHECK(path.run("exit 0").problem == kNothingUsable);
}

TEST_CASE("courier-config: endless output ends with the program") {
    const OwnPath path;
    const CourierConfigRun run = path.run("exec yes sysconfdir=/x");
    CHECK(all_of(run.dirs) == kBuiltIn);
    CHECK(run.problem.starts_with("courier-config: more than 64 KiB of output"));
}

TEST_CASE("courier-config: one that hangs is killed with what it started") {
    const OwnPath path;
    const std::string fifo = path.dir.path("alive");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const int alive = open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(alive >= 0);
    const CourierConfigRun run = path.run("exec 9>" + fifo + "\necho started >&9\nsleep 60 &\nwait", 500ms);
    CHECK(all_of(run.dirs) == kBuiltIn);
    CHECK(run.problem == "courier-config: no complete answer within 500ms; using built-in directories");
    char text[16] = {};
    CHECK(read(alive, text, sizeof text) == 8);  // "started\n": it did run
    pollfd end{alive, POLLIN, 0};
    REQUIRE(poll(&end, 1, 10'000) == 1);
    CHECK(read(alive, text, sizeof text) == 0);  // the script and its child have closed the FIFO: both are gone
    close(alive);
}

TEST_CASE("courier-config: what it leaves behind with its output open is not waited for") {
    const OwnPath path;
    const TimePoint start = Clock::now();
    CHECK(path.run("sleep 20 &\n" + std::string(kGood), 15s).problem == "");
    CHECK(Clock::now() - start < 10s);
}

TEST_CASE("courier-config: it gets no descriptor of the caller, no blocked signal, and an empty input") {
    const OwnPath path;
    REQUIRE(dup2(STDERR_FILENO, 77) == 77);
    const CourierConfigRun run = path.run("[ -e /proc/$$/fd/77 ] && exit\nread line && exit\n" + std::string(kGood));
    close(77);
    CHECK(run.problem == "");
}

TEST_CASE("courier-config: load_config() takes its directories, and passes its problem on") {
    const OwnPath path;
    path.dir.write("antispam.yaml", "filters: [a]\ncourier: {mailuser: other}");
    path.run("echo sysconfdir=" + path.dir.path() + "; echo localstatedir=/s; echo mailuser=u");
    const Result<Config> config = load_config({"antispam", ""});
    REQUIRE(config);
    CHECK(config.value().file == path.dir.path("antispam.yaml"));
    CHECK(all_of(config.value().courier) == path.dir.path() + " /s other courier");
    CHECK(config.value().warnings ==
          std::vector<std::string>{"courier-config: no usable value for mailgroup (using courier)"});
}
