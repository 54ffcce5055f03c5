#include "master/status_page.h"

#include "message/control_protocol.h"
#include "status_page_html.h"

#include <array>
#include <sodium.h>

namespace pythonfilter {
namespace {

std::string_view page_file() { return kStatusPageHtml; }

// What stands in the page's only element of this name.
std::string_view element(std::string_view name) {
    const std::string begin = "<" + std::string(name) + ">", end = "</" + std::string(name) + ">";
    const std::size_t from = page_file().find(begin) + begin.size();
    return page_file().substr(from, page_file().find(end) - from);
}

std::string source_of(std::string_view text) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    std::array<char, sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL)> base64{};
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    sodium_bin2base64(base64.data(), base64.size(), digest.data(), digest.size(), sodium_base64_VARIANT_ORIGINAL);
    return "'sha256-" + std::string(base64.data()) + "'";
}

}  // namespace

const std::string& status_page_policy() {
    static const std::string policy =
        "default-src 'none'; script-src " + source_of(element("script")) + "; style-src " +
        source_of(element("style")) +
        "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    return policy;
}

std::string status_page(const PageParts& parts) {
    std::string page;
    std::string_view rest = page_file();
    for (const auto& [mark, part] : {std::pair<std::string_view, const std::string&>{"<!--summary-->", parts.summary},
                                     {"<!--messages-->", parts.messages},
                                     {"<!--pools-->", parts.pools},
                                     {"<!--filters-->", parts.filters}}) {
        const std::size_t at = rest.find(mark);
        page += rest.substr(0, at);
        page += part;
        rest.remove_prefix(at + mark.size());
    }
    return page.append(rest);
}

std::string live_parts(const PageParts& parts) {
    return indented(Json{{"summary", parts.summary},
                         {"messages", parts.messages},
                         {"pools", parts.pools},
                         {"filters", parts.filters}});
}

}  // namespace pythonfilter
