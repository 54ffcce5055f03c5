#include "config/restart_keys.h"

#include "config/option_table.h"
#include "config/option_text.h"

namespace pythonfilter {
namespace {

void compare(const Section& section, void* before, void* after, const std::string& prefix,
             std::vector<std::string>& changed) {
    for (const Option& option : section.options) {
        const Slot old_slot = option.slot(before), new_slot = option.slot(after);
        const std::string path = prefix + std::string(option.key);
        const auto* old_inner = std::get_if<SectionSlot>(&old_slot);
        const auto* new_inner = std::get_if<SectionSlot>(&new_slot);
        if (old_inner && new_inner && option.section) {
            compare(*option.section, old_inner->owner, new_inner->owner, path + ".", changed);
        } else if (option.restart && value_text(option, old_slot) != value_text(option, new_slot)) {
            changed.push_back(path);
        }
    }
}

}  // namespace

// Copies: a slot points into a struct that could be written.
std::vector<std::string> changed_restart_keys(Config before, Config after) {
    std::vector<std::string> changed;
    compare(root_section(), &before, &after, "", changed);
    return changed;
}

}  // namespace pythonfilter
