#include "message/zygote_protocol.h"

#include "message/settings_codec.h"

namespace pythonfilter {
namespace {

void put_failures(ByteWriter& out, const std::vector<Ready::Failure>& failures) {
    out.put(static_cast<std::uint32_t>(failures.size()));
    for (const auto& failure : failures) {
        out.put(failure.filter);
        out.put_string(failure.text);
    }
}

std::vector<Ready::Failure> get_failures(ByteReader& in) {
    std::vector<Ready::Failure> failures(in.get_count(8));
    for (auto& failure : failures) {
        failure.filter = in.get<std::uint32_t>();
        failure.text = in.get_string();
    }
    return failures;
}

// The first byte of what the master sends after the specification.
enum class Order : std::uint8_t { fork, slow };

// Those that the worker sets for itself. 0: not limited.
void put_limits(ByteWriter& out, const LimitsConfig& limits) {
    out.put(limits.memory.value_or(ByteSize{}).bytes);
    out.put(limits.file_size.value_or(ByteSize{}).bytes);
    out.put(static_cast<std::int32_t>(limits.files.value_or(0)));
}

LimitsConfig get_limits(ByteReader& in) {
    LimitsConfig limits;
    for (auto* size : {&limits.memory, &limits.file_size}) {
        if (const auto bytes = in.get<std::int64_t>(); bytes != 0) *size = ByteSize{bytes};
    }
    if (const auto files = in.get<std::int32_t>(); files != 0) limits.files = files;
    return limits;
}

}  // namespace

std::string encode(const ZygoteSpec& spec) {
    ByteWriter out;
    out.put_string(spec.pool);
    out.put_bool(spec.preload);
    out.put_string(spec.python_dir);
    out.put(static_cast<std::uint32_t>(spec.filter_path.size()));
    for (const auto& directory : spec.filter_path) out.put_string(directory);
    put_sandbox(out, spec.sandbox);
    out.put(static_cast<std::uint32_t>(spec.filters.size()));
    for (const auto& filter : spec.filters) {
        out.put(filter.index);
        out.put_string(filter.name);
        out.put(static_cast<std::uint32_t>(filter.bypasses.size()));
        for (const auto index : filter.bypasses) out.put(index);
        out.put_bool(filter.has_bypass);
        out.put(filter.skip_events);
        out.put_string(filter.given_up);
    }
    out.put_string(spec.config_file);
    put_limits(out, spec.limits);
    out.put(static_cast<std::int32_t>(spec.nice));
    out.put(static_cast<std::int64_t>(spec.slow_after.count()));
    put_settings(out, spec.settings);
    return out.take();
}

std::optional<ZygoteSpec> decode_spec(std::string_view packet) {
    ByteReader in(packet);
    ZygoteSpec spec;
    spec.pool = in.get_string();
    spec.preload = in.get_bool();
    spec.python_dir = in.get_string();
    spec.filter_path.resize(in.get_count(4));
    for (auto& directory : spec.filter_path) directory = in.get_string();
    if (!get_sandbox(in, spec.sandbox)) return std::nullopt;
    spec.filters.resize(in.get_count(18));
    for (auto& filter : spec.filters) {
        filter.index = in.get<std::uint32_t>();
        filter.name = in.get_string();
        filter.bypasses.resize(in.get_count(4));
        for (auto& index : filter.bypasses) index = in.get<std::uint32_t>();
        filter.has_bypass = in.get_bool();
        filter.skip_events = in.get<std::uint8_t>();
        filter.given_up = in.get_string();
    }
    spec.config_file = in.get_string();
    spec.limits = get_limits(in);
    spec.nice = in.get<std::int32_t>();
    spec.slow_after = Duration(in.get<std::int64_t>());
    auto settings = get_settings(in);
    if (!settings) return std::nullopt;
    spec.settings = std::move(*settings);
    if (!in.finished()) return std::nullopt;
    return spec;
}

std::string encode(const ForkRequest& request) {
    ByteWriter out;
    out.put(static_cast<std::uint8_t>(Order::fork));
    out.put(request.slot);
    out.put(request.worker);
    return out.take();
}

std::optional<ForkRequest> decode_fork(std::string_view packet) {
    ByteReader in(packet);
    ForkRequest request;
    if (in.get<std::uint8_t>() != static_cast<std::uint8_t>(Order::fork)) return std::nullopt;
    request.slot = in.get<std::uint32_t>();
    request.worker = in.get<std::uint32_t>();
    if (!in.finished()) return std::nullopt;
    return request;
}

std::string encode(const SlowOrder& order) {
    ByteWriter out;
    out.put(static_cast<std::uint8_t>(Order::slow));
    out.put(order.slot);
    return out.take();
}

std::optional<SlowOrder> decode_slow(std::string_view packet) {
    ByteReader in(packet);
    SlowOrder order;
    if (in.get<std::uint8_t>() != static_cast<std::uint8_t>(Order::slow)) return std::nullopt;
    order.slot = in.get<std::uint32_t>();
    if (!in.finished()) return std::nullopt;
    return order;
}

std::string encode(const ZygoteReport& report) {
    ByteWriter out;
    out.put(static_cast<std::uint8_t>(report.kind));
    out.put(report.slot);
    out.put(report.pid);
    out.put(report.status);
    out.put(report.took.count());
    out.put_string(report.text);
    put_failures(out, report.failures);
    return out.take();
}

std::optional<ZygoteReport> decode_report(std::string_view packet) {
    ByteReader in(packet);
    ZygoteReport report;
    const auto kind = in.get<std::uint8_t>();
    if (kind > static_cast<std::uint8_t>(ZygoteReport::Kind::importing)) return std::nullopt;
    report.kind = static_cast<ZygoteReport::Kind>(kind);
    report.slot = in.get<std::uint32_t>();
    report.pid = in.get<std::int32_t>();
    report.status = in.get<std::int32_t>();
    report.took = Duration(in.get<Duration::rep>());
    report.text = in.get_string();
    report.failures = get_failures(in);
    if (!in.finished()) return std::nullopt;
    return report;
}

}  // namespace pythonfilter
