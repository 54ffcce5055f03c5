// A configuration given as text: what it loads as, or the error. For tests of what stands in a file.
#pragma once

#include "config/yaml_loader.h"

#include <doctest/doctest.h>
#include <string>
#include <string_view>

namespace pythonfilter {

/// It must load.
inline Config loaded(std::string_view text) {
    Result<Config> config = load_yaml(text, "f.yaml");
    INFO((config ? std::string() : config.error().text));
    REQUIRE(config);
    return *config;
}

/// "no error" when it loads. The file is called f.yaml.
inline std::string error_of(std::string_view text) {
    const Result<Config> config = load_yaml(text, "f.yaml");
    return config ? "no error" : config.error().text;
}

}  // namespace pythonfilter
