"""The life of one submission in the sandbox: run cells, call functions, trust nothing that returns."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from autograder.protocol import Broken, Frame, Gone, Late, decode, encode
from autograder.sandbox.host import Child, Zygote, ZygoteGone
from autograder.sandbox.limits import Limits, SandboxError
from course_utils.calls import (
    DIED,
    MISSING,
    RAISED,
    RETURNED,
    TIMED_OUT,
    UNREADABLE,
    UNWRITTEN,
    Call,
    Observation,
)
from course_utils.plain import Foreign

SMALL = 2**15  # bytes of a frame that is worth remembering
OUTCOMES = {RETURNED, RAISED, UNWRITTEN, MISSING, TIMED_OUT}


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
            self.child = self._greeted()
            for step in self.done:
                self._run(self.child, *step)
        return self.child

    def _greeted(self) -> Child:
        """Open a child; once more if it does not greet, since somebody may have ended it while it waited."""
        child = self.zygote.open()
        try:
            child.greet()
        except ZygoteGone:
            raise
        except SandboxError:
            child.close()
            child = self.zygote.open()
            child.greet()
        return child

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
