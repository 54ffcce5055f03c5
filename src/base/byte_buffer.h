// ByteWriter and ByteReader: matching put/get pairs in the machine's byte order (both ends of every pipe run on the
// same machine and carry the same build id). The reader trusts nothing: a length is compared with what is left before
// it is used, a failed read makes all later ones fail, and finished() says whether everything was read and nothing
// remains.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace pythonfilter {

class ByteWriter {
public:
    template <class T>
        requires std::is_integral_v<T>
    void put(T value) {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void put_bool(bool value) { put(static_cast<std::uint8_t>(value)); }
    void put_string(std::string_view text) {
        put(static_cast<std::uint32_t>(text.size()));
        bytes_.append(text);
    }

    const std::string& bytes() const { return bytes_; }
    std::string take() { return std::move(bytes_); }
    std::string& raw() { return bytes_; }

private:
    std::string bytes_;
};

class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : left_(bytes) {}

    template <class T>
        requires std::is_integral_v<T>
    T get() {
        T value{};
        if (!take(sizeof value)) return value;
        std::memcpy(&value, taken_.data(), sizeof value);
        return value;
    }
    std::string get_string() {
        const auto length = get<std::uint32_t>();
        return take(length) ? std::string(taken_) : std::string();
    }
    /// A flag: only 0 and 1 are values of it.
    bool get_bool() {
        const auto value = get<std::uint8_t>();
        if (value > 1) failed_ = true;
        return !failed_ && value == 1;
    }
    /// Anything above `last` is no value of the enumeration.
    template <class E>
        requires std::is_enum_v<E>
    E get_enum(E last) {
        const auto number = get<std::underlying_type_t<E>>();
        if (number > static_cast<std::underlying_type_t<E>>(last)) failed_ = true;
        return failed_ ? E{} : static_cast<E>(number);
    }
    /// A number of elements that follow, each at least `element_size` bytes: never more than can be there.
    std::uint32_t get_count(std::size_t element_size) {
        const auto count = get<std::uint32_t>();
        if (count > left_.size() / element_size) failed_ = true;
        return failed_ ? 0 : count;
    }

    bool failed() const { return failed_; }
    bool finished() const { return !failed_ && left_.empty(); }

private:
    bool take(std::size_t n) {
        if (failed_ || n > left_.size()) {
            failed_ = true;
            return false;
        }
        taken_ = left_.substr(0, n);
        left_.remove_prefix(n);
        return true;
    }

    std::string_view left_;
    std::string_view taken_;
    bool failed_ = false;
};

}  // namespace pythonfilter
