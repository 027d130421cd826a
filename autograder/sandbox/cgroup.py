"""A cgroup around a worker's warm process and its children, where this user may make one (version 2 only)."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from autograder.sandbox.limits import MIB, Limits

WARM_MIB = 256  # the warm process and bubblewrap themselves
WARM_PROCESSES = 8


@dataclass
class Cgroup:
    """A folder of the cgroup file system; Linux ends the largest process in it when memory runs out."""

    folder: Path
    seen: int = field(default=0)

    @classmethod
    def make(cls, limits: Limits, root: Path | None = None, own: str | None = None) -> Cgroup | None:
        """Make one beside or below the cgroup of this process; None where that is not allowed."""
        root = root or _mounted()
        own = _own() if own is None else own
        if root is None or own is None:
            return None
        here = root / own.lstrip("/")
        for parent in dict.fromkeys((here.parent if here != root else here, here)):
            made = cls._below(parent, limits)
            if made is not None:
                return made
        return None

    @classmethod
    def _below(cls, parent: Path, limits: Limits) -> Cgroup | None:
        try:
            given = (parent / "cgroup.subtree_control").read_text().split()
            if not {"memory", "pids"} <= set(given):
                return None
            folder = parent / f"autograder-{uuid.uuid4().hex[:12]}"
            folder.mkdir()
        except OSError:
            return None
        made = cls(folder)
        try:
            (folder / "memory.max").write_text(str((limits.memory_mib + WARM_MIB) * MIB))
            (folder / "pids.max").write_text(str(limits.processes + WARM_PROCESSES))
            if (folder / "memory.swap.max").exists():
                (folder / "memory.swap.max").write_text("0")
            if not os.access(folder / "cgroup.procs", os.W_OK) or not os.access(
                parent / "cgroup.procs", os.W_OK
            ):
                raise PermissionError
        except OSError:
            made.remove()
            return None
        return made

    @property
    def joined(self) -> list[str]:
        """The words before a command that is to run inside."""
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs")]

    def ran_out(self) -> bool:
        """Whether a process was ended for want of memory since this was last asked."""
        try:
            lines = (self.folder / "memory.events").read_text().splitlines()
        except OSError:
            return False
        ended = next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
        before, self.seen = self.seen, ended
        return ended > before

    def remove(self) -> None:
        """Remove the folder; its processes are gone."""
        try:
            self.folder.rmdir()
        except OSError:
            pass


def _mounted() -> Path | None:
    """Where cgroups of version 2 are mounted."""
    try:
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            words = line.split()
            if words[words.index("-") + 1] == "cgroup2":
                return Path(words[4])
    except OSError:
        pass
    return None


def _own() -> str | None:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    return next((line[3:] for line in lines if line.startswith("0::")), None)
