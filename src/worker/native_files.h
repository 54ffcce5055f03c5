// Tells the native extension behind the courier package which files the message has, so that it can refuse to touch
// others under the same path, and lends it the descriptors of the control files and what was read of them. Called by
// the task runner around the filters; costs one look into sys.modules when no filter uses the package, and makes no
// Python object when one does.
#pragma once

#include "worker/task_files.h"

namespace pythonfilter {

/// `texts` as facts_as_opened() has filled it; to stay as they are until clear_native_files().
void register_native_files(const TaskFiles& files, const ControlTexts& texts);
void clear_native_files();

}  // namespace pythonfilter
