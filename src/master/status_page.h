// The status page: the file status_page.html, which the build puts into the program, with its parts filled in; and what
// its script asks for. One page without anything from elsewhere; it says so to the browser, which then refuses all
// else. Pure.
#pragma once

#include "master/page_parts.h"

#include <string>

namespace pythonfilter {

std::string status_page(const PageParts& parts);
/// The parts as JSON.
std::string live_parts(const PageParts& parts);
/// Content-Security-Policy: the page's own style and script, by their digests, and what the script asks for.
const std::string& status_page_policy();

}  // namespace pythonfilter
