#include "config/config.h"

namespace pythonfilter {

std::string Config::socket_directory() const {
    return courier.localstatedir + (server.socket == SocketDirectory::all ? "/allfilters" : "/filters");
}

std::string Config::other_socket_directory() const {
    return courier.localstatedir + (server.socket == SocketDirectory::all ? "/filters" : "/allfilters");
}

}  // namespace pythonfilter
