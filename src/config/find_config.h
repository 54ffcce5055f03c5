// Which configuration file is read, and load_config(): the one entry for guardian, master and `pythonfilter check`.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <string>
#include <vector>

namespace pythonfilter {

struct ConfigRequest {
    std::string instance = "pythonfilter";  // basename of argv[0]
    std::string file;                       // --config; empty: look in the usual places
};

/// Courier's directories (courier-config found through PATH; built-in values where it is missing), the file, its
/// content, and the effective values. The error names file:line:column where there is one, what was expected and the
/// nearest known key; several errors of one file are given together, one a line. A file that ends in .conf is read as
/// pythonfilter.conf, any other as YAML.
Result<Config> load_config(const ConfigRequest& request);

/// Where load_config() looks, in this order: <sysconfdir>/<instance>.yaml, /etc/<instance>.yaml, then pythonfilter.conf
/// in /etc, /usr/local/etc and <sysconfdir>.
std::vector<std::string> config_places(const std::string& instance, const std::string& sysconfdir);

/// Loads the first of the files that counts. A YAML file counts when it exists: to run another configuration because it
/// cannot be read would change the chain unnoticed. A legacy file counts when it can be read, as it always was.
Result<Config> load_first(const std::vector<std::string>& places, Config start);

/// Courier's directories alone: what a guardian without a usable configuration needs for its socket.
CourierDirs find_courier_dirs();

}  // namespace pythonfilter
