#include "config/config.h"

namespace pythonfilter {
namespace {

std::string control_base(const Config& config) {
    const std::string& directory = config.server.control.directory;
    return (directory.empty() ? config.courier.localstatedir : directory) + "/" + config.instance;
}

}  // namespace

std::string Config::socket_directory() const {
    return courier.localstatedir + (server.socket == SocketDirectory::all ? "/allfilters" : "/filters");
}

std::string Config::other_socket_directory() const {
    return courier.localstatedir + (server.socket == SocketDirectory::all ? "/filters" : "/allfilters");
}

std::string Config::control_socket() const { return control_base(*this) + ".control"; }
std::string Config::monitor_socket() const { return control_base(*this) + ".monitor"; }

}  // namespace pythonfilter
