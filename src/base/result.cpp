#include "base/result.h"

#include <cstring>

namespace pythonfilter {

Error errno_error(std::string what, int error_number) {
    char text[128];
    what += ": ";
    what += strerror_r(error_number, text, sizeof text);
    return Error{std::move(what)};
}

}  // namespace pythonfilter
