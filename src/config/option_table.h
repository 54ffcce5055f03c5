// The option table: ONE row per key of pythonfilter.yaml. A row holds the key, the member it fills, its bounds and its
// paragraph of documentation; the kind follows from the type of the member, the default from a default-constructed
// struct. The YAML loader, its errors and the sample file are all made from these rows, so a key is never mentioned a
// second time. A row exists when the feature does.
//
// To add a key: a member in config.h with its default, a row in option_table.cpp, then write conf/pythonfilter.yaml
// anew (print_sample.cpp says how).
#pragma once

#include "config/config.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

namespace pythonfilter {

/// Which texts a string member takes.
enum class TextRule { module, pool, path, account, section, variable, listener };

/// An enum, or an optional one: set and read by its index in the words of the row.
struct ChoiceSlot {
    void* member;
    void (*set)(void* member, int index);
    std::optional<int> (*get)(const void* member);
};
/// A struct with keys of its own.
struct SectionSlot {
    void* owner;
};
using PoolMap = std::map<std::string, PoolConfig>;
using FilterList = std::vector<FilterConfig>;
using TextMap = std::map<std::string, std::string>;
using TextList = std::vector<std::string>;

/// The member of one struct that a row is about, by its type.
using Slot = std::variant<int*, std::optional<int>*, std::optional<ByteSize>*, bool*, Duration*,
                          std::optional<Duration>*, std::string*, TextList*, std::optional<TextList>*, ChoiceSlot,
                          SectionSlot, PoolMap*, PoolChoice*, TextMap*, FilterList*, Settings*, SettingsSections*>;

struct Section;

struct Option {
    std::string_view key;
    Slot (*slot)(void* owner);  // owner: the struct that the row's section is about
    std::string_view text;      // one paragraph; `words` in backquotes are literal
    std::int64_t min = 0;       // a number; nanoseconds of a duration; bytes of a size
    std::int64_t max = 0;       // the same; of a list or a map the greatest length
    TextRule rule = TextRule::path;                    // of a text, and of the elements of a list of texts
    std::span<const std::string_view> words = {};      // of a choice, in the order of the enum
    const Section* section = nullptr;                  // keys of a struct, of each pool, of each filter
    FailureAction FailurePolicy::*policy = nullptr;    // what a failure key decides in the end
    bool restart = false;                              // what the server started with stays until it is restarted
    bool required = false;
    std::string_view example = {};                     // for the sample file, where the default shows nothing
    std::string_view unset = {};                       // what it means that an optional key is absent
};

/// The rows about one struct. The first one is what a bare word stands for in a list of such mappings.
struct Section {
    std::span<const Option> options;
    std::size_t bare = 0;  // where the section is the value of a key, a bare value stands for so many of the first rows
};

/// The keys under `log:`, in log_options.cpp; its owner is a LogConfig.
extern const Section kLogSection;
/// The top level; its owner is a Config.
const Section& root_section();
/// The keys under `courier:`, which are also the names that courier-config prints; its owner is a CourierDirs.
const Section& courier_section();
/// The keys of a failure policy; its owner is a FailureKeys.
const Section& failure_section();

namespace option_table_detail {

template <class T>
struct MemberOf;
template <class Class, class Type>
struct MemberOf<Type Class::*> {
    using Owner = Class;
};
template <class T>
struct Unwrapped {
    using Type = T;
    static constexpr bool optional = false;
};
template <class T>
struct Unwrapped<std::optional<T>> {
    using Type = T;
    static constexpr bool optional = true;
};

template <class T>
ChoiceSlot choice_slot(T& member) {
    using Enum = typename Unwrapped<T>::Type;
    return {&member, [](void* to, int index) { *static_cast<T*>(to) = static_cast<Enum>(index); },
            [](const void* from) -> std::optional<int> {
                const T& value = *static_cast<const T*>(from);
                if constexpr (Unwrapped<T>::optional) {
                    return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
                } else {
                    return static_cast<int>(value);
                }
            }};
}

}  // namespace option_table_detail

/// The slot function of a row: the given member of the struct that `owner` points to.
template <auto Member>
Slot slot(void* owner) {
    namespace detail = option_table_detail;
    auto& member = static_cast<typename detail::MemberOf<decltype(Member)>::Owner*>(owner)->*Member;
    using T = std::remove_reference_t<decltype(member)>;
    if constexpr (std::is_enum_v<typename detail::Unwrapped<T>::Type>) {
        return detail::choice_slot(member);
    } else if constexpr (std::is_constructible_v<Slot, std::in_place_type_t<T*>, T*>) {
        return Slot(std::in_place_type<T*>, &member);
    } else {
        return SectionSlot{&member};
    }
}

}  // namespace pythonfilter
