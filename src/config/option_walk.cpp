#include "config/option_walk.h"

#include "config/option_text.h"

#include <set>

namespace pythonfilter {
namespace {

class Walk {
public:
    explicit Walk(const std::function<void(const OptionVisit&)>& visit) : visit_(visit) {}
    void root() { rows(root_section(), &config_, "", 0, false); }

private:
    void rows(const Section& section, void* owner, const std::string& prefix, int depth, bool in_element) {
        for (const Option& option : section.options) {
            const Slot slot = option.slot(owner);
            const bool descends = option.section != nullptr && seen_.insert(option.section).second;
            const bool first = in_element && &option == &section.options.front();
            const std::string path = prefix + std::string(option.key);
            visit_({path, depth, option, slot, descends, first, in_element});
            if (descends) inner(*option.section, slot, path, depth);
        }
    }

    void inner(const Section& section, const Slot& slot, const std::string& path, int depth) {
        if (const auto* nested = std::get_if<SectionSlot>(&slot))
            rows(section, nested->owner, path + ".", depth + 1, false);
        if (std::holds_alternative<PoolMap*>(slot)) rows(section, &pool_, path + ".NAME.", depth + 2, false);
        if (std::holds_alternative<FilterList*>(slot)) rows(section, &filter_, path + "[].", depth + 1, true);
    }

    const std::function<void(const OptionVisit&)>& visit_;
    std::set<const Section*> seen_;
    Config config_;
    PoolConfig pool_;
    FilterConfig filter_;
};

}  // namespace

void walk_options(const std::function<void(const OptionVisit&)>& visit) { Walk(visit).root(); }

std::string default_text(const Option& option, const Slot& slot) {
    if (option.policy != nullptr) {
        const FailurePolicy defaults;
        return std::string(option.words[static_cast<std::size_t>(defaults.*option.policy)]);
    }
    std::string value = value_text(option, slot);
    return value.empty() ? std::string(option.unset) : value;
}

std::string facts_of(const OptionVisit& visit) {
    const Slot& slot = visit.slot;
    const bool has_keys_only = std::holds_alternative<SectionSlot>(slot) || std::holds_alternative<FilterList*>(slot) ||
                               std::holds_alternative<PoolMap*>(slot);
    if (has_keys_only) return {};
    const bool is_choice = std::holds_alternative<ChoiceSlot>(slot);
    std::string text = (is_choice ? "one of " : "") + describe_expected(visit.option, slot);
    if (text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 'a' + 'A');
    text += visit.option.required ? "; required." : "; default: " + default_text(visit.option, slot) + ".";
    return text + (visit.option.restart ? " A change needs a restart." : "");
}

}  // namespace pythonfilter
