#include "config/config_diff.h"

#include "config/option_text.h"

namespace pythonfilter {
namespace {

// Pools and filters are not looked into: all their keys can be reloaded (a unit test says so).
void compare(const Section& section, void* running, void* loaded, const std::string& prefix, std::vector<std::string>& differ) {
    for (const Option& option : section.options) {
        const Slot old_slot = option.slot(running);
        const Slot new_slot = option.slot(loaded);
        const std::string path = prefix + std::string(option.key);
        if (const auto* nested = std::get_if<SectionSlot>(&old_slot)) {
            compare(*option.section, nested->owner, std::get<SectionSlot>(new_slot).owner, path + ".", differ);
        } else if (!option.reloadable && value_text(option, old_slot) != value_text(option, new_slot)) {
            differ.push_back(path);
        }
    }
}

}  // namespace

std::vector<std::string> keys_that_need_restart(const Config& running, const Config& loaded) {
    Config old_copy = running;  // slots point to members that could be written
    Config new_copy = loaded;
    std::vector<std::string> differ;
    compare(root_section(), &old_copy, &new_copy, {}, differ);
    return differ;
}

}  // namespace pythonfilter
