#include "message/sandbox_rules.h"

namespace pythonfilter {
namespace {

void put_list(ByteWriter& out, const std::vector<std::string>& list) {
    out.put(static_cast<std::uint32_t>(list.size()));
    for (const auto& text : list) out.put_string(text);
}

std::vector<std::string> get_list(ByteReader& in) {
    std::vector<std::string> list(in.get_count(4));
    for (auto& text : list) text = in.get_string();
    return list;
}

}  // namespace

SandboxRules resolve_sandbox(const SandboxConfig& config, const CourierDirs& courier,
                             std::vector<std::int32_t> protected_pids) {
    SandboxRules rules;
    if (config.preset == SandboxPreset::off) return rules;
    const bool strict = config.preset == SandboxPreset::strict;
    rules.guard = true;
    rules.network = config.network.value_or(strict ? NetworkAccess::none : NetworkAccess::allow);
    rules.exec = config.exec.value_or(strict ? ExecAccess::deny : ExecAccess::allow) == ExecAccess::allow;
    rules.limit_read = strict || config.read;
    rules.limit_write = strict || config.write;
    rules.read = config.read.value_or(std::vector<std::string>());
    rules.write = config.write.value_or(std::vector<std::string>());
    rules.required = config.required;
    rules.settings = courier.sysconfdir;
    rules.spool = courier.localstatedir + "/tmp";
    rules.protected_pids = std::move(protected_pids);
    return rules;
}

void put_sandbox(ByteWriter& out, const SandboxRules& rules) {
    out.put_bool(rules.guard);
    out.put(static_cast<std::uint8_t>(rules.network));
    out.put_bool(rules.exec);
    out.put_bool(rules.limit_read);
    out.put_bool(rules.limit_write);
    put_list(out, rules.read);
    put_list(out, rules.write);
    out.put_bool(rules.required);
    out.put_string(rules.settings);
    out.put_string(rules.spool);
    out.put(static_cast<std::uint32_t>(rules.protected_pids.size()));
    for (const auto pid : rules.protected_pids) out.put(pid);
}

bool get_sandbox(ByteReader& in, SandboxRules& rules) {
    rules.guard = in.get_bool();
    const auto network = in.get<std::uint8_t>();
    rules.exec = in.get_bool();
    rules.limit_read = in.get_bool();
    rules.limit_write = in.get_bool();
    rules.read = get_list(in);
    rules.write = get_list(in);
    rules.required = in.get_bool();
    rules.settings = in.get_string();
    rules.spool = in.get_string();
    rules.protected_pids.resize(in.get_count(4));
    for (auto& pid : rules.protected_pids) pid = in.get<std::int32_t>();
    if (network > static_cast<std::uint8_t>(NetworkAccess::none)) return false;
    rules.network = static_cast<NetworkAccess>(network);
    return true;
}

}  // namespace pythonfilter
