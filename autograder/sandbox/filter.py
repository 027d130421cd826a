"""The filter of system calls: what no lesson needs is refused by Linux itself, with an ordinary error.

A filter is a small program that Linux runs at each call of this process and of all that it starts. It looks
at the call's number and at its arguments, never at memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from autograder.sandbox.kernel import ARM, DIE_WITH_PARENT, NO_NEW_PRIVILEGES, SET_SECCOMP, prctl

# the numbers on x86_64 and on aarch64; None where there is no such call
MOUNTS = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "unshare": (272, 97),
    "setns": (308, 268),
}  # fmt: skip
KEYS = {"add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219)}
OTHER_PROCESSES = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "perf_event_open": (298, 241), "migrate_pages": (256, 238), "move_pages": (279, 239),
}  # fmt: skip
NETWORK = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242),
}  # fmt: skip
MEMORY_OF_NO_PROCESS = {
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196),
    "shmctl": (31, 195), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "semget": (64, 190), "semop": (65, 193), "semtimedop": (220, 192), "semctl": (66, 191),
    "mq_open": (240, 180), "mq_unlink": (241, 181), "mq_notify": (244, 184),
}  # fmt: skip
PROGRAMS = {"execve": (59, 221), "execveat": (322, 281)}
MACHINE = {
    "bpf": (321, 280), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "syslog": (103, 116), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171), "iopl": (172, None),
    "ioperm": (173, None), "modify_ldt": (154, None), "personality": (135, 92), "vhangup": (153, 58),
    "lookup_dcookie": (212, 18), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262), "sethostname": (170, 161), "setdomainname": (171, 162),
}  # fmt: skip
# only where the process table and the file system are the host's own
STARTING = {"fork": (57, None), "vfork": (58, None), "setsid": (112, 157), "setpgid": (109, 154)}
SIGNALS = {"tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240)}
PRIORITIES = {
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274), "sched_setaffinity": (203, 122),
}  # fmt: skip
OWNERS_AND_DATES = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, None), "fchown": (93, 55),
    "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "utimensat": (280, 88), "futimesat": (261, None), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
}  # fmt: skip

EVERYWHERE = (MOUNTS, KEYS, OTHER_PROCESSES, NETWORK, MEMORY_OF_NO_PROCESS, PROGRAMS, MACHINE)
ON_THE_HOST = (STARTING, SIGNALS, PRIORITIES, OWNERS_AND_DATES)
CLONE, CLONE3, FCNTL, IOCTL = (56, 220), (435, 435), (72, 25), (16, 29)
PRLIMIT, KILL, TGKILL, MMAP, PRCTL = (302, 261), (62, 129), (234, 131), (9, 222), (157, 167)
NEWEST_KNOWN = 450

NEW_NAMESPACE_FLAGS, THREAD = 0x7E020080, 0x00010000
SHARED_AND_OF_NO_FILE = 0x21
SIGNAL_OTHERS = {FCNTL: (8, 10, 15), IOCTL: (0x8901, 0x8902)}  # F_SETOWN and its like

LOAD, EQUAL, ABOVE, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
ALLOW, KILL_PROCESS, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, MACHINE_KIND, ARGUMENT = 0, 4, (16, 24, 32, 40)
Instruction = tuple[int, int, int, int]


def program(alone: bool) -> list[Instruction]:
    """Return the filter; ``alone`` says that the process has namespaces of its own."""
    refused, unknown = REFUSE | errno.EPERM, REFUSE | errno.ENOSYS
    code: list[Instruction] = [
        (LOAD, 0, 0, MACHINE_KIND),
        (EQUAL, 1, 0, 0xC00000B7 if ARM else 0xC000003E),
        (RETURN, 0, 0, KILL_PROCESS),  # another machine's numbers mean other calls
        (LOAD, 0, 0, NUMBER),
        (ABOVE, 0, 1, NEWEST_KNOWN),
        (RETURN, 0, 0, unknown),
        (EQUAL, 0, 1, CLONE3[ARM]),  # its flags lie in memory; glibc then takes clone
        (RETURN, 0, 0, unknown),
    ]
    for group in EVERYWHERE if alone else (*EVERYWHERE, *ON_THE_HOST):
        for number in (numbers[ARM] for numbers in group.values()):
            if number is not None:
                code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, refused)]
    code += _where(CLONE, 0, (ANY_BIT, 0, 1, NEW_NAMESPACE_FLAGS), (RETURN, 0, 0, refused))
    code += _where(
        MMAP, 3,
        (AND, 0, 0, SHARED_AND_OF_NO_FILE), (EQUAL, 0, 1, SHARED_AND_OF_NO_FILE), (RETURN, 0, 0, refused),
    )  # fmt: skip
    code += _where(PRCTL, 0, (EQUAL, 0, 1, DIE_WITH_PARENT), (RETURN, 0, 0, refused))
    code += _where(PRLIMIT, 0, (EQUAL, 1, 0, 0), (RETURN, 0, 0, refused))
    for call, commands in SIGNAL_OTHERS.items():
        for command in commands:
            code += _where(call, 1, (EQUAL, 0, 1, command), (RETURN, 0, 0, refused))
    if not alone:
        own = os.getpid()
        code += _where(CLONE, 0, (ANY_BIT, 1, 0, THREAD), (RETURN, 0, 0, refused))
        code += _where(KILL, 0, (EQUAL, 2, 0, own), (EQUAL, 1, 0, 0), (RETURN, 0, 0, refused))
        code += _where(TGKILL, 0, (EQUAL, 1, 0, own), (RETURN, 0, 0, refused))
    return [*code, (RETURN, 0, 0, ALLOW)]


def _where(call: tuple[int, int], argument: int, *then: Instruction) -> list[Instruction]:
    """Run ``then`` on the low half of one argument of a call; after it the number is loaded again."""
    test = [(LOAD, 0, 0, ARGUMENT[argument]), *then, (LOAD, 0, 0, NUMBER)]
    return [(EQUAL, 0, len(test), call[ARM]), *test]


def install(alone: bool) -> None:
    """Put the filter on this process; nothing takes it off again."""
    code = program(alone)
    packed = b"".join(struct.pack("HBBI", *step) for step in code)
    held = ctypes.create_string_buffer(packed, len(packed))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(held)))
    prctl(NO_NEW_PRIVILEGES, 1)
    prctl(SET_SECCOMP, 2, header)
