#include "message/scoreboard.h"

#include <csignal>

namespace pythonfilter {

int traceback_signal() { return SIGRTMIN + 7; }  // scripts use the USR signals and, rarely, the first realtime ones

int trace_signal() { return SIGRTMIN + 8; }

}  // namespace pythonfilter
