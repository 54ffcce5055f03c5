#include "worker/signal_masks.h"

#include "worker/high_fd.h"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace pythonfilter {
namespace {

// The value of a line `name` + 16 hexadecimal digits.
std::optional<std::uint64_t> mask_of(std::string_view status, std::string_view name) {
    constexpr std::size_t kDigits = 16;
    const std::size_t line = status.find(name);
    if (line == std::string_view::npos || status.size() - line < name.size() + kDigits) return {};
    const char* const begin = status.data() + line + name.size();
    std::uint64_t mask = 0;
    const auto [end, error] = std::from_chars(begin, begin + kDigits, mask, 16);
    if (error != std::errc() || end != begin + kDigits) return {};
    return mask;
}

}  // namespace

SignalMasks::SignalMasks() : status_(open("/proc/self/status", O_RDONLY | O_CLOEXEC)) {
    if (status_) status_ = move_high(std::move(status_));
}

std::optional<SignalMasks::Masks> SignalMasks::read() const {
    if (!status_) return {};
    std::array<char, 4096> text;
    const auto size = pread(status_.get(), text.data(), text.size(), 0);
    const std::string_view status(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    if (!status.starts_with("Name:\t")) return {};  // it is another's file by now
    const auto ignored = mask_of(status, "\nSigIgn:\t"), caught = mask_of(status, "\nSigCgt:\t");
    if (!ignored || !caught) return {};
    return Masks{*ignored, *caught};
}

}  // namespace pythonfilter
