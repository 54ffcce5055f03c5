// ChangingCalls: whether a function of the C library was called that changes this process for those after it: its
// timers, signal handlers, signal mask, umask, directory, process group, limits, nice value, death signal, standard
// descriptors, environment, locale. The preloaded library has functions of the same names, which note the call and pass
// it on; the dynamic linker gives them to Python and to every library, so that TidyUp need not look at all that after
// each message. Unnoticed remains who calls the kernel past the C library, or looks a function up in libc.so.6 itself,
// and what changes without such a call, as a directory that somebody removes: the full look finds that. Likewise
// whether a descriptor was written to, closed or replaced: it may have been the worker's.
#pragma once

namespace pythonfilter {

/// Whether there was a call since the last time this was asked, in any thread.
[[gnu::visibility("default")]] bool take_changing_calls();
/// Likewise a call that writes to a descriptor, closes it, or gives its number to another file.
[[gnu::visibility("default")]] bool take_descriptor_calls();

}  // namespace pythonfilter
