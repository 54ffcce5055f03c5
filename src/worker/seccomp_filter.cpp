#include "worker/seccomp_filter.h"

#include "base/unique_fd.h"

#include <cerrno>
#include <linux/seccomp.h>
#include <memory>
#include <seccomp.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

struct Release {
    void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

// libseccomp reports errors as negative numbers of errno.
Error failure(const std::string& what, int code) { return errno_error("seccomp: " + what, -code); }

int add_foreign(scmp_filter_ctx context) {
    switch (seccomp_arch_native()) {
        case SCMP_ARCH_X86_64: return seccomp_arch_add(context, SCMP_ARCH_X86);
        case SCMP_ARCH_AARCH64: return seccomp_arch_add(context, SCMP_ARCH_ARM);
        default: return 0;
    }
}

scmp_arg_cmp comparison(const ArgumentTest& test) {
    if (test.is == ArgumentTest::Is::same) return SCMP_CMP64(test.argument, SCMP_CMP_MASKED_EQ, test.mask, test.value);
    return SCMP_CMP64(test.argument, SCMP_CMP_NE, test.value);
}

int add_rule(scmp_filter_ctx context, const CallRule& rule) {
    const int number = seccomp_syscall_resolve_name(std::string(rule.call).c_str());
    if (number == __NR_SCMP_ERROR) return 0;  // newer than libseccomp, or not of this machine
    std::vector<scmp_arg_cmp> comparisons;
    for (const ArgumentTest& test : {rule.first, rule.second}) {
        if (test.is != ArgumentTest::Is::any) comparisons.push_back(comparison(test));
    }
    const std::uint32_t action =
        rule.error == CallRule::kAsk ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(static_cast<std::uint32_t>(rule.error));
    return seccomp_rule_add_array(context, action, number, static_cast<unsigned>(comparisons.size()),
                                  comparisons.data());
}

// libseccomp writes to a descriptor only (until 2.6).
Result<std::vector<sock_filter>> export_program(scmp_filter_ctx context) {
    const UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) return errno_error("seccomp: memfd_create", errno);
    if (const int code = seccomp_export_bpf(context, file.get()); code != 0) return failure("export", code);
    struct stat info{};
    if (fstat(file.get(), &info) != 0) return errno_error("seccomp: fstat", errno);
    const auto size = static_cast<std::size_t>(info.st_size);
    std::vector<sock_filter> program(size / sizeof(sock_filter));
    if (pread(file.get(), program.data(), size, 0) != info.st_size) return Error{"seccomp: the program was cut"};
    return program;
}

constexpr unsigned long kListenerFlags =
    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

long set_program(const std::vector<sock_filter>& filter, unsigned long flags) {
    const sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

}  // namespace

bool SeccompFilter::available() {
    const std::uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

// Without a program the kernel looks at the flags first.
bool SeccompFilter::can_listen() {
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kListenerFlags, nullptr) != 0 && errno == EFAULT;
}

Result<SeccompFilter> SeccompFilter::compile(const std::vector<CallRule>& rules, bool foreign) {
    SeccompFilter filter;
    if (rules.empty()) return filter;
    const Context context(seccomp_init(SCMP_ACT_ALLOW));
    if (!context) return Error{"seccomp: no memory"};
    if (const int code = seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS); code != 0)
        return failure("action for other architectures", code);
    if (foreign) {
        if (const int code = add_foreign(context.get()); code != 0) return failure("second architecture", code);
    }
    // A search tree: with 90 calls in a row the last ones would pay for all before them.
    seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (const CallRule& rule : rules) {
        if (const int code = add_rule(context.get(), rule); code != 0) return failure(std::string(rule.call), code);
    }
    auto program = export_program(context.get());
    if (!program) return program.error();
    filter.program_ = std::move(*program);
    return filter;
}

Status SeccompFilter::load() const {
    if (program_.empty()) return Done{};
    const long result = set_program(program_, SECCOMP_FILTER_FLAG_TSYNC);
    if (result < 0) return errno_error("seccomp: load", errno);
    if (result > 0) return Error{"seccomp: thread " + std::to_string(result) + " has a filter of its own"};
    return Done{};
}

Result<UniqueFd> SeccompFilter::listen() const {
    UniqueFd listener(static_cast<int>(set_program(program_, kListenerFlags)));  // close-on-exec
    if (!listener) return errno_error("seccomp: listener", errno);
    return listener;
}

}  // namespace pythonfilter
