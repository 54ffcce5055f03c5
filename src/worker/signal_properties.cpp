#include "worker/signal_properties.h"

#include "worker/python_object.h"
#include "worker/signal_masks.h"
#include "worker/value_bytes.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <optional>
#include <sys/time.h>

namespace pythonfilter {
namespace {

// ---- timers: armed or not; the rest of the time changes by itself

constexpr std::array<__itimer_which_t, 3> kTimers{ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};

template <std::size_t first, std::size_t end>
std::string read_timers() {
    std::string armed;
    for (std::size_t i = first; i < end; ++i) {
        const auto which = kTimers[i];
        itimerval timer{};
        getitimer(which, &timer);
        armed += timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0 ? '1' : '0';
    }
    return armed;
}

template <std::size_t first>
bool disarm_timers(const std::string& wanted) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const itimerval none{};
        if (wanted[i] == '0') setitimer(kTimers[first + i], &none, nullptr);
    }
    return true;  // one of init_filter that a message has switched off is that filter's own business
}

std::string describe_timers(const std::string&, const std::string& value) {
    return value.find('1') == std::string::npos ? "switched off" : "left running";
}

// ---- mask

std::string read_mask() {
    sigset_t mask{};  // the kernel fills only its part
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return {reinterpret_cast<const char*>(&mask), 8};
}

bool restore_mask(const std::string& wanted) {
    const auto mask = from_bytes<sigset_t>(wanted);
    return pthread_sigmask(SIG_SETMASK, &mask, nullptr) == 0;
}

std::string signal_name(int signal) {
    const char* name = sigabbrev_np(signal);
    return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

void add_name(std::string& names, int signal) { names += (names.empty() ? "" : ", ") + signal_name(signal); }

std::string describe_mask(const std::string& wanted, const std::string& value) {
    const auto before = from_bytes<sigset_t>(wanted), after = from_bytes<sigset_t>(value);
    std::string names;
    for (int signal = 1; signal < NSIG; ++signal) {
        if (sigismember(&before, signal) != sigismember(&after, signal)) add_name(names, signal);
    }
    return names;
}

// ---- handlers

// Those that programs use are looked at after each message in which any was set.
constexpr std::array kUsual{SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD};

// Of one signal: what the kernel calls, and what Python calls then. The saved objects live on, so no other has the
// address of one.
struct Handler {
    void* kernel = nullptr;
    PyObject* python = nullptr;  // null where the kernel calls no function

    bool operator==(const Handler&) const = default;
};

class SignalHandlers {
public:
    /// `many`: they are asked for together.
    SignalHandlers(const std::vector<int>& signals, bool many) {
        if (many) masks_.emplace();
        const PyObj module = steal(PyImport_ImportModule("_signal"));
        PyErr_Clear();
        if (module) get_ = optional_attribute(module.ptr(), "getsignal");
        if (module) set_ = optional_attribute(module.ptr(), "signal");
        PyErr_Clear();
        for (const int signal : signals) {
            Saved saved{signal, steal(PyLong_FromLong(signal)), {}, {}};
            if (sigaction(signal, nullptr, &saved.action) != 0) continue;  // the C library's own, for its threads
            saved.python = python_handler(saved);
            saved_.push_back(std::move(saved));
        }
    }

    std::string read() const {
        const auto masks = masks_ ? masks_->read() : std::nullopt;
        std::string bytes;
        for (const Saved& saved : saved_) bytes += as_bytes(masks ? handler_now(saved, *masks) : handler_now(saved));
        return bytes;
    }

    bool restore() const {
        for (const Saved& saved : saved_) {
            if (handler_now(saved) == as_handler(saved.action, saved.python)) continue;
            if (set_ && saved.python && !saved.python.is_none())
                steal(PyObject_CallFunction(set_.ptr(), "iO", saved.signal, saved.python.ptr()));
            PyErr_Clear();
            sigaction(saved.signal, &saved.action, nullptr);
        }
        return std::all_of(saved_.begin(), saved_.end(), [this](const Saved& saved) {
            return handler_now(saved) == as_handler(saved.action, saved.python);
        });
    }

    std::string describe(const std::string& wanted, const std::string& value) const {
        std::string names;
        for (std::size_t i = 0; i < saved_.size(); ++i) {
            const auto part = [i](const std::string& all) { return all.substr(i * sizeof(Handler), sizeof(Handler)); };
            if (part(wanted) != part(value)) add_name(names, saved_[i].signal);
        }
        return names;
    }

private:
    struct Saved {
        int signal;
        PyObj number;  // the same for Python
        struct sigaction action;
        PyObj python;
    };

    PyObj python_handler(const Saved& saved) const {
        PyObj found = get_ && saved.number ? steal(PyObject_CallOneArg(get_.ptr(), saved.number.ptr())) : PyObj();
        PyErr_Clear();
        return found;
    }

    static Handler as_handler(const struct sigaction& action, const PyObj& python) {
        const bool is_function = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
        return {reinterpret_cast<void*>(action.sa_handler), is_function ? python.ptr() : nullptr};
    }

    Handler handler_now(const Saved& saved) const {
        struct sigaction action{};
        sigaction(saved.signal, nullptr, &action);
        const bool is_function = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
        return as_handler(action, is_function ? python_handler(saved) : PyObj());
    }

    Handler handler_now(const Saved& saved, const SignalMasks::Masks& masks) const {
        if (masks.catches(saved.signal)) return handler_now(saved);
        return {reinterpret_cast<void*>(masks.ignores(saved.signal) ? SIG_IGN : SIG_DFL), nullptr};
    }

    std::optional<SignalMasks> masks_;
    std::vector<Saved> saved_;
    PyObj get_, set_;
};

Property handlers_row(bool usual) {
    std::vector<int> signals;
    for (int signal = 1; signal < NSIG; ++signal) {
        if ((std::find(kUsual.begin(), kUsual.end(), signal) != kUsual.end()) == usual) signals.push_back(signal);
    }
    const auto handlers = std::make_shared<SignalHandlers>(signals, !usual);
    return {"signal handlers", usual ? Look::called : Look::full, [handlers] { return handlers->read(); },
            [handlers](const std::string&) { return handlers->restore(); },
            [handlers](const std::string& wanted, const std::string& value) {
                return handlers->describe(wanted, value);
            }};
}

}  // namespace

std::vector<Property> signal_properties() {
    return {
        {"an alarm timer", Look::called, read_timers<0, 1>, disarm_timers<0>, describe_timers},
        {"a timer of CPU time", Look::called, read_timers<1, kTimers.size()>, disarm_timers<1>, describe_timers},
        {"the signal mask", Look::called, read_mask, restore_mask, describe_mask},
        handlers_row(true),
        handlers_row(false),
    };
}

}  // namespace pythonfilter
