// Result<T>: what a function that can fail returns: the value, or an Error whose text says what was expected, where,
// and what to do. (std::expected needs C++23.) A function logs the error or returns it, never both.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace pythonfilter {

struct Error {
    std::string text;
};

/// An Error that ends with what errno says: "bind /x: Permission denied".
Error errno_error(std::string what, int error_number);

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }
    T& value() {
        assert(*this);
        return *std::get_if<0>(&state_);
    }
    const T& value() const {
        assert(*this);
        return *std::get_if<0>(&state_);
    }
    T& operator*() { return value(); }
    const T& operator*() const { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    const Error& error() const {
        assert(!*this);
        return *std::get_if<1>(&state_);
    }

private:
    std::variant<T, Error> state_;
};

/// For functions that return nothing when they succeed.
struct Done {};
using Status = Result<Done>;

}  // namespace pythonfilter
