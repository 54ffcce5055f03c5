#include "master/page_plots.h"
#include "master/status_page.h"
#include "message/json.h"

#include <doctest/doctest.h>
#include <string>

using namespace pythonfilter;

namespace {

constexpr const char* kHostile = "<script>alert('x')</script>\"&";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

ServerSnapshot hostile_snapshot() {
    ServerSnapshot snapshot;
    snapshot.status.state = "serving";
    snapshot.status.problems = {kHostile};
    snapshot.status.last_reload = {"given up", {kHostile}, 5};
    snapshot.status.pools = {{kHostile, 1, "serving", 1, 3, kHostile, {}}};
    snapshot.status.pools[0].workers = {{kHostile, 17, "busy", kHostile, kHostile, 1.5, 4, 1 << 20, 2, {kHostile, 3}}};
    snapshot.filters.resize(1);
    snapshot.filters[0].name = kHostile;
    snapshot.filters[0].breaker = "open";
    snapshot.hour.messages.resize(60);
    snapshot.hour.filters[kHostile].resize(60);
    snapshot.hour.filters[kHostile][59].runs = 1;
    return snapshot;
}

}  // namespace

TEST_CASE("page: nothing foreign is markup") {
    const PageParts parts = page_parts(hostile_snapshot());
    const std::string page = status_page(parts);
    CHECK(count(page, "<script>") == 1);  // its own
    CHECK(!has(page, "alert('"));
    CHECK(count(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;") == 10);
    CHECK(html_text("<a href=\"x\">'&") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
}

TEST_CASE("page: every part has its place, in the page and for its script") {
    const PageParts parts{"SUMMARY", "MESSAGES", "POOLS", "FILTERS"};
    const std::string page = status_page(parts);
    for (const char* element : {"id=\"summary\">SUMMARY</section>", "id=\"messages\">MESSAGES</section>",
                                "id=\"pools\">POOLS</section>", "id=\"filters\">FILTERS</section>"})
        CHECK(has(page, element));
    CHECK(page.ends_with("</html>\n"));
    const Json live = Json::parse(live_parts(parts));
    CHECK(live == Json{{"summary", "SUMMARY"}, {"messages", "MESSAGES"}, {"pools", "POOLS"}, {"filters", "FILTERS"}});
}

TEST_CASE("page: the policy names the page's own style and script and nothing from elsewhere") {
    const std::string& policy = status_page_policy();
    CHECK(policy.starts_with("default-src 'none'; script-src 'sha256-"));
    CHECK(count(policy, "'sha256-") == 2);
    CHECK(!has(policy, "unsafe"));
    const std::string page = status_page({});
    CHECK(count(page, "<style>") == 1);
    for (const char* part : {"http:", "https:", "src=", "@import", "url(", " style=", "onclick"}) {
        CAPTURE(part);
        CHECK(!has(page, part));
    }
}

TEST_CASE("page: the plots show each kind of verdict, gaps where nothing ran, and powers of ten") {
    std::vector<MinuteStats> minutes(60);
    minutes[58] = {5, 1, 1, 1, 1, 0.4, 30};
    minutes[0] = {1, 0, 0, 0, 0, 2, 2};
    const std::string verdicts = verdicts_plot(minutes, true);
    for (const char* kind : {"passed", "accept", "defer", "reject", "failed"})
        CHECK(has(verdicts, std::string("<path class=\"bar ") + kind + "\""));
    CHECK(has(verdicts, ">5</text>"));
    CHECK(!has(verdicts_plot(minutes, false), "bar passed"));
    const std::string latency = latency_plot(minutes);
    CHECK(has(latency, ">100 \xc2\xb5s</text>"));
    CHECK(has(latency, ">100 ms</text>"));
    CHECK(count(latency, "class=\"line") == 2);
    CHECK(count(latency.substr(latency.find("line p50")), "M") == 2);  // two minutes that are no neighbours
    CHECK(!has(latency_plot(std::vector<MinuteStats>(60)), "class=\"line"));
}
