// What the guardian does when its program was replaced on disk: it becomes the new one, and that replaces the master.
// The living master serves until the new program has found its configuration good.
#include "master/guardian.h"

#include <csignal>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kMakeWayPatience = 14s;  // a master gives messages 10 s, and 3 s to workers that it had to kill

}  // namespace

// Returns only when the new program cannot be run: then all goes on as it was.
void Guardian::hand_over() {
    say(LogLevel::info, "the program was replaced: going over to the new one");
    log_.flush_for(200);
    turn_away_.finish();
    const ListenSocket* socket = socket_.socket();
    const Error error = !socket ? Error{"there is no socket to hand on"}
                                : become_successor(options_.master, socket->fd.get(),
                                                   {master_.pid(), socket->device, socket->inode});
    say(LogLevel::error, "the new program does not take over, the old one goes on: " + error.text);
}

// The first thing in the new program.
void Guardian::take_over(Result<Config> config) {
    const pid_t old_master = options_.heritage->master;
    if (auto socket = inherit_socket(*options_.heritage)) socket_.adopt(std::move(*socket));
    if (old_master == 0) return attempt(std::move(config));
    if (const Status status = master_.adopt(old_master); !status) {
        say(LogLevel::warning, "the old master is gone: " + status.error().text);
        return attempt(std::move(config));
    }
    master_is_older_ = true;
    enter(State::running);
    replace_master(config);
}

void Guardian::replace_master(const Result<Config>& config) {
    if (!config) {
        return explain("the new program cannot use the configuration, and the old server goes on:", config.error().text,
                       "");
    }
    apply(*config);
    patience_end_ = Clock::now() + kMakeWayPatience;
    enter(State::replacing);
    master_.signal(kMakeWaySignal);
}

}  // namespace pythonfilter
