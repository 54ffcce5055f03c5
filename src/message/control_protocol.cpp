#include "message/control_protocol.h"

#include <array>

namespace pythonfilter {
namespace {

constexpr std::array<std::string_view, 5> kKinds = {"", "bad request", "not permitted", "busy", "failed"};

// Bytes that are not UTF-8 are replaced, so that printing never fails.
std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json parsed(std::string_view line) { return Json::parse(line, nullptr, false); }

std::optional<ControlFailure> failure_of(const Json& kind) {
    for (std::size_t i = 1; i < kKinds.size(); ++i) {
        if (kind.is_string() && kind.get_ref<const std::string&>() == kKinds[i]) return static_cast<ControlFailure>(i);
    }
    return std::nullopt;
}

const Json* find(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string indented(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

ControlAnswer control_failure(ControlFailure failure, std::string error) { return {failure, std::move(error), {}}; }

std::string encode(const ControlRequest& request) {
    Json json{{"command", request.command}};
    if (!request.arguments.empty()) json["arguments"] = request.arguments;
    return line_of(json);
}

std::string encode(const ControlAnswer& answer) {
    if (answer.ok()) return line_of(Json{{"ok", true}, {"result", answer.result}});
    return line_of(Json{{"ok", false},
                        {"error", answer.error},
                        {"kind", kKinds[static_cast<std::size_t>(answer.failure)]}});
}

std::optional<ControlRequest> decode_control_request(std::string_view line) {
    if (line.size() > kMaxControlRequest) return std::nullopt;
    const Json json = parsed(line);
    if (!json.is_object()) return std::nullopt;
    ControlRequest request;
    for (const auto& [key, value] : json.items()) {
        if (key == "command" && value.is_string()) {
            request.command = value.get_ref<const std::string&>();
        } else if (key == "arguments" && value.is_object()) {
            for (const auto& [name, argument] : value.items()) {
                if (!argument.is_string()) return std::nullopt;
                request.arguments[name] = argument.get_ref<const std::string&>();
            }
        } else {
            return std::nullopt;
        }
    }
    if (request.command.empty()) return std::nullopt;
    return request;
}

std::optional<ControlAnswer> decode_control_answer(std::string_view line) {
    const Json json = parsed(line);
    if (!json.is_object()) return std::nullopt;
    const Json* ok = find(json, "ok");
    if (!ok || !ok->is_boolean()) return std::nullopt;
    if (ok->get<bool>()) {
        const Json* result = find(json, "result");
        if (!result) return std::nullopt;
        return ControlAnswer{ControlFailure::none, {}, *result};
    }
    const Json* error = find(json, "error");
    const Json* kind = find(json, "kind");
    if (!error || !error->is_string() || !kind) return std::nullopt;
    const auto failure = failure_of(*kind);
    if (!failure) return std::nullopt;
    return control_failure(*failure, error->get<std::string>());
}

}  // namespace pythonfilter
