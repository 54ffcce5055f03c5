"""What a filter tries against its sandbox: one small function for each row of the table in pythonfilter-sandbox(7).

PROBE_FILTER is a filter that runs them all inside a worker and answers with what happened, in the order of PROBES.
Used by the component tests of the sandbox. Must leave nothing changed: each probe takes back what it did.
"""
from __future__ import annotations

# Row of the table -> Python, run with the names of _PREPARE at hand. It raises OSError when it is denied.
PROBES: dict[str, str] = {
    # processes
    "signal to the zygote": "os.kill(zygote, 0)",
    "signal to the master": "os.kill(master, 0)",
    "signal to the guardian": "os.kill(guardian, 0)",
    "signal to a thread of the zygote": "call(234, zygote, zygote, 0)",
    "signal to the zygote through a pidfd": "call(424, os.pidfd_open(zygote), 0, 0, 0)",
    "signal to the zygote through its directory in /proc":
        "call(424, os.open(f'/proc/{zygote}', os.O_RDONLY), 0, 0, 0)",
    "signal to everybody": "os.kill(-1, 0)",
    "signal to another worker": "os.kill(sibling, 0)",
    "signal to the own process group": "os.kill(0, 0)",
    "signal to an own child": "with_child(lambda pid: os.kill(pid, 0))",
    "signal to a child of init_filter": "os.kill(early_child, 0)",
    "ptrace of another worker": "call(101, 16, sibling, 0, 0); os.waitpid(sibling, 0); call(101, 17, sibling, 0, 0)",
    "ptrace of an own child": "with_child(lambda pid: call(101, 0x4206, pid, 0, 0))",
    "memory of another worker by process_vm_readv": "call(310, sibling, 0, 0, 0, 0, 0)",
    "memory of another worker by /proc": "open(f'/proc/{sibling}/mem', 'rb').close()",
    "environment of another worker by /proc": "open(f'/proc/{sibling}/environ', 'rb').read()",
    "command line of another worker by /proc": "open(f'/proc/{sibling}/cmdline', 'rb').read()",
    "descriptors of another worker": "call(438, os.pidfd_open(sibling), 1, 0)",
    "comparing with another worker": "call(312, os.getpid(), sibling, 2, 0, 0)",
    "limits of another worker": "resource.prlimit(sibling, 0, resource.prlimit(sibling, 0))",
    "child beside the own process by clone": "clone_child(0x8000)",
    "orphans left to the zygote": "call(157, 36, 0); call(157, 36, 1)",
    "own limits": "resource.setrlimit(0, resource.getrlimit(0))",
    "priority of the zygote": "os.setpriority(os.PRIO_PROCESS, zygote, os.getpriority(os.PRIO_PROCESS, zygote))",
    # the kernel
    "user namespace by unshare": "with_child_doing(lambda: call(272, 0x10000000))",
    "user namespace by clone": "clone_child(0x10000000)",
    "mount": "reach(165, -1, -1, -1, 0, -1)",
    "umount": "reach(166, -1, 0)",
    "chroot": "reach(161, -1)",
    "io_uring": "reach(425, 1, -1)",
    "bpf": "reach(321, 0, -1, 8)",
    "perf_event_open": "reach(298, -1, 0, -1, -1, 0)",
    "userfaultfd": "os.close(call(323, 1))",
    "keyrings": "call(250, 0, -3, 0)",
    # files
    "reading /etc/passwd": "open('/etc/passwd').read()",
    "importing a module late": "__import__('wave')",
    "reading another file": "open(f'{outside}/secret').read()",
    "reading it through /proc/self/root": "open(f'/proc/self/root{outside}/secret').read()",
    "reading it through a symbolic link in the spool": "through_link()",
    "reading it by a descriptor of init_filter": "os.pread(early_file, 1, 0)",
    "listing another directory": "os.listdir(outside)",
    "writing another file": "open(f'{outside}/open', 'a').close()",
    "truncating another file by its path": "os.truncate(f'{outside}/open', 0)",
    "making and removing another file": "make_and_remove(f'{outside}/new')",
    "making another directory": "os.mkdir(f'{outside}/d'); os.rmdir(f'{outside}/d')",
    "moving a file out of the spool": "move(spool, outside)",
    "linking another file into the spool": "os.link(f'{outside}/open', f'{spool}/x'); os.unlink(f'{spool}/x')",
    "mode of another file": "os.chmod(f'{outside}/open', 0o600)",
    "stat of another file": "os.stat(f'{outside}/secret')",
    "making and removing a file in the spool": "make_and_remove(f'{spool}/new')",
    "replacing a file in the spool": "replace(f'{spool}/new', f'{spool}/old')",
    "making and removing a file in TMPDIR": "make_and_remove(os.environ['TMPDIR'] + '/new')",
    "writing /dev/null": "open('/dev/null', 'w').write('x')",
    "POSIX semaphore in /dev/shm": "__import__('multiprocessing').get_context('fork').Lock()",
    # network
    "Internet socket": "socket.socket().close()",
    "netlink socket": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()",
    "connecting by a path": "connect(f'{outside}/socket')",
    "connecting to an abstract socket": "connect('\\0' + outside)",
    "pair of connected sockets": "[end.close() for end in socket.socketpair()]",
    # programs
    "starting a program": "subprocess.run(['/bin/true'], check=True)",
    "fork": "with_child(lambda pid: None)",
    "thread": "run_thread()",
}

_PREPARE = '''\
import ctypes, errno, os, resource, signal, socket, subprocess, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
outside = "@OUTSIDE@"
early_child = early_file = 0


def init_filter():
    global early_child, early_file
    early_child = subprocess.Popen(["sleep", "1000"]).pid
    early_file = os.open(f"{outside}/secret", os.O_RDONLY)


def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), str(number))
    return result


def reach(number, *arguments):  # the kernel looks at the arguments, and does not like them
    try:
        call(number, *arguments)
    except OSError as error:
        if error.errno not in (errno.EFAULT, errno.EINVAL, errno.ESRCH):
            raise


def with_child_doing(action):
    pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        raise OSError(status, "child")


def with_child(action):
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    try:
        action(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def clone_child(flags):
    pid = call(56, flags | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass  # it is not ours


def make_and_remove(path):
    open(path, "x").close()
    os.unlink(path)


def replace(new, old):
    open(old, "w").close()
    open(new, "w").close()
    os.replace(new, old)
    os.unlink(old)


def move(source, target):
    open(f"{source}/moved", "w").close()
    try:
        os.rename(f"{source}/moved", f"{target}/moved")
        os.unlink(f"{target}/moved")
    finally:
        if os.path.exists(f"{source}/moved"):
            os.unlink(f"{source}/moved")


def through_link():
    os.symlink(f"{outside}/secret", f"{spool}/link")
    try:
        open(f"{spool}/link").read()
    finally:
        os.unlink(f"{spool}/link")


def connect(address):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)


def run_thread():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def parent_of(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])


def attempt(text):
    try:
        exec(text, globals())
        return "allowed"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    except Exception as error:
        return type(error).__name__


def do_filter(body_path, control_paths):
    global zygote, master, guardian, sibling, spool
    zygote = os.getppid()
    master = parent_of(zygote)
    guardian = parent_of(master)
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    sibling = next(pid for pid in others if is_sibling(pid))
    spool = os.path.dirname(body_path)
    return "550 " + " ".join(attempt(text) for text in PROBES.values())


def is_sibling(pid):
    try:
        return parent_of(pid) == zygote
    except OSError:
        return False
'''


def probe_filter(outside: str) -> str:
    """The source of the filter; `outside` is a directory that it may use when nothing keeps it from that."""
    return _PREPARE.replace("@OUTSIDE@", outside) + f"\n\nPROBES = {PROBES!r}\n"
