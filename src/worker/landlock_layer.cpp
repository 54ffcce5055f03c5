#include "worker/landlock_layer.h"

#include "base/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

struct RulesetAttributes {
    std::uint64_t files, network, scoped;
};

// An older kernel takes the longer struct as long as what it does not know is zero.
UniqueFd create_ruleset(const LandlockLayer& layer) {
    const RulesetAttributes attributes{layer.files, layer.network, layer.scoped};
    return UniqueFd(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
}

Status add_path(int ruleset, const PathRule& rule, std::vector<std::string>& missing) {
    const UniqueFd place(open(rule.path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info{};
    if (!place || fstat(place.get(), &info) != 0) {
        if (rule.listed) missing.push_back(errno_error(rule.path, errno).text);
        return Done{};
    }
    const std::uint64_t rights = S_ISDIR(info.st_mode) ? rule.rights : rule.rights & landlock::of_files;
    if (rights == 0) return Done{};
    const landlock_path_beneath_attr beneath{rights, place.get()};
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0) return Done{};
    return errno_error("landlock: " + rule.path, errno);
}

}  // namespace

int landlock_abi() {
    const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return static_cast<int>(std::clamp<long>(version, 0, kNewestLandlock));
}

Status enter_landlock_layer(const LandlockLayer& layer, std::vector<std::string>& missing) {
    const UniqueFd ruleset = create_ruleset(layer);
    if (!ruleset) return errno_error("landlock: ruleset", errno);
    for (const PathRule& rule : layer.paths) {
        if (const Status added = add_path(ruleset.get(), rule, missing); !added) return added;
    }
    if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return errno_error("landlock: restrict", errno);
    return Done{};
}

}  // namespace pythonfilter
