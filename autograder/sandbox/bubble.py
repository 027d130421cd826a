"""The outer wall: bubblewrap around the warm process, which holds no secret and runs no student code."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import PurePath

from autograder.sandbox.walls import DEVICES

EDITION, PACKAGES, ROOM = "/edition", "/packages", "/box"
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")


def command(edition: str, folders: Sequence[str]) -> list[str] | None:
    """Return the words that go before Python's own command; None where bubblewrap is not installed.

    As root it may change the user, which ``zygote`` does first of all: process limits do not bind root. It
    binds Python from a private home, where another user could not follow the path; the folders that it makes
    on the way are open to all.
    """
    program = shutil.which("bwrap")
    if program is None:
        return None
    words = [program, "--die-with-parent", "--new-session", "--clearenv", "--hostname", "box"]
    for space in ("pid", "net", "ipc", "uts", "cgroup-try"):
        words += [f"--unshare-{space}"]
    if os.geteuid() == 0:
        words += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        words += ["--unshare-user", "--cap-drop", "ALL"]
    for path in SYSTEM:
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
        elif os.path.exists(path):
            words += ["--ro-bind", path, path]
    python = os.path.realpath(sys.base_prefix)
    if not python.startswith("/usr/"):
        words += [*_open_to_all(python), "--ro-bind", python, python]
    words += ["--proc", "/proc", "--perms", "1777", "--tmpfs", "/tmp"]
    words += [word for folder in (ROOM, PACKAGES, "/dev") for word in _open_to_all(f"{folder}/x")]
    for device in DEVICES:
        words += ["--dev-bind", device, device]
    words += ["--ro-bind", edition, EDITION]
    for number, folder in enumerate(folders):
        words += ["--ro-bind", folder, f"{PACKAGES}/{number}"]
    return [*words, "--remount-ro", "/", "--chdir", "/"]


def _open_to_all(path: str) -> list[str]:
    """Make the folders that a path leads through; of itself bubblewrap would close them to other users."""
    folders = [str(folder) for folder in reversed(PurePath(path).parents)]
    return [word for folder in folders[1:] for word in ("--perms", "0755", "--dir", folder)]


def inside(folders: Sequence[str]) -> list[str]:
    """Where the folders of installed packages lie in the box."""
    return [f"{PACKAGES}/{number}" for number in range(len(folders))]
