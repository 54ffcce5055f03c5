#include "message/scoreboard.h"

#include <csignal>

namespace pythonfilter {

int traceback_signal() { return SIGRTMIN + 7; }  // scripts use the USR signals and, rarely, the first realtime ones

}  // namespace pythonfilter
