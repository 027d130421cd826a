"""What one submission may take, and how a course sets it: ``grader.toml`` beside ``nbgrader_config.py``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

MIB = 2**20


class SandboxError(RuntimeError):
    """The sandbox itself does not work; no submission is to blame."""


@dataclass(frozen=True)
class Limits:
    """What one submission may take.

    Times are wall seconds; ``cpu_seconds`` is processor time of one process. ``memory_mib`` holds for all its
    processes together, ``scratch_mib`` for all files it writes, ``message_mib`` for one returned value.
    """

    cell_seconds: float = 20.0
    call_seconds: float = 4.0
    grace_seconds: float = 2.0
    submission_seconds: float = 120.0
    cpu_seconds: int = 120
    memory_mib: int = 2048
    processes: int = 40
    open_files: int = 128
    scratch_mib: int = 64
    message_mib: int = 32

    def __post_init__(self) -> None:
        for each in fields(self):
            value, kind = getattr(self, each.name), int if each.type == "int" else float
            if isinstance(value, bool) or not isinstance(value, (int, kind)) or not value > 0:
                what = "a whole number" if kind is int else "a number"
                raise SandboxError(f"the limit {each.name} must be {what} above 0, got {value!r}")

    @classmethod
    def of_course(cls, root: Path) -> Limits:
        """Return the limits of the course in ``root``: the defaults, or what its grader.toml says."""
        return cls.from_file(root / "grader.toml") if (root / "grader.toml").is_file() else cls()

    @classmethod
    def from_file(cls, path: Path) -> Limits:
        """Read the table ``[limits]`` of a TOML file; what it does not name keeps its default."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("limits", {})
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SandboxError(f"{path} cannot be read: {error}") from None
        known = [each.name for each in fields(cls)]
        unknown = sorted(table.keys() - set(known)) if isinstance(table, dict) else ["limits"]
        if unknown:
            raise SandboxError(f"{path}: no limit {', '.join(unknown)}; there are {', '.join(known)}")
        try:
            return cls(**table)
        except SandboxError as error:
            raise SandboxError(f"{path}: {error}") from None
