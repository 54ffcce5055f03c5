// A plain value as the bytes that a footprint compares, and back.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

namespace pythonfilter {

template <class T>
std::string as_bytes(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// What `bytes` lacks is zero.
template <class T>
T from_bytes(const std::string& bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
    return value;
}

}  // namespace pythonfilter
