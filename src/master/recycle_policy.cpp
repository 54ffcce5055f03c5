#include "master/recycle_policy.h"

#include "config/option_text.h"

namespace pythonfilter {
namespace {

std::string in_mib(ByteSize size) { return std::to_string(size.bytes >> 20) + "MiB"; }

}  // namespace

std::optional<std::string> RecyclePolicy::fresh(ByteSize rss) {
    if (!config_.rss || rss_is_wrong_ || rss.bytes <= config_.rss->bytes) return std::nullopt;
    rss_is_wrong_ = true;
    return "recycle.rss of " + format_size(*config_.rss) + " is not heeded: a fresh worker has " + in_mib(rss) +
           " already";
}

std::optional<std::string> RecyclePolicy::reason(int served, std::optional<ByteSize> rss) const {
    if (config_.messages && served >= *config_.messages) return "it has served " + std::to_string(served) + " messages";
    if (rss && config_.rss && !rss_is_wrong_ && rss->bytes > config_.rss->bytes)
        return "it holds " + in_mib(*rss) + " of memory";
    return std::nullopt;
}

}  // namespace pythonfilter
