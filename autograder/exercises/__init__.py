"""What every exercise is judged by: cases, and the mistakes that are known, one module a topic.

A ``Case`` draws the arguments of one or more calls from a generator; what is asked for is what the
reference returns on them or, for functions of chance, what ``verify`` finds. ``public`` cases are also what
the visible check in the notebook tries, drawn once from a fixed seed; all cases are drawn afresh, from a
seed that nobody can know, when a submission is graded.
"""

from __future__ import annotations

import importlib
import inspect
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from course_utils.calls import Call, build, observe
from course_utils.examine import Check, Mistake, OnDemand, Verify
from course_utils.plain import pack, unpack

TOPICS = (
    "setup",
    "regularization",
    "dropout",
    "initialization",
    "gradient_checking",
    "optimizers",
    "batch_normalization",
    "softmax",
    "hyperparameter_search",
    "frameworks",
)
PUBLIC_SEED = 20

Arguments = Mapping[str, Any] | Call
Inputs = Callable[[np.random.Generator], Arguments | Sequence[Arguments]]


@dataclass(frozen=True)
class Case:
    """One named property that a solution must have.

    ``inputs(rng)`` returns the arguments of one call, or a list of those of several. ``why`` is for authors.
    ``ask`` is the question a learner gets when it fails. ``after`` names cases that must pass first, so that
    one cause shows as one red line.
    """

    name: str
    why: str
    inputs: Inputs
    public: bool = False
    verify: Verify | None = None
    rtol: float = 1e-7
    atol: float = 1e-10
    marks: int = 1
    after: tuple[str, ...] = ()
    ask: str = ""


@dataclass(frozen=True)
class Misconception:
    """A wrong idea as runnable code: what a learner who holds it writes, and what helps them."""

    key: str
    belief: str
    wrong: Callable[..., Any]
    exposed_by: str
    hint: str


@dataclass(frozen=True)
class Exercise:
    """One function that learners write; ``variants`` are right solutions in other styles."""

    reference: Callable[..., Any]
    cases: tuple[Case, ...]
    misconceptions: tuple[Misconception, ...]
    variants: tuple[Callable[..., Any], ...] = ()

    @property
    def name(self) -> str:
        """The function's name, which is also the exercise's."""
        return self.reference.__name__

    @property
    def returns(self) -> tuple[str, ...]:
        """The names of what is returned, read from the reference's docstring."""
        _, _, after = inspect.cleandoc(self.reference.__doc__ or "").partition("\nReturns\n")
        section = re.split(r"\n\n\w+\n-+\n", after)[0]
        lines = re.findall(r"^(\w+(?:, \w+)*) : ", section, re.MULTILINE)
        return tuple(name for line in lines for name in line.split(", "))

    @property
    def points(self) -> int:
        """The marks of all cases, and one for touching nothing but the result."""
        return sum(case.marks for case in self.cases) + 1


class UnknownExercise(LookupError):
    """There is no exercise of that name."""


@cache
def topic(name: str) -> dict[str, Exercise]:
    """Return the exercises of one topic by name; empty where its cases are not written yet."""
    if name not in TOPICS:
        raise UnknownExercise(f"no topic {name!r}; there are {', '.join(TOPICS)}")
    try:
        module = importlib.import_module(f"autograder.exercises.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"autograder.exercises.{name}":
            raise
        return {}
    return {exercise.name: exercise for exercise in module.EXERCISES}


def find(name: str) -> Exercise:
    """Return an exercise by its function's name."""
    where = topic_of(name)
    if where and name in topic(where):
        return topic(where)[name]
    known = ", ".join(sorted(e for each in TOPICS for e in topic(each)))
    raise UnknownExercise(f"no exercise {name!r}; there are {known}")


def topic_of(name: str) -> str:
    """Return the topic that an exercise belongs to, '' if none: that whose reference holds it."""
    for each in TOPICS:
        function = getattr(importlib.import_module(f"course_utils.reference.{each}"), name, None)
        if getattr(function, "__module__", "").endswith(f".{each}"):
            return each
    return ""


@dataclass(frozen=True)
class Drawn:
    """The checks of one exercise for one seed, and what each known mistake does on them."""

    exercise: str
    seed: int
    checks: tuple[Check, ...]
    mistakes: tuple[Mistake, ...]


def draw(exercise: Exercise, seed: int, *, public_only: bool = False) -> Drawn:
    """Draw the inputs of an exercise and compute, with the reference, what follows.

    What a known mistake makes of them is worked out when somebody's work may hold it.
    """
    checks = tuple(
        _draw_case(exercise, case, seed) for case in exercise.cases if case.public or not public_only
    )
    mistakes = tuple(
        Mistake.of(m.key, m.belief, m.hint, checks, _behaviours(m.wrong, checks))
        for m in exercise.misconceptions
    )
    return Drawn(exercise.name, seed, checks, mistakes)


def _draw_case(exercise: Exercise, case: Case, seed: int) -> Check:
    rng = np.random.default_rng([seed, zlib.crc32(f"{exercise.name}/{case.name}".encode())])
    given = case.inputs(rng)
    listed = [given] if isinstance(given, (Mapping, Call)) else given
    calls = tuple(g if isinstance(g, Call) else Call(dict(g)) for g in listed)
    check = Check(
        case.name,
        calls,
        None,
        case.verify,
        case.rtol,
        case.atol,
        case.marks,
        case.after,
        case.ask,
        exercise.returns,
    )
    if case.verify is not None:
        return check
    return replace(
        check, expected=tuple(exercise.reference(**build(call.arguments, {}, [])) for call in calls)
    )


def _behaviours(function: Callable[..., Any], checks: Sequence[Check]) -> OnDemand:
    asked = {check.name: check for check in checks}
    return OnDemand(tuple(asked), lambda name: behaviour(function, asked[name]))


def behaviour(function: Callable[..., Any], check: Check) -> list[Any]:
    """What a trusted function does on the calls of a check, its values as they would arrive from afar."""
    with np.errstate(all="ignore"):
        seen = observe(function, check.calls)
    return [replace(o, value=unpack(*pack(o.value))) if o.value is not None else o for o in seen]
