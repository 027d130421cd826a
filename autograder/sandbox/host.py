"""The judge's side of the border: a warm process behind walls, and the channel to each child of it."""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.protocol import Broken, Frame, Late, Reader, encode, send
from autograder.sandbox import bubble
from autograder.sandbox.cgroup import Cgroup
from autograder.sandbox.limits import Limits, SandboxError
from autograder.sandbox.walls import LANDLOCK, NAMESPACES, OFF
from course_utils.calls import (
    Call,
)

AUTO = "auto"
APPARMOR = "apparmor_restrict_unprivileged_userns"
SILENCE = "it said nothing"
MOST_TREE = 3 * 2**20  # text of one frame of answers; numbers travel beside it as raw arrays
BESIDE = 2**20  # bytes of arrays that may travel with one answer that is as large as it may be


class ZygoteGone(SandboxError):
    """The warm process has ended, and with it whatever it held: nobody's submission is to blame."""


class Zygote:
    """One warm process; ``open`` gives a new child of it.

    Nothing waits here: the process gets warm while the judge does other things. Which walls can be had is
    found out by putting them up, for the first child.

    Parameters
    ----------
    edition : folder that ``build_edition`` made
    limits : what one submission may take
    mode : "auto" for the best walls there are, "landlock" for the second best, "off" for none
    lean : whether NumPy is enough to get warm with; the rest is imported where a cell asks for it
    """

    def __init__(
        self, edition: Path, limits: Limits | None = None, mode: str = "auto", *, lean: bool = False
    ) -> None:
        if mode not in (AUTO, NAMESPACES, LANDLOCK, OFF):
            raise SandboxError(f"no sandbox mode {mode!r}; there are auto, namespaces, landlock and off")
        if sys.platform != "linux" and mode != OFF:
            raise SandboxError(refusal("this is no Linux"))
        self.edition = edition
        self.limits = limits or Limits()
        self.mode = mode
        self.lean = lean
        self.numbers = itertools.count(1)
        self.ended: dict[int, tuple[int, str]] = {}
        self.ending = 0
        self.gone = False
        self._spare: Child | None = None
        self.frames: dict[tuple[Any, ...], tuple[bytes, Any]] = {}
        self.folders = [path for path in sys.path if path.endswith("-packages") and Path(path).is_dir()]
        self.inner = {AUTO: NAMESPACES}.get(mode, mode)
        self.cgroup = Cgroup.make(self.limits) if self.inner == NAMESPACES else None
        self.bubble = bubble.command(str(edition), self.folders) if mode in (AUTO, NAMESPACES) else None
        self._tier = ""
        self._failed: list[str] = []
        self._begun_again = False
        self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        edition, folders = str(self.edition), self.folders
        if self.bubble:
            edition, folders = bubble.EDITION, bubble.inside(folders)
        away_from_root = os.geteuid() == 0 and self.mode != OFF
        order = {
            "edition": edition,
            "folders": folders,
            "user": 2**30 + os.getpid() if away_from_root else 0,
            "limits": asdict(self.limits),
            "lean": self.lean,
        }
        # Python's own program: the box holds no virtual environment that could link to it
        python = os.path.realpath(sys.executable)
        words = [python, "-I", "-S", "-B", f"{edition}/autograder/sandbox/zygote.py", json.dumps(order)]
        joined = self.cgroup.joined if self.cgroup else []
        self.process = subprocess.Popen(
            [*joined, *(self.bubble or []), *words],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
        theirs.close()
        self.control = ours
        self._pending = b""
        self._started = False

    def _wait_until_ready(self) -> None:
        greeting, deadline = b"", time.monotonic() + 60
        while not greeting.endswith(b"ready\n") and self._readable(deadline):
            part = self.control.recv(64)
            if not part:
                break
            greeting += part
        if greeting.endswith(b"ready\n"):
            self._started = True
            return
        said = self._last_words()
        if said == SILENCE and not self._begun_again:  # ended from outside: that says nothing about walls
            self._begun_again = True
            self._start()
            return self._wait_until_ready()
        if self.bubble is None:
            raise SandboxError(refusal(f"the sandbox's warm process did not start: {said}", *self._failed))
        self._failed.append(f"bubblewrap: {said}")
        self.bubble = None
        self._start()
        self._wait_until_ready()

    def _readable(self, deadline: float) -> bool:
        left = max(0.0, deadline - time.monotonic())
        return bool(select.select([self.control], [], [], left)[0])

    def _last_words(self) -> str:
        """End the warm process and return what it said last."""
        self.control.close()
        self.process.kill()
        said = self.process.communicate()[1] or b""
        return said.decode(errors="replace").strip()[-800:] or SILENCE

    @property
    def tier(self) -> str:
        """The walls that are up, in words; found out by opening a child where none was opened yet."""
        if not self._tier:
            self.open().close()
        return self._tier

    def open(self) -> Child:
        """Fork a child, inside its walls; ``SandboxError`` where there are none to be had."""
        if not self._started:
            self._wait_until_ready()
        if self.ending:
            self.how_ended(self.ending, 5.0)
        self._listen(0.0)
        self.ending = 0
        spare = self._spare
        if spare is not None and spare.number in self.ended:  # somebody ended it while it waited
            del self.ended[spare.number]
            spare.channel.close()
            self._spare = None
        while True:
            child, self._spare = self._spare or self._fork(), None
            if self._tier:
                if self.inner == NAMESPACES:  # the next one gets its walls while this one works
                    self._spare = self._fork()
                return child
            error = child.hello()
            if not error:
                self._tier = self._named()
                return child
            child.close()
            self._failed.append(f"{self.inner}: {error}")
            if self.mode != AUTO or self.inner == LANDLOCK:
                raise SandboxError(refusal(*self._failed))
            self.inner = LANDLOCK

    def _named(self) -> str:
        if self.inner == OFF:
            return "off: no walls, only a process of its own"
        if self.inner == LANDLOCK:
            parts = ["Landlock", "system call filter, one process a submission, scratch limited by file"]
        else:
            parts = ["namespaces", "system call filter"]
            parts.append("memory in total by cgroup" if self.cgroup else "memory in total watched")
        return ", ".join([*(["bubblewrap"] if self.bubble else []), *parts])

    def _fork(self) -> Child:
        ours, theirs = socket.socketpair()
        number = next(self.numbers)
        try:
            socket.send_fds(self.control, [f"fork {number} {self.inner}\n".encode()], [theirs.fileno()])
        except OSError as error:
            ours.close()
            said = self._last_words()
            raise ZygoteGone(f"the sandbox's warm process is gone ({error}): {said}") from None
        finally:
            theirs.close()
        return Child(self, number, ours)

    def has_ended(self) -> bool:
        """Whether the warm process is gone; it takes a moment to tell."""
        while self._listen(0.2):
            pass
        return self.gone

    def kill(self, number: int) -> None:
        """End a child and what it started."""
        if number not in self.ended:
            try:
                self.control.sendall(f"kill {number}\n".encode())
            except OSError:
                pass  # the warm process is gone, and its children with it

    def how_ended(self, number: int, seconds: float = 2.0) -> tuple[int, str] | None:
        """Return a child's exit code, negative for a signal, and the limit it met; None if it lives."""
        deadline = time.monotonic() + seconds
        while number not in self.ended:
            if not self._listen(deadline - time.monotonic()):
                return None
        return self.ended.pop(number)

    def _listen(self, seconds: float) -> bool:
        """Hear which children have ended; False if nothing is said in time."""
        if not self._readable(time.monotonic() + seconds):
            return False
        try:
            part = self.control.recv(4096)
        except OSError:
            part = b""
        self.gone = not part
        self._pending += part
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            _, ended, code, why = line.decode().split()
            self.ended[int(ended)] = (int(code), why)
        return not self.gone

    def frame_of(self, order: Mapping[str, Any], numbers: Sequence[int], calls: Sequence[Call]) -> bytes:
        """Return an order with its calls as it is sent; made once, for all submissions that get the same."""
        key = (*order.values(), *numbers, *map(id, calls))
        if key not in self.frames:  # the calls are kept too, so that no other can have their ids
            asked = [[number, call.arguments] for number, call in zip(numbers, calls, strict=True)]
            self.frames[key] = encode({**order, "calls": asked}), calls
        return self.frames[key][0]

    def close(self) -> None:
        """End the warm process and all its children."""
        if self._spare is not None:
            self._spare.channel.close()
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()
        if self.cgroup:
            self.cgroup.remove()


def refusal(*reasons: str) -> str:
    """Say why nothing is graded, and the one command that helps."""
    return "\n  ".join(
        [
            "this machine gives no walls around student code, so nothing is graded:",
            *reasons,
            f"what helps: {_remedy()}",
            "or, in a class that you trust: --sandbox=off",
        ]
    )


def _remedy() -> str:
    """The one command that most likely gives walls here."""
    if sys.platform != "linux":
        return "docker run ... (the grader in a container that runs Linux)"
    for name, bad, good in (
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        (f"kernel/{APPARMOR}", "1", f"kernel.{APPARMOR}=0"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
    ):
        setting = Path("/proc/sys", name)
        if setting.is_file() and setting.read_text().strip() == bad:
            return f"sudo sysctl -w {good}"
    if shutil.which("bwrap") is None:
        return "sudo apt-get install bubblewrap"
    return "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined (in a container)"


class Child:
    """One fork, and the channel to it."""

    def __init__(self, zygote: Zygote, number: int, channel: socket.socket) -> None:
        self.zygote = zygote
        self.number = number
        self.channel = channel
        self.reader = Reader(channel)
        self.greeted = False
        self.tickets = itertools.count(1)
        self.ticket = 0

    def hello(self) -> str:
        """Hear whether the walls are up: '', or what went wrong. No student code has run yet."""
        self.greeted = True
        try:
            word = self.reader.frame(20).value()
        except Broken as error:
            return str(error)
        except Late:
            return "no word from it in 20 s"
        known = isinstance(word, dict) and word.get("walls") == self.zygote.inner
        return "" if known else str(word["error"] if isinstance(word, dict) else word)[:300]

    def greet(self) -> None:
        """Wait for the walls; ``SandboxError`` if they do not stand."""
        error = "" if self.greeted else self.hello()
        if error and self.zygote.has_ended():
            raise ZygoteGone("the sandbox's warm process was ended from outside")
        if error:
            raise SandboxError(f"the walls of a submission could not be put up: {error}")

    def ask(self, order: bytes, seconds: float = 5.0) -> None:
        """Send an order, with a number that every answer to it must bear."""
        self.ticket = next(self.tickets)
        self.channel.settimeout(max(seconds, 0.1))
        send(self.channel, order, self.ticket)

    def answer(self, seconds: float) -> Frame:
        """Wait for the next answers; ``Broken`` if they are to another order."""
        self.greet()
        size = self.zygote.limits.message_mib * 2**20 + BESIDE
        answer = self.reader.frame(seconds, most_arrays=size, most_tree=MOST_TREE)
        if answer.ticket != self.ticket:
            raise Broken("an answer that nobody asked for")
        return answer

    def says_too_much(self) -> bool:
        """Whether something lies in the channel that nobody asked for."""
        lies_there = self.reader.waiting or select.select([self.channel], [], [], 0)[0]
        return self.greeted and bool(lies_there)

    def close(self) -> None:
        """End the child and what it started; the next one is not opened before it has ended."""
        self.channel.close()
        self.zygote.kill(self.number)
        self.zygote.ending = self.number
