"""The judge's side of the border: sends cells and inputs, and trusts nothing that returns."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.protocol import Broken, Frame, Gone, Late, Reader, decode, encode, send
from autograder.sandbox import bubble
from autograder.sandbox.cgroup import Cgroup
from autograder.sandbox.limits import Limits, SandboxError
from autograder.sandbox.walls import LANDLOCK, NAMESPACES, OFF
from course_utils.calls import (
    DIED,
    MISSING,
    RAISED,
    RETURNED,
    SKIPPED,
    TIMED_OUT,
    UNREADABLE,
    UNWRITTEN,
    Call,
    Observation,
)
from course_utils.plain import Foreign

AUTO = "auto"
APPARMOR = "apparmor_restrict_unprivileged_userns"
SILENCE = "it said nothing"
MOST_TREE = 3 * 2**20  # text of one frame of answers; numbers travel beside it as raw arrays
BESIDE = 2**20  # bytes of arrays that may travel with one answer that is as large as it may be
SMALL = 2**15  # bytes of a frame that is worth remembering
OUTCOMES = {RETURNED, RAISED, UNWRITTEN, MISSING, TIMED_OUT}


class ZygoteGone(SandboxError):
    """The warm process has ended, and with it whatever it held: nobody's submission is to blame."""


class AskAgain(Exception):
    """A child is gone, and no single question is to blame as yet: what it was asked is to be asked again."""


class EndedFromOutside(AskAgain):
    """Somebody ended a child, and not by a limit."""


@dataclass
class CellRun:
    """How one cell ended: ``outcome`` as for calls, and the functions it defined."""

    outcome: str
    error: str = ""
    line: str = ""
    defined: list[str] = field(default_factory=list)


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


class Seen(dict[str, list[Observation]]):
    """What a function did, by check; ``digest`` is equal where every byte that came back is equal."""

    def __init__(self, seen: Mapping[str, list[Observation]]) -> None:
        super().__init__(seen)
        self._heard = hashlib.blake2b()
        self._whole = True

    def hear(self, answer: Frame) -> tuple[Observation, ...]:
        """Return what stands in an answer."""
        sizes = len(answer.text), len(answer.raw)
        self._heard.update(b"%d %d " % sizes + answer.text + answer.raw)
        read = _observations if sum(sizes) <= SMALL else _observations.__wrapped__
        return read(answer.text, answer.raw)

    def forget(self) -> None:
        """Note that something happened that no answer tells, such as a death."""
        self._whole = False

    @property
    def digest(self) -> bytes:
        """Empty where the answers alone do not tell what happened."""
        return self._heard.digest() if self._whole else b""


class Trial:
    """One submission's life in the sandbox.

    A cell or a call that dies or does not end costs itself alone: a new child runs the earlier cells again,
    and the trial goes on after it.
    """

    def __init__(self, zygote: Zygote, limits: Limits | None = None) -> None:
        self.zygote = zygote
        self.limits = limits or zygote.limits
        self.done: list[tuple[str, str, bool]] = []
        self.child: Child | None = None
        self.used = 0.0
        self.revived = False
        self.meanwhile: Callable[[], None] = lambda: None  # what to do while the child works

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if self.child is not None:
            self.child.close()
            self.child = None

    def _ready(self) -> Child:
        if self.child is None:
            self.child = self.zygote.open()
            self.child.greet()
            for step in self.done:
                self._run(self.child, *step)
        return self.child

    def _run(self, child: Child, label: str, source: str, definitions_only: bool) -> CellRun:
        seconds = min(self.limits.cell_seconds, max(1.0, self._left()))
        order = {"do": "cell", "label": label, "source": source, "definitions_only": definitions_only}
        with self._clock():
            child.ask(encode({**order, "seconds": seconds}))
        self.meanwhile()
        with self._clock():
            ended = _cell_run(child.answer(seconds + self.limits.grace_seconds).value())
        if ended.outcome == UNREADABLE:
            raise Broken("a cell's answer that has no known form")
        return ended

    def _left(self) -> float:
        return self.limits.submission_seconds - self.used

    @contextmanager
    def _clock(self) -> Iterator[None]:
        """Charge the submission for the time it is waited for; never for the grader's own."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.used += time.monotonic() - started

    def run(self, label: str, source: str, definitions_only: bool = False) -> CellRun:
        """Run one cell, or only its definitions, in the namespace of those before it."""
        if self._left() <= 0:
            return CellRun(TIMED_OUT, "the time for this submission is used up")
        try:
            ended = self._run(self._ready(), label, source, definitions_only)
        except Late:
            self._end()
            seconds = self.limits.cell_seconds
            return CellRun(TIMED_OUT, f"the cell did not come to an end within {seconds:g} s")
        except Broken as error:
            try:
                return CellRun(DIED, self._cause(error))
            except EndedFromOutside:
                return self.run(label, source, definitions_only)
        self.done.append((label, source, definitions_only))
        return ended

    def calls(self, function: str, checks: Mapping[str, Sequence[Call]]) -> Seen:
        """Call a function as every check asks; the k-th calls of all checks travel together.

        A later call of one check may hold what an earlier one should have returned (the next step of an
        optimizer), so it is sent only when the earlier one has been answered.
        """
        seen = Seen({name: [] for name in checks})
        lost: set[str] = set()
        singly = False
        if self.child is not None and self.child.says_too_much():
            self._end()
        while True:
            open_checks = [
                name for name in checks if name not in lost and len(seen[name]) < len(checks[name])
            ]
            if not open_checks:
                return seen
            if self._left() <= 0:
                seen.forget()
                for name in open_checks:
                    seen[name].append(Observation(TIMED_OUT, error="the time for this submission is used up"))
                return seen
            depth = min(len(seen[name]) for name in open_checks)
            wave = [name for name in open_checks if len(seen[name]) == depth]
            try:
                broke = self._wave(function, checks, wave, depth, seen, singly)
            except AskAgain as gone:
                seen.forget()
                singly = singly or not isinstance(gone, EndedFromOutside)
                for name in open_checks:
                    seen[name].clear()
                continue
            if broke is not None:
                seen.forget()
                lost.add(broke)
                for name in open_checks:  # a new child has no generators that were drawn from
                    if name != broke and len(seen[name]) < len(checks[name]):
                        seen[name].clear()
            lost |= {name for name in wave if seen[name] and seen[name][-1].outcome != RETURNED}

    def _wave(
        self,
        function: str,
        checks: Mapping[str, Sequence[Call]],
        wave: Sequence[str],
        depth: int,
        seen: Seen,
        singly: bool,
    ) -> str | None:
        """Ask for one call of each check; return the name of the check that broke the child, if one did.

        Answers travel together. Where the child is gone before all of them are here, nobody knows which call
        it was, and all are asked again, for answers one by one: ``singly``.
        """
        numbers = {name: i for i, name in enumerate(checks)}
        late = sum(found[-1].outcome == TIMED_OUT for found in seen.values() if found)
        seconds = min(1.0 if late else self.limits.call_seconds, self.limits.call_seconds)
        answered = 0
        try:
            child = self._ready()
            order = {"do": "calls", "function": function, "seconds": seconds, "singly": singly}
            asked = [checks[name][depth] for name in wave]
            frame = self.zygote.frame_of(order, [numbers[name] for name in wave], asked)
            with self._clock():
                child.ask(frame)
            self.meanwhile()
            while answered < len(wave):
                patience = min(seconds + self.limits.grace_seconds, max(self._left(), 0.1))
                with self._clock():
                    part = child.answer(patience)
                said = seen.hear(part)
                if not 0 < len(said) <= len(wave) - answered:
                    raise Broken("more or fewer answers than questions")
                for observation in said:
                    seen[wave[answered]].append(observation)
                    if observation.outcome == UNREADABLE:  # who knows what else lies in the channel
                        self._end()
                        return wave[answered]
                    answered += 1
            return None
        except Late:
            self._end()
            ended = Observation(TIMED_OUT, error=f"no result after {seconds:g} s")
        except Broken as error:
            ended = Observation(DIED, error=self._cause(error))
        if not singly and len(wave) - answered > 1:
            raise AskAgain
        seen[wave[answered]].append(ended)
        return wave[answered]

    def _cause(self, error: Broken) -> str:
        """Say why the child is gone, in words."""
        child, self.child = self.child, None
        if child is None:
            return str(error)
        child.channel.close()
        ended = self.zygote.how_ended(child.number, 1.0 if isinstance(error, Gone) else 0.0)
        if self.zygote.gone:
            raise ZygoteGone("the sandbox's warm process was ended from outside")
        if ended is None:
            self.zygote.kill(child.number)
            self.zygote.how_ended(child.number)
            return f"what came back could not be read ({error})"
        code, why = ended
        if why == "memory" or (code == -9 and self.zygote.cgroup and self.zygote.cgroup.ran_out()):
            return f"it needed more memory than the {self.limits.memory_mib} MiB that one submission has"
        if why == "time":
            return f"it used more than the {self.limits.cpu_seconds} s of processor time that one process has"
        if code == -signal.SIGKILL and not self.revived:  # it can hardly have been its own doing
            self.revived = True
            raise EndedFromOutside
        if code < 0:
            return f"the process was ended by signal {-code}"
        return f"the process ended itself with exit code {code}"


def _is_known(answer: Any) -> bool:
    """Whether an answer has an outcome that there is; anything may stand there, an array or a list too."""
    outcome = answer.get("outcome") if isinstance(answer, dict) else None
    return isinstance(outcome, str) and outcome in OUTCOMES


def _cell_run(answer: Any) -> CellRun:
    if not _is_known(answer):
        return CellRun(UNREADABLE, "the cell's answer could not be read")
    defined = [name[:80] for name in _texts(answer, "defined")]
    return CellRun(answer["outcome"], _text(answer, "error"), _text(answer, "line"), defined)


@lru_cache(maxsize=1024)
def _observations(text: bytes, raw: bytes) -> tuple[Observation, ...]:
    """Read some answers; those of right solutions, and of one mistake, are often equal to the last bit."""
    return tuple(_observation(answer) for answer in decode(text, raw))


def _observation(answer: Any) -> Observation:
    if not _is_known(answer):
        return Observation(UNREADABLE, error="the answer has no known form")
    value = answer.get("value")
    if (
        isinstance(value, Foreign)
        and answer["outcome"] == RETURNED
        and value.description.startswith("more data")
    ):
        return Observation(UNREADABLE, error=value.description)
    return Observation(
        answer["outcome"],
        value,
        _text(answer, "error"),
        _text(answer, "line"),
        _texts(answer, "changed"),
        _texts(answer, "shared"),
        answer.get("moved_random", False) is not False,
        _texts(answer, "remarks"),
        answer["record"] if isinstance(answer.get("record"), tuple) else (),
    )


def _text(answer: dict[Any, Any], key: str) -> str:
    value = answer.get(key)
    return value[:300] if isinstance(value, str) else ""


def _texts(answer: dict[Any, Any], key: str) -> tuple[str, ...]:
    values = answer.get(key)
    return tuple(v[:300] for v in values if isinstance(v, str))[:10] if isinstance(values, tuple) else ()


__all__ = ["SKIPPED", "CellRun", "Child", "Limits", "SandboxError", "Trial", "Zygote"]
