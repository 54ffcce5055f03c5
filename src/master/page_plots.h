// The plots of the status page: SVG as text, in a size that a phone shows without shrinking it. Colours are classes of
// the page's style. Pure; nothing in it comes from outside but numbers.
#pragma once

#include "message/server_status.h"

#include <string>
#include <vector>

namespace pythonfilter {

/// Bars, one for each minute: what became of the messages. `passes_on`: a run without a verdict is shown as that.
std::string verdicts_plot(const std::vector<MinuteStats>& minutes, bool passes_on);
/// Two lines, on a scale of powers of ten: what half and 99 of 100 runs stayed within.
std::string latency_plot(const std::vector<MinuteStats>& minutes);

}  // namespace pythonfilter
