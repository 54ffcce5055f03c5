// StartReport: what the start of a pool told: filters that are not available, the lines that init_filter printed, and
// the one call that says the pool is ready or why not. Each thing goes to the log once for a generation, however many
// workers say it. Owned by the pool; decides nothing about workers.
#pragma once

#include "master/reporter.h"
#include "message/zygote_protocol.h"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace pythonfilter {

class StartReport {
public:
    using Settled = std::function<void(std::vector<std::string> problems)>;

    StartReport(std::string pool, Reporter report, Settled on_settled)
        : pool_(std::move(pool)), report_(std::move(report)), on_settled_(std::move(on_settled)) {}

    /// Printed by a worker that is not ready yet.
    void line(std::string_view line);
    void failure(const FilterSpec& filter, const std::string& text);
    /// The first call counts: the pool is ready, or `problem` is why not.
    void settle(std::string problem = {});

private:
    std::string pool_;
    Reporter report_;
    Settled on_settled_;
    std::unordered_set<std::string> lines_, failures_;
    std::vector<std::string> problems_;
    bool settled_ = false;
};

}  // namespace pythonfilter
