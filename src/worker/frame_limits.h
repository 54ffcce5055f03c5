// Cuts what a worker says until it fits into a frame: texts of filters and addresses of clients have no length of their
// own. Called right before encode(). Verdict, state and identity are never cut.
#pragma once

#include "message/frames.h"

namespace pythonfilter {

void fit_into_frame(Ready& ready);
void fit_into_frame(Progress& progress);
void fit_into_frame(Outcome& outcome);

/// The texts of a list of failures, cut so that together they have at most `limit` bytes.
void fit_texts(std::vector<Ready::Failure>& failures, std::size_t limit);

}  // namespace pythonfilter
