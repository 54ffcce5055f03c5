// Which configuration file is read, and load_config(): the one entry for guardian, master and `pythonfilter check`.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <string>

namespace pythonfilter {

struct ConfigRequest {
    std::string instance = "pythonfilter";  // basename of argv[0]
    std::string file;                       // --config; empty: look in the usual places
};

/// Courier's directories (courier-config found through PATH; built-in values where it is missing), the file, its
/// content, and the effective values. The error names file:line:column where there is one, what was expected and the
/// nearest known key; several errors of one file are given together, one a line. A file that ends in .conf is read as
/// pythonfilter.conf, any other as YAML.
///
/// Looked for in this order: <sysconfdir>/<instance>.yaml, /etc/<instance>.yaml, then pythonfilter.conf in /etc,
/// /usr/local/etc and <sysconfdir>: the first that can be read.
Result<Config> load_config(const ConfigRequest& request);

/// Courier's directories alone: what a guardian without a usable configuration needs for its socket.
CourierDirs find_courier_dirs();

}  // namespace pythonfilter
