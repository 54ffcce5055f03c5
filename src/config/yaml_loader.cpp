#include "config/yaml_loader.h"

#include "config/complete_config.h"
#include "config/config_reader.h"

namespace pythonfilter {

Result<Config> load_yaml(std::string_view text, const std::string& file, Config start) {
    Config config = std::move(start);
    config.file = file;
    config.pools["default"];
    LoadReport report(file);
    Places places;
    const YamlNode root = parse_yaml(text, report);
    ConfigReader reader(places, report);
    if (root.kind == YamlNode::Kind::map && !root.bad) {
        reader.read_section(root, root.place, root_section(), &config, {});
    } else if (root.kind != YamlNode::Kind::nothing && !report.failed()) {
        const std::string key(root_section().options.back().key);
        report.error(root.place, "expected keys such as `" + key + ":`, found " + describe_found(root));
    }
    complete_config(config, places, report);
    if (report.failed()) return report.errors();
    return config;
}

}  // namespace pythonfilter
