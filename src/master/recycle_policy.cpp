#include "master/recycle_policy.h"

#include "config/option_text.h"

namespace pythonfilter {
namespace {

std::string in_mib(ByteSize size) { return std::to_string(size.bytes >> 20) + "MiB"; }

std::string not_heeded(const std::string& key, const std::string& limit, const std::string& fresh) {
    return "recycle." + key + " of " + limit + " is not heeded: a fresh worker has " + fresh + " already";
}

}  // namespace

std::optional<int> RecyclePolicy::wants_open_files(int served) const {
    if (!config_.open_files || open_files_is_wrong_ || served % kLookEvery != 0) return std::nullopt;
    return *config_.open_files + 1;
}

std::vector<std::string> RecyclePolicy::fresh(const Held& held) {
    std::vector<std::string> told;
    if (held.rss && config_.rss && !rss_is_wrong_ && held.rss->bytes > config_.rss->bytes) {
        rss_is_wrong_ = true;
        told.push_back(not_heeded("rss", format_size(*config_.rss), in_mib(*held.rss)));
    }
    if (held.open_files && config_.open_files && !open_files_is_wrong_ && *held.open_files > *config_.open_files) {
        open_files_is_wrong_ = true;
        told.push_back(not_heeded("open_files", std::to_string(*config_.open_files), "more"));
    }
    return told;
}

std::optional<std::string> RecyclePolicy::reason(int served, const Held& held) const {
    if (config_.messages && served >= *config_.messages) return "it has served " + std::to_string(served) + " messages";
    if (held.rss && config_.rss && !rss_is_wrong_ && held.rss->bytes > config_.rss->bytes)
        return "it holds " + in_mib(*held.rss) + " of memory";
    if (held.open_files && config_.open_files && !open_files_is_wrong_ && *held.open_files > *config_.open_files)
        return "it has more than " + std::to_string(*config_.open_files) + " open files";
    return std::nullopt;
}

// Steps of the golden ratio: however many workers come one after the other, their parts lie far from each other.
std::optional<TimePoint> RecyclePolicy::end_of_life(std::uint32_t id, TimePoint ready_since) const {
    if (!config_.age) return std::nullopt;
    constexpr std::uint32_t kGoldenRatio = 2654435769;  // of 2^32
    constexpr Duration::rep kSteps = 1000;
    const auto part = static_cast<Duration::rep>((std::uint64_t{id * kGoldenRatio} * kSteps) >> 32);  // < kSteps
    return ready_since + *config_.age - *config_.age / kAgeSpread / kSteps * part;
}

std::string RecyclePolicy::age_reason() const {
    return "it has reached its age, recycle.age is " + format_duration(config_.age.value_or(Duration(0)));
}

}  // namespace pythonfilter
