// Tells the native extension behind the courier package which files the message has, so that it can refuse to touch
// others under the same path, and lends it the descriptors of the control files. Called by the task runner around the
// filters; costs one look into sys.modules when no filter uses the package, and makes no Python object when one does.
#pragma once

#include "worker/task_files.h"

namespace pythonfilter {

void register_native_files(const TaskFiles& files);
void clear_native_files();

}  // namespace pythonfilter
