#include "worker/footprint.h"

namespace pythonfilter {

Footprint read_all(const std::vector<Property>& properties) {
    Footprint values;
    for (const Property& property : properties) values.push_back(property.read());
    return values;
}

std::vector<Difference> find_differences(const std::vector<Property>& properties, const Footprint& wanted, Look look) {
    std::vector<Difference> differences;
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const Property& property = properties[i];
        if (property.look > look || (look != Look::full && property.holds && property.holds(wanted[i]))) continue;
        std::string value = property.read();
        if (value != wanted[i]) differences.push_back({i, std::move(value)});
    }
    return differences;
}

std::string describe(const Property& property, const std::string& wanted, const std::string& value) {
    const std::string detail = property.describe ? property.describe(wanted, value) : std::string();
    return property.name + (detail.empty() ? std::string() : " (" + detail + ")");
}

std::string from_to(const std::string& wanted, const std::string& value) {
    constexpr std::size_t kMaxShown = 120;
    return wanted.substr(0, kMaxShown) + " -> " + value.substr(0, kMaxShown);
}

}  // namespace pythonfilter
