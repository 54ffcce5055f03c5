#include "master/handover.h"

#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kLook = 10ms;

std::string list_text(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + escape(name);
    return text;
}

}  // namespace

Handover::Handover(Loop& loop, Generation& old, Generation& next, ExclusivePools pools, Reporter report,
                   Callbacks callbacks)
    : old_(old),
      next_(next),
      pools_(std::move(pools)),
      report_(std::move(report)),
      callbacks_(std::move(callbacks)),
      to_look_(loop, [this] { look(); }),
      to_late_(loop, [this] { on(HandoverPolicy::Event::late); }) {}

// A stop, or messages that took longer than their limit, leave the old generation with something to call.
Handover::~Handover() { old_.when_quiet({}); }

void Handover::begin() {
    report_(LogLevel::info, "reload: new messages wait while generation " + std::to_string(old_.number()) +
                                " finishes " + std::to_string(old_.messages()) +
                                " messages and gives up its exclusive pools: " + list_text(pools_.old));
    to_late_.start(policy_.limit());
    old_.when_quiet([this] { on(HandoverPolicy::Event::quiet); });
}

void Handover::next_settled(const std::vector<std::string>& problems) {
    problems_ = problems;
    on(problems.empty() ? HandoverPolicy::Event::ready : HandoverPolicy::Event::failed);
}

// A pool's own reports would tell of the zygotes and workers, but not of what those left behind.
void Handover::look() {
    if (old_.pools_gone(pools_.old) && callbacks_.no_orphans()) on(HandoverPolicy::Event::gone);
    else to_look_.start(kLook);
}

void Handover::on(HandoverPolicy::Event event) {
    const auto before = policy_.step();
    const auto action = policy_.on(event);
    if (policy_.step() == before) return;
    report_(LogLevel::debug, std::string("handover: ") + to_string(before) + " -> " + to_string(policy_.step()));
    to_late_.stop();
    if (policy_.limit() > Duration::zero()) to_late_.start(policy_.limit());
    act(action);
}

void Handover::act(HandoverPolicy::Action action) {
    using Action = HandoverPolicy::Action;
    switch (action) {
        case Action::none: return;
        case Action::stop_old:
            if (old_.messages() > 0)
                report_(LogLevel::warning, "reload: " + std::to_string(old_.messages()) +
                                               " messages are still in work, and those that need an exclusive pool "
                                               "have to try again");
            old_.stop_pools(pools_.old);
            return look();
        case Action::kill_old: return old_.kill_pools(pools_.old, "an exclusive pool must end now");
        case Action::start_next:
            to_look_.stop();
            return next_.start_pools(pools_.next);
        case Action::take_over: return callbacks_.take_over();
        case Action::restore:
            to_look_.stop();
            if (problems_.empty()) problems_.push_back("the old exclusive pools do not end: " + list_text(pools_.old));
            return callbacks_.restore(problems_);
    }
}

}  // namespace pythonfilter
