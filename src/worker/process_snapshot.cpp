#include "worker/process_snapshot.h"

#include "base/process.h"

#include <cstdlib>
#include <dirent.h>
#include <fstream>
#include <memory>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace pythonfilter {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

// The numbers that name the entries of a directory in /proc, but for the descriptor that it is read with.
std::vector<int> list_numbers(const char* path, bool skip_own_fd) {
    std::vector<int> numbers;
    const Directory directory(opendir(path), closedir);
    if (!directory) return numbers;
    while (const dirent* entry = readdir(directory.get())) {
        if (entry->d_name[0] == '.') continue;
        const int number = std::atoi(entry->d_name);
        if (!skip_own_fd || number != dirfd(directory.get())) numbers.push_back(number);
    }
    return numbers;
}

std::string link_target(int fd) {
    char target[512];
    const ssize_t n = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
    return n > 0 ? std::string(target, static_cast<std::size_t>(n)) : std::string();
}

bool is_running(pid_t child) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

void add(std::string& text, const std::string& addition) { text += (text.empty() ? "" : ", ") + addition; }

}  // namespace

ProcessSnapshot take_snapshot() {
    ProcessSnapshot snapshot;
    for (const int fd : list_numbers("/proc/self/fd", true)) snapshot.descriptors[fd] = link_target(fd);
    for (const int thread : list_numbers("/proc/self/task", false)) snapshot.threads.insert(thread);
    for (const pid_t child : list_children()) {
        if (is_running(child)) snapshot.children.insert(child);
    }
    itimerval timer{};
    getitimer(ITIMER_REAL, &timer);
    snapshot.alarm = timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0;
    return snapshot;
}

std::string describe_additions(const ProcessSnapshot& before, const ProcessSnapshot& after) {
    std::string text;
    for (const auto& [fd, target] : after.descriptors) {
        const auto old = before.descriptors.find(fd);
        if (old == before.descriptors.end() || old->second != target) {
            add(text, "descriptor " + std::to_string(fd) + " (" + target + ")");
        }
    }
    for (const pid_t thread : after.threads) {
        if (!before.threads.contains(thread))
            add(text, "thread " + std::to_string(thread) + " (" + process_name(thread) + ")");
    }
    for (const pid_t child : after.children) {
        if (!before.children.contains(child))
            add(text, "process " + std::to_string(child) + " (" + process_name(child) + ")");
    }
    if (after.alarm && !before.alarm) add(text, "an alarm timer");
    return text;
}

std::string process_name(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    std::getline(file, name);
    return name.empty() ? "?" : name;
}

}  // namespace pythonfilter
