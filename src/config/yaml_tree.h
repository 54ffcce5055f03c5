// parse_yaml(): the text of a YAML file as a tree that keeps what yaml-cpp's own nodes lose: duplicate keys, quotes,
// the place of everything. It takes the part of YAML that a configuration needs and reports the rest as errors: tags,
// anchors, aliases, merge keys, keys that are no plain words, several documents. No exception of yaml-cpp leaves it,
// and no text makes it use much memory or stack. Called by load_yaml().
#pragma once

#include "config/load_report.h"

#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

struct YamlNode {
    enum class Kind { nothing, scalar, list, map };

    Kind kind = Kind::nothing;
    bool quoted = false;          // a scalar in quotes or a block scalar: text, never a number
    bool bad = false;             // reported already: the reader passes over it
    Place place;
    std::string text;             // of a scalar
    std::vector<YamlNode> items;  // of a list; of a map its values
    std::vector<YamlNode> keys;   // of a map: scalars, as many as items
};

/// A file without a document is `nothing`. Duplicate keys are still in the tree: the reader knows where they stand.
YamlNode parse_yaml(std::string_view text, LoadReport& report);

}  // namespace pythonfilter
