#include "config/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <regex>

namespace pythonfilter {
namespace {

constexpr std::string_view kHidden = "(not shown)";
constexpr std::array<std::string_view, 14> kSecretWords = {"pass", "password", "passwd", "passphrase", "pw", "pwd",
                                                           "secret", "secrets", "token", "tokens", "key", "apikey",
                                                           "credential", "credentials"};

SettingValue without_secrets(std::string_view key, const SettingValue& value);

// One overload for each kind that can hold a secret.
struct Hide {
    SettingValue operator()(const std::string& text) const {
        static const std::regex password_in_url(R"((://[^/@\s:]*:)[^/@\s]*@)");
        return {std::regex_replace(text, password_in_url, "$1" + std::string(kHidden) + "@")};
    }
    SettingValue operator()(const SettingValue::List& list) const {
        SettingValue::List shown;
        for (const SettingValue& item : list) shown.push_back(without_secrets({}, item));
        return {shown};
    }
    SettingValue operator()(const SettingValue::Map& map) const {
        SettingValue::Map shown;
        for (const SettingEntry& entry : map) {
            const auto* name = std::get_if<std::string>(&entry.key);
            shown.push_back({entry.key, without_secrets(name ? std::string_view(*name) : "", entry.value)});
        }
        return {shown};
    }
    template <class Plain>
    SettingValue operator()(const Plain& plain) const {
        return {plain};
    }
};

SettingValue without_secrets(std::string_view key, const SettingValue& value) {
    if (sounds_secret(key)) return {std::string(kHidden)};
    return std::visit(Hide{}, value.value);
}

}  // namespace

bool sounds_secret(std::string_view key) {
    std::string word;
    const auto is_secret = [&] {
        return std::find(kSecretWords.begin(), kSecretWords.end(), word) != kSecretWords.end();
    };
    bool was_lower = false;
    for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        const bool begins = !std::isalpha(byte) || (std::isupper(byte) && was_lower);
        if (begins && is_secret()) return true;
        if (begins) word.clear();
        if (std::isalpha(byte)) word += static_cast<char>(std::tolower(byte));
        was_lower = std::islower(byte) != 0;
    }
    return is_secret();
}

std::string to_text_without_secrets(std::string_view key, const SettingValue& value) {
    return to_text(without_secrets(key, value));
}

}  // namespace pythonfilter
