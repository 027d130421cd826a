"""The walls around one submission, put up by its own process before it sees a line of student code.

Namespaces are the walls of choice: the process sees files, processes, users and a network of its own, and
nothing of the host's. Where Linux forbids them to users, Landlock and the filter of system calls stand in.
"""

from __future__ import annotations

import os
import resource
import signal
import site
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import filter, kernel

NAMESPACES, LANDLOCK, OFF = "namespaces", "landlock", "off"
SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
DEVICES = ("/dev/null", "/dev/urandom", "/dev/random")
ROOMS_FOR_A_ROOT = ("/box", "/mnt", "/srv", "/media", "/opt")
QUIET = kernel.NO_SUID | kernel.NO_DEVICES
MIB = 2**20

READ_FILE, READ_FOLDER, WRITE_FILE, TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14
FILE_RIGHTS = {3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}  # what Landlock of that age can refuse
NETWORK_RIGHTS, SCOPES = 0b11, 0b11  # TCP; abstract sockets and signals
# REFER (13) stays refused: no file is linked or moved across folders
SCRATCH_RIGHTS = sum(1 << bit for bit in (1, 2, 3, 4, 5, 7, 8, 12, 14))


@dataclass(frozen=True)
class View:
    """What a submission sees: ``shown`` folders, in which ``hidden`` ones are empty but for ``packages``.

    All of it is read-only.
    """

    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    packages: tuple[str, ...]


def view(edition: str, folders: Sequence[str]) -> View:
    """Show the system's libraries, Python, the edition and, of the installed packages, those in memory now.

    So a submission finds what lessons use and no other library: none that solves an exercise for it.
    """
    shown = [path for path in SYSTEM if os.path.exists(path)]
    python = os.path.join(os.path.realpath(sys.base_prefix), "lib")
    shown += [path for path in (python, edition) if not any(_below(path, other) for other in shown)]
    installed = [*folders, *site.getsitepackages([sys.base_prefix, "/usr", "/usr/local"])]
    installed += ["/usr/lib/python3/dist-packages"]
    hidden = {path for path in installed if os.path.isdir(path) and any(_below(path, s) for s in shown)}
    return View(tuple(shown), tuple(sorted(hidden)), tuple(_in_memory(folders)))


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _in_memory(folders: Sequence[str]) -> list[str]:
    """The files of imported packages, with the folders of libraries (numpy.libs) that belong to them."""
    loaded = [name for name, module in list(sys.modules.items()) if getattr(module, "__file__", None)]
    imported = {name.partition(".")[0].lower() for name in loaded} | {"pillow"}
    found = []
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[0].lower() in imported and not name.endswith("-info"):
                found.append(os.path.join(folder, name))
    return found


def in_namespaces(seen: View, limits: Mapping[str, float], user: tuple[int, int]) -> None:
    """Wall in a process that ``kernel.fork_into`` gave new namespaces; it is the first and only one there."""
    _be_one_user(*user)
    _be_first_to_die()
    _private_root(seen, int(limits["scratch_mib"]))
    kernel.drop_capabilities()
    kernel.prctl(kernel.DIE_WITH_PARENT, signal.SIGKILL)
    _resources(limits, processes=int(limits["processes"]))
    filter.install(alone=True)


def by_landlock(seen: View, limits: Mapping[str, float], scratch: str) -> None:
    """Wall in a process that shares file system and process table with the host; it can start no other."""
    os.setsid()
    _be_first_to_die()
    kernel.prctl(kernel.NO_NEW_PRIVILEGES, 1)
    _only_these_files(seen, scratch)
    os.chdir(scratch)
    kernel.prctl(kernel.DIE_WITH_PARENT, signal.SIGKILL)
    _resources(limits)
    filter.install(alone=False)


def _be_one_user(user: int, group: int) -> None:
    """Map the process's own user and group into its namespace, and nobody else."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {user} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {group} 1")


def _be_first_to_die() -> None:
    """Where a whole machine runs out of memory, Linux is to end the submission and not the grader."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        pass  # a courtesy, not a wall


def _private_root(seen: View, scratch_mib: int) -> None:
    """Build a root of read-only views with an empty scratch folder in memory, and move into it."""
    needed = (*seen.shown, *seen.packages)
    room = next(r for r in ROOMS_FOR_A_ROOT if os.path.isdir(r) and not any(_below(n, r) for n in needed))
    scratch = "/scratch" if any(_below(path, "/tmp") for path in needed) else "/tmp"
    kernel.mount("", "/", None, kernel.RECURSIVE | kernel.PRIVATE)
    kernel.mount("box", room, "tmpfs", QUIET, "size=1m,mode=755")
    for path in seen.shown:
        _show(path, room)
    for path in seen.hidden:
        kernel.mount("nothing", room + path, "tmpfs", QUIET, "size=1m,mode=755")
    for path in seen.packages:
        _show(path, room)
    for device in DEVICES:
        _place_for(device, room)
    os.makedirs(room + scratch, exist_ok=True)
    kernel.make_read_only(room)
    for device in DEVICES:
        kernel.mount(device, room + device, None, kernel.BIND)
    kernel.mount("scratch", room + scratch, "tmpfs", QUIET, f"size={scratch_mib}m,mode=700,nr_inodes=10000")
    kernel.new_root(room)
    os.chdir(scratch)


def _show(path: str, room: str) -> None:
    if os.path.islink(path):  # /lib is a link to usr/lib on most systems
        os.symlink(os.readlink(path), room + path)
    else:
        kernel.mount(path, _place_for(path, room), None, kernel.BIND | kernel.RECURSIVE)


def _place_for(path: str, room: str) -> str:
    """Make an empty folder or file to mount ``path`` on."""
    place = room + path
    if os.path.isdir(path):
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o444))
    return place


def _only_these_files(seen: View, scratch: str) -> None:
    """Let Landlock refuse every file but those shown, and every change outside the scratch folder."""
    age = kernel.call("landlock_create_ruleset", None, 0, 1)
    if age < 3:
        raise OSError(f"Landlock of version {age} cannot refuse to cut files short; 3 (Linux 6.2) can")
    handled = [FILE_RIGHTS[min(age, 5)], NETWORK_RIGHTS if age >= 4 else 0, SCOPES if age >= 6 else 0]
    described = struct.pack("QQQ", *handled)[: 24 if age >= 6 else 16 if age >= 4 else 8]
    rules = kernel.call("landlock_create_ruleset", described, len(described), 0)
    for path in seen.shown:
        for part, rights in _without(path, seen.hidden):
            _allow(rules, part, rights)
    for path in seen.packages:
        _allow(rules, path, READ_FILE | READ_FOLDER)
    for device in DEVICES:
        _allow(rules, device, READ_FILE | WRITE_FILE)
    _allow(rules, scratch, SCRATCH_RIGHTS)
    kernel.call("landlock_restrict_self", rules, 0)
    os.close(rules)


def _without(path: str, hidden: Sequence[str]) -> list[tuple[str, int]]:
    """Take a folder apart around hidden ones; the names in it may be read, for imports list folders."""
    path = os.path.realpath(path)
    if path in hidden:
        return []
    if not any(_below(folder, path) for folder in hidden):
        return [(path, READ_FILE | READ_FOLDER)]
    inner = [_without(entry.path, hidden) for entry in os.scandir(path)]
    return [(path, READ_FOLDER), *(part for parts in inner for part in parts)]


def _allow(rules: int, path: str, rights: int) -> None:
    if not os.path.isdir(path):
        rights &= READ_FILE | WRITE_FILE
    try:
        held = os.open(path, 0o10000000 | os.O_CLOEXEC)  # O_PATH
    except OSError:
        return  # a dangling link: nothing to show
    kernel.call("landlock_add_rule", rules, 1, struct.pack("=Qi", rights, held), 0)
    os.close(held)


def _resources(limits: Mapping[str, float], processes: int = 0) -> None:
    """Set what Linux counts for each process; what holds for all together is the warm process's to watch."""
    bounds = {
        resource.RLIMIT_AS: int(limits["memory_mib"]) * MIB,
        resource.RLIMIT_FSIZE: int(limits["scratch_mib"]) * MIB,
        resource.RLIMIT_CPU: int(limits["cpu_seconds"]),
        resource.RLIMIT_NOFILE: int(limits["open_files"]),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        12: 0,  # RLIMIT_MSGQUEUE, which Python does not name
    }
    if processes:
        bounds[resource.RLIMIT_NPROC] = processes
    for which, bound in bounds.items():
        resource.setrlimit(which, (bound, bound))
