#include "base/process_tree.h"

#include "base/process.h"
#include "base/unique_fd.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>

namespace pythonfilter {
namespace {

Duration from_ticks(unsigned long long ticks) {
    static const long per_second = sysconf(_SC_CLK_TCK);
    return std::chrono::nanoseconds(ticks * (1'000'000'000ULL / static_cast<unsigned long long>(per_second)));
}

void add_children(pid_t pid, const char* thread, std::vector<pid_t>& children) {
    const std::string path = "/proc/" + std::to_string(pid) + "/task/" + thread + "/children";
    for (const pid_t child : read_pids(path)) children.push_back(child);
}

// How many threads it has; 0 when it was not killed. Its parent is who it should be, or has died: then it has come to
// us. Otherwise the number is another's by now.
int kill_child_of(pid_t pid, pid_t parent) {
    const auto pidfd = open_pidfd(pid);
    const auto facts = pidfd ? read_process(pid) : std::nullopt;
    if (!facts || (facts->parent != parent && facts->parent != getpid())) return 0;
    signal_pidfd(pidfd->get(), SIGKILL);
    return facts->threads;
}

}  // namespace

std::optional<ProcessFacts> read_process(pid_t pid) {
    const UniqueFd file(open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    char text[1024] = {};
    if (!file || read(file.get(), text, sizeof text - 1) <= 0) return std::nullopt;
    const char* behind_name = std::strrchr(text, ')');  // the name is whatever the process likes
    if (!behind_name) return std::nullopt;
    int parent = 0;
    int threads = 0;
    unsigned long long user = 0, system = 0, children_user = 0, children_system = 0;
    if (std::sscanf(behind_name + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu %*d %*d %d",
                    &parent, &user, &system, &children_user, &children_system, &threads) != 6)
        return std::nullopt;
    return ProcessFacts{parent, threads, from_ticks(user + system + children_user + children_system)};
}

std::vector<pid_t> children_of(pid_t pid, int threads) {
    std::vector<pid_t> children;
    if (threads <= 1) {
        add_children(pid, std::to_string(pid).c_str(), children);
        return children;
    }
    const std::string path = "/proc/" + std::to_string(pid) + "/task";
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
    for (const dirent* entry; directory && (entry = readdir(directory.get()));) {
        if (entry->d_name[0] != '.') add_children(pid, entry->d_name, children);
    }
    return children;
}

bool catches_signal(pid_t pid, int signal) {
    const UniqueFd file(open(("/proc/" + std::to_string(pid) + "/status").c_str(), O_RDONLY | O_CLOEXEC));
    char text[8192] = {};
    if (!file || read(file.get(), text, sizeof text - 1) <= 0) return false;
    const auto has = [&](const char* key) {
        const char* line = std::strstr(text, key);
        return line && ((std::strtoull(line + std::strlen(key), nullptr, 16) >> (signal - 1)) & 1) != 0;
    };
    return has("\nSigCgt:") && !has("\nSigBlk:");
}

TreeUsage measure_tree(pid_t root, int processes, int threads) {
    TreeUsage usage;
    std::vector<pid_t> tree{root};
    for (std::size_t i = 0; i < tree.size(); ++i) {  // grows while it is walked
        const auto facts = read_process(tree[i]);
        if (!facts) continue;
        usage.threads += facts->threads;
        usage.cpu += facts->cpu;
        if (usage.threads > threads) break;
        for (const pid_t child : children_of(tree[i], facts->threads)) tree.push_back(child);
        usage.processes = static_cast<int>(tree.size()) - 1;
        if (usage.processes > processes) break;
    }
    usage.below.assign(tree.begin() + 1, tree.end());
    return usage;
}

void kill_below(pid_t root) {
    struct Killed {
        pid_t pid;
        int threads;
    };
    const auto facts = read_process(root);
    std::vector<Killed> killed{{root, facts ? facts->threads : 1}};
    for (std::size_t i = 0; i < killed.size(); ++i) {
        const auto [pid, threads] = killed[i];
        // Listed after their parent was killed: the list cannot grow any more.
        for (const pid_t child : children_of(pid, threads)) {
            if (const int its_threads = kill_child_of(child, pid)) killed.push_back({child, its_threads});
        }
    }
}

}  // namespace pythonfilter
