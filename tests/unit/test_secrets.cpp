#include "config/secrets.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("keys that sound like a secret") {
    for (const char* key :
         {"password", "smtp_password", "PASSWORD", "apiKey", "api-key", "token2", "db.secret", "pw"}) {
        CAPTURE(key);
        CHECK(sounds_secret(key));
    }
    for (const char* key : {"", "type", "keywords", "bypass", "monkey", "tokenizer", "directory"}) {
        CAPTURE(key);
        CHECK_FALSE(sounds_secret(key));
    }
}

TEST_CASE("a secret is not shown, at any depth") {
    const SettingValue word{std::string("hunter2")}, five{std::int64_t(5)};
    CHECK(to_text_without_secrets("password", five) == "\"(not shown)\"");
    CHECK(to_text_without_secrets("limit", five) == "5");
    const SettingValue map{SettingValue::Map{{std::string("user"), {std::string("me")}}, {std::string("pw"), word}}};
    CHECK(to_text_without_secrets("hosts", {SettingValue::List{map}}) ==
          "[{\"user\": \"me\", \"pw\": \"(not shown)\"}]");
    CHECK(to_text_without_secrets("db", {std::string("postgresql://me:hunter2@host/db")}) ==
          "\"postgresql://me:(not shown)@host/db\"");
    CHECK(to_text_without_secrets("db", {std::string("https://host:80/a@b")}) == "\"https://host:80/a@b\"");
}
