// A mapping of the YAML tree -> Settings: values typed as they are written, each error with its place. Called by the
// loader for `settings` and `modules`. It never evaluates anything and does not know which keys a module has.
#pragma once

#include "config/load_report.h"
#include "config/settings.h"
#include "config/yaml_tree.h"

namespace pythonfilter {

/// `map` is a mapping. `path` is what errors call it: "filters[1].settings".
Settings read_settings(const YamlNode& map, const std::string& path, LoadReport& report);

}  // namespace pythonfilter
