#include "ctl/find_socket.h"

#include "config/find_config.h"

namespace pythonfilter {

ControlPaths find_control_paths(const CtlCommandLine& line) {
    ControlPaths found;
    if (!line.socket.empty()) {
        found.paths = {line.socket};
        return found;
    }
    auto config = load_config({line.instance, line.config_file});
    if (!config) {
        found.problem = config.error().text;
        Config usual;
        usual.instance = line.instance;
        usual.courier = find_courier_dirs();
        config = std::move(usual);
    }
    found.paths = {config->control_socket()};
    if (!line.command || line.command->reads) found.paths.push_back(config->monitor_socket());
    return found;
}

}  // namespace pythonfilter
