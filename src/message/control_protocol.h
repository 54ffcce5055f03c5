// What is said on the control socket: one request, a line of JSON, and one answer, a line of JSON, then the end. For
// both ends. To the server every byte of a request is hostile: length, depth and types are bounded here.
//
//   {"command": "recycle", "arguments": {"pool": "default"}}
//   {"ok": true, "result": {...}}
//   {"ok": false, "error": "there is no pool `x`", "kind": "failed"}
#pragma once

#include "message/json.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pythonfilter {

inline constexpr std::size_t kMaxControlRequest = 4096;  // bytes, LF included

struct ControlRequest {
    std::string command;
    std::map<std::string, std::string> arguments;
};

enum class ControlFailure {
    none,
    bad_request,    // not a request, an unknown command, an argument that is missing or makes no sense
    not_permitted,  // this user, or this command on the read-only socket
    busy,           // too many ask at the same time
    failed,         // what was asked for did not succeed
};

struct ControlAnswer {
    ControlFailure failure = ControlFailure::none;
    std::string error;          // one sentence or several lines, for a person; empty when it succeeded
    Json result = Json::object();

    bool ok() const { return failure == ControlFailure::none; }
};

ControlAnswer control_failure(ControlFailure failure, std::string error);

/// Indented, for a person. Never fails: bytes that are not UTF-8 are replaced.
std::string indented(const Json& json);

/// Each ends with LF and has no other.
std::string encode(const ControlRequest& request);
std::string encode(const ControlAnswer& answer);

/// The line without its LF. nullopt when it is not exactly such a thing.
std::optional<ControlRequest> decode_control_request(std::string_view line);
std::optional<ControlAnswer> decode_control_answer(std::string_view line);

}  // namespace pythonfilter
