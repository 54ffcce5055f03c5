#include "ctl/service_checks.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

Config config_of(Supervisor supervisor) {
    Config config;
    config.instance = "pythonfilter";
    config.server.supervisor = supervisor;
    return config;
}

const Config kService = config_of(Supervisor::systemd);
const UnitProperties kWell = {{"LoadState", "loaded"},
                              {"ActiveState", "active"},
                              {"UnitFileState", "enabled"},
                              {"Before", "multi-user.target courierfilter.service shutdown.target"},
                              {"NFileDescriptorStore", "1"},
                              {"NeedDaemonReload", "no"}};

UnitProperties with(const std::string& name, const std::string& value) {
    UnitProperties unit = kWell;
    unit[name] = value;
    return unit;
}

// Level and command of all that is not good.
std::vector<std::pair<Finding::Level, std::string>> wrong(const Config& config,
                                                          const std::optional<UnitProperties>& unit) {
    std::vector<std::pair<Finding::Level, std::string>> found;
    for (const Finding& finding : examine_service(config, unit))
        if (finding.level != Finding::Level::good) found.emplace_back(finding.level, finding.mend);
    return found;
}

using Wrong = std::vector<std::pair<Finding::Level, std::string>>;
constexpr auto kError = Finding::Level::error, kWarning = Finding::Level::warning;

}  // namespace

TEST_CASE("properties are lines with a name and a value") {
    CHECK(parse_properties("A=b\nC=d=e\nnothing\nF=") == UnitProperties{{"A", "b"}, {"C", "d=e"}, {"F", ""}});
}

TEST_CASE("a service that is well has nothing to mend") { CHECK(wrong(kService, kWell).empty()); }

TEST_CASE("each thing that is wrong with the service has its command") {
    CHECK(wrong(kService, with("ActiveState", "failed")) == Wrong{{kError, "systemctl start pythonfilter"}});
    CHECK(wrong(kService, with("LoadState", "masked")) == Wrong{{kError, "systemctl unmask pythonfilter"}});
    CHECK(wrong(kService, with("UnitFileState", "disabled")) == Wrong{{kWarning, "systemctl enable pythonfilter"}});
    CHECK(wrong(kService, with("NFileDescriptorStore", "0")) == Wrong{{kWarning, "systemctl restart pythonfilter"}});
    CHECK(wrong(kService, with("NeedDaemonReload", "yes")) == Wrong{{kWarning, "systemctl daemon-reload"}});
    CHECK(wrong(kService, with("Before", "shutdown.target")).size() == 1);
    CHECK(wrong(kService, with("LoadState", "not-found")).size() == 1);
    CHECK(wrong(kService, std::nullopt).size() == 1);
}

TEST_CASE("where courierfilter starts the server, systemd must not") {
    const Config config = config_of(Supervisor::automatic);
    CHECK(wrong(config, kWell).size() == 1);
    UnitProperties unit = with("ActiveState", "inactive");
    CHECK(wrong(config, unit).size() == 1);  // it would at the next boot
    unit["UnitFileState"] = "disabled";
    CHECK(wrong(config, unit).empty());
    CHECK(wrong(config, std::nullopt).empty());
}

TEST_CASE("the command for a restart is the supervisor's") {
    CHECK(restart_command(kService) == "systemctl restart pythonfilter");
    CHECK(restart_command(config_of(Supervisor::automatic)) == "courierfilter stop; courierfilter start");
}
