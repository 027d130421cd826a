"""The few calls to Linux that Python 3.11 does not offer; each raises ``OSError`` where Linux says no."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from typing import Any

# PyDLL keeps the interpreter's lock: after a clone there is no other thread to hand it back
LIBC: Any = ctypes.PyDLL(None, use_errno=True) if sys.platform == "linux" else None
ARM = platform.machine() == "aarch64"

NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
SIGCHLD, CHILD_CLEARTID, CHILD_SETTID = 17, 0x00200000, 0x01000000
READ_ONLY, NO_SUID, NO_DEVICES, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18
DETACH, AT_RECURSIVE = 2, 0x8000
DIE_WITH_PARENT, SET_DUMPABLE, SET_SECCOMP, DROP_BOUNDING, NO_NEW_PRIVILEGES, TID_ADDRESS = (
    1,
    4,
    22,
    24,
    38,
    40,
)

NUMBERS = {  # x86_64, aarch64
    "clone": (56, 220),
    "pivot_root": (155, 41),
    "capset": (126, 91),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}


def _said(name: str, result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def call(name: str, *arguments: Any) -> int:
    """Make a system call by its number."""
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    LIBC.syscall.restype = ctypes.c_long
    return _said(name, LIBC.syscall(ctypes.c_long(NUMBERS[name][ARM]), *passed))


def prctl(option: int, *arguments: Any) -> int:
    """Change something about this process."""
    passed = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    return _said(f"prctl {option}", LIBC.prctl(option, *passed, *[ctypes.c_ulong(0)] * (4 - len(passed))))


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount."""
    named = kind.encode() if kind else None
    flagged = ctypes.c_ulong(flags)
    result = LIBC.mount(source.encode(), target.encode(), named, flagged, options.encode() or None)
    _said(f"mount {target}", result)


def make_read_only(path: str) -> None:
    """Make a mount, and all that is mounted below it, read-only and free of devices and set-uid programs."""
    wanted = struct.pack("QQQQ", READ_ONLY | NO_SUID | NO_DEVICES, 0, 0, 0)
    call("mount_setattr", -100, path.encode(), AT_RECURSIVE, wanted, len(wanted))


def new_root(path: str) -> None:
    """Make ``path`` the root of the file system and forget the old one."""
    os.chdir(path)
    call("pivot_root", b".", b".")
    _said("umount2", LIBC.umount2(b".", DETACH))
    os.chdir("/")


def drop_capabilities() -> None:
    """Give up every right that root has, for this process and all that it starts."""
    for capability in range(64):
        try:
            prctl(DROP_BOUNDING, capability)
        except OSError:
            break  # this Linux knows no more of them
    call("capset", struct.pack("II", 0x20080522, 0), bytes(24))


def fork_into(namespaces: int) -> int:
    """Fork once, straight into new namespaces; ``os.fork`` and ``unshare`` would have to fork twice.

    glibc keeps a thread's number in memory; Linux is told to renew it there, as glibc's own fork does.
    """
    place = ctypes.c_void_p()
    prctl(TID_ADDRESS, ctypes.byref(place))
    if not place.value or ctypes.c_int.from_address(place.value).value != os.getpid():
        raise OSError("the place of the thread's number is not known")
    python = ctypes.pythonapi
    flags = namespaces | SIGCHLD | CHILD_CLEARTID | CHILD_SETTID
    python.PyOS_BeforeFork()
    try:  # the fourth and fifth argument stand in the other order on aarch64
        last = (0, place) if ARM else (place, 0)
        pid = call("clone", flags, 0, 0, *last)
    except OSError:
        python.PyOS_AfterFork_Parent()
        raise
    (python.PyOS_AfterFork_Parent if pid else python.PyOS_AfterFork_Child)()
    return pid
