// ReloadWaiters: who asked for a reload and wants to hear how it ended. A reload that is asked for while another is
// under way begins later, so those who asked then belong to the later one. Pure.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pythonfilter {

class ReloadWaiters {
public:
    /// No problems: it serves.
    using Done = std::function<void(const std::vector<std::string>& problems)>;

    void add(Done done) {
        if (done) next_.push_back(std::move(done));
    }
    /// The reload begins that all who asked so far asked for.
    void begin() { move_to_present(); }
    void end(const std::vector<std::string>& problems) { tell(std::exchange(present_, {}), problems); }
    /// There will be no other.
    void end_all(const std::vector<std::string>& problems) {
        move_to_present();
        end(problems);
    }

private:
    void move_to_present() {
        for (Done& done : std::exchange(next_, {})) present_.push_back(std::move(done));
    }
    static void tell(const std::vector<Done>& whom, const std::vector<std::string>& problems) {
        for (const Done& done : whom) done(problems);
    }

    std::vector<Done> next_, present_;
};

}  // namespace pythonfilter
