// The parts of the status page that change, as HTML: made of a snapshot, for the page as it is loaded and for its
// script, which puts newer ones in their place. Pure. What came from a message, a filter or the configuration is
// hostile here: it goes through html_text() and nothing else.
#pragma once

#include "message/server_status.h"

#include <string>
#include <string_view>

namespace pythonfilter {

/// By the id of the element that holds it.
struct PageParts {
    std::string summary, messages, pools, filters;
};
PageParts page_parts(const ServerSnapshot& snapshot);

/// Text in an element or between quotes: nothing in it is markup.
std::string html_text(std::string_view text);

}  // namespace pythonfilter
