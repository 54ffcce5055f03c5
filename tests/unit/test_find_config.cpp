// Which configuration file is read: the order of the places, and what a file that cannot be read means in each.
#include "config/find_config.h"
#include "temp_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace pythonfilter;

namespace {

using Lines = std::vector<std::string>;

// Two YAML files and three legacy ones, as config_places() has them.
struct Places {
    TempDir dir;
    Lines list{dir.path("a.yaml"), dir.path("b.yaml"), dir.path("c.conf"), dir.path("d.conf"), dir.path("e.conf")};

    Result<Config> load() const { return load_first(list, {}); }
};

}  // namespace

TEST_CASE("find: the places and their order") {
    CHECK(config_places("antispam", "/opt/courier/etc") ==
          Lines{"/opt/courier/etc/antispam.yaml", "/etc/antispam.yaml", "/etc/pythonfilter.conf",
                "/usr/local/etc/pythonfilter.conf", "/opt/courier/etc/pythonfilter.conf"});
}

TEST_CASE("find: the first file that exists is read, by its suffix") {
    const Places places;
    for (int i = 4; i >= 0; --i) {  // the last place first: each new file comes before those that are there
        const std::string& path = places.list[static_cast<std::size_t>(i)];
        const bool yaml = path.ends_with(".yaml");
        places.dir.write(path.substr(path.rfind('/') + 1), yaml ? "filters: [yaml]" : "legacy\n");
        const Result<Config> config = places.load();
        REQUIRE(config);
        CHECK(config.value().file == path);
        CHECK(config.value().legacy == !yaml);
        CHECK(config.value().filters.at(0).filter == (yaml ? "yaml" : "legacy"));
        CHECK(config.value().warnings == Lines{});
    }
}

TEST_CASE("find: a YAML file that exists but cannot be read is an error, whatever comes after it") {
    const Places places;
    std::filesystem::create_directory(places.list[0]);
    places.dir.write("b.yaml", "filters: [a]");
    places.dir.write("c.conf", "a\n");
    CHECK(places.load().error().text == places.list[0] + ": expected a regular file");
}

TEST_CASE("find: a legacy file that cannot be read is passed over with a warning") {
    const Places places;
    std::filesystem::create_directory(places.list[2]);
    std::filesystem::create_symlink(places.list[3], places.list[3]);
    places.dir.write("e.conf", "a\n");
    const Result<Config> config = places.load();
    REQUIRE(config);
    CHECK(config.value().warnings ==
          Lines{places.list[2] + ": expected a regular file; using " + places.list[4],
                places.list[3] + ": Too many levels of symbolic links; using " + places.list[4]});
}

TEST_CASE("find: a broken file is not passed over") {
    const Places places;
    places.dir.write("a.yaml", "filters: 5");
    places.dir.write("c.conf", "a\n");
    CHECK(places.load().error().text == places.list[0] + ":1:10: filters: expected a list of filters, found `5`");
}

TEST_CASE("find: nothing at all names every place and what to do") {
    const Places places;
    std::filesystem::create_directory(places.list[4]);
    CHECK(places.load().error().text ==
          "no configuration file found; looked for " + places.list[0] + ", " + places.list[1] + ", " + places.list[2] +
              ", " + places.list[3] + ", (" + places.list[4] + ": expected a regular file); write the first of them "
              "(its smallest content is `filters: [NAME]`), or name another file with --config FILE");
}

TEST_CASE("find: --config names the one file, by its suffix legacy or YAML") {
    const TempDir dir;
    const std::string yaml = dir.write("any.name", "filters: [a]");
    const std::string legacy = dir.write("old.conf", "a\n");
    CHECK_FALSE(load_config({"x", yaml}).value().legacy);
    CHECK(load_config({"x", yaml}).value().instance == "x");
    CHECK(load_config({"x", legacy}).value().legacy);
    CHECK(load_config({"x", dir.path("none")}).error().text == dir.path("none") + ": No such file or directory");
}

TEST_CASE("find: neither a FIFO nor an endless file stops the start") {
    const TempDir dir;
    REQUIRE(mkfifo(dir.path("fifo").c_str(), 0600) == 0);
    CHECK(load_config({"x", dir.path("fifo")}).error().text == dir.path("fifo") + ": expected a regular file");
    CHECK(load_config({"x", "/dev/zero"}).error().text == "/dev/zero: expected a regular file");
    const std::string big = dir.write("big.yaml", "");
    std::filesystem::resize_file(big, 1024 * 1024 + 1);
    CHECK(load_config({"x", big}).error().text == big + ": expected a configuration file, found more than 1 MiB");
}
