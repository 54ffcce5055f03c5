"""Filters that start processes or threads without end, for tests of what stops them.

Every bomb has a bound of its own: each process or thread takes a token out of a pipe first, and there are only so many.
Must never be able to take the machine: no bomb without tokens, and each of its processes ends by itself.
"""
from __future__ import annotations

TOKENS = 600
SECONDS = 20  # after which what nobody killed ends by itself

# The pipe is at a number that careless closing misses.
TAKE = f'''
import os, signal, threading, time
ours, theirs = os.pipe()
os.set_blocking(theirs, False)
os.write(theirs, b"x" * {TOKENS})
os.close(theirs)

def take():
    return len(os.read(ours, 1)) == 1

def rest():
    signal.alarm({SECONDS})
    while True: time.sleep({SECONDS})

def child():
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm({SECONDS})
'''

FORK = TAKE + '''
def bomb():
    while take():
        if os.fork() == 0: child()
    rest()
'''
DAEMONS = TAKE + '''
def bomb():
    while take():
        if os.fork() == 0:
            os.setsid()
            if os.fork() != 0: os._exit(0)
            child()
    rest()
'''
FORK_IN_C = TAKE + '''
import ctypes
fork = ctypes.CDLL(None).fork
def bomb():
    while take():
        if fork() == 0: child()
    rest()
'''
CLONE = TAKE + '''
import ctypes
clone = ctypes.CDLL(None).syscall
FLAGS = 0
def bomb():
    while take():
        if clone(56, FLAGS | signal.SIGCHLD, 0, 0, 0, 0) == 0: child()
    rest()
'''
PROGRAMS = TAKE + f'''
def bomb():
    while take(): os.posix_spawn("/bin/sleep", ["sleep", "{SECONDS}"], {{}})
    rest()
'''
THREADS = TAKE.replace(str(TOKENS), "3000") + '''
threading.stack_size(64 * 1024)
def bomb():
    while take(): threading.Thread(target=rest_in_thread, daemon=True).start()
    time.sleep(5)
def rest_in_thread():
    time.sleep(5)
'''
