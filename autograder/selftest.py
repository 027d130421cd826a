"""The grader graded: right code passes, every known mistake is caught and named, and no cheat gets through.

What is proved of an exercise is proved with the machinery that grades: the same draw, the same report. The
course's own code (variants, misconceptions, tables of public answers) runs in this process; the reference,
blank cells and borrowed answers go through the sandbox, as a submission does.
"""

from __future__ import annotations

import importlib
import inspect
import io
import os
import pkgutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context, util
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from tqdm import tqdm

import course_utils
from autograder.exercises import (
    PUBLIC_SEED,
    TOPICS,
    Drawn,
    Exercise,
    Misconception,
    UnknownExercise,
    behaviour,
    draw,
    find,
    topic,
)
from autograder.judge import Judge
from autograder.sandbox.edition import build_edition
from autograder.sandbox.host import Zygote
from autograder.sandbox.trial import Trial
from course_utils.calls import RETURNED, Call, observe
from course_utils.examine import FAILED, HABITS, PASSED, WAITING, Check, Report, findings, report
from course_utils.plain import fresh

COLUMNS = {
    "right": "right solutions that pass",
    "caught": "mistakes refused by the case they name",
    "named": "mistakes named in the feedback",
    "public": "mistakes named by the visible checks that refuse them",
    "cheats": "cheats refused",
    "blank": "blank cells that score 0",
}
FEWEST_VARIANTS, FEWEST_MISTAKES = 3, 5
# where something is computed; pictures, pages and batches of trainings are not called just to see
ROOMS = ("library", "network", "properties", "tape")


@dataclass(frozen=True)
class Flaw:
    """Something that the grader gets wrong: what, why, and what helps, for whoever wrote the exercise."""

    exercise: str
    what: str
    why: str
    fix: str


@dataclass
class Proof:
    """What was tried on one exercise: how many of how many held, what did not, and what it took."""

    exercise: str
    topic: str
    seeds: list[int]
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    flaws: dict[Flaw, list[int]] = field(default_factory=dict)
    drawing: list[float] = field(default_factory=list)
    judging: list[float] = field(default_factory=list)
    best_cheat: tuple[float, str] = (0.0, "")

    def count(self, column: str, held: bool) -> None:
        """Note one thing that was tried."""
        good, tried = self.counts.get(column, (0, 0))
        self.counts[column] = good + held, tried + 1

    def flaw(self, what: str, why: str, fix: str) -> None:
        """Note what is wrong."""
        self.flaws[Flaw(self.exercise, what, why, fix)] = list(self.seeds)

    def add(self, other: Proof) -> None:
        """Take in what was tried with other seeds."""
        self.seeds += other.seeds
        for column, (good, tried) in other.counts.items():
            mine = self.counts.get(column, (0, 0))
            self.counts[column] = mine[0] + good, mine[1] + tried
        for flaw, seeds in other.flaws.items():
            self.flaws.setdefault(flaw, []).extend(seeds)
        self.drawing += other.drawing
        self.judging += other.judging
        self.best_cheat = max(self.best_cheat, other.best_cheat)


class _Judge(Judge):
    """The judge of one exercise, also of one that is in no topic."""

    def __init__(self, exercise: Exercise, seed: int) -> None:
        super().__init__(seed)
        self._exercise = exercise

    def drawn(self, exercise: str) -> Drawn:
        """Return the checks of the exercise, drawn when they are first asked for."""
        if exercise not in self._drawn:
            self._drawn[exercise] = draw(self._exercise, self.seed)
        return self._drawn[exercise]


def prove(exercise: Exercise, seed: int, zygote: Zygote | None = None, *, right_only: bool = False) -> Proof:
    """Try on one exercise, drawn from one seed, all that must hold.

    Parameters
    ----------
    exercise : Exercise
    seed : int
    zygote : Zygote, optional
        Where the reference, blank cells and borrowed answers are judged; without it they are left out.
    right_only : bool
        Try nothing but the right solutions.

    Returns
    -------
    Proof
    """
    proof = Proof(exercise.name, _topic_of(exercise), [seed])
    judge = _Judge(replace(exercise, misconceptions=()) if right_only else exercise, seed)
    started = time.perf_counter()
    try:
        drawn = judge.drawn(exercise.name)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        proof.flaw("its cases cannot be drawn", why, "mend the inputs of the case, or the reference")
        return proof
    proof.drawing.append(time.perf_counter() - started)
    _right_ones_pass(exercise, drawn, proof)
    if right_only:
        return proof
    _mistakes_are_caught(exercise, drawn, proof)
    _public_answers_do_not_pass(exercise, drawn, proof)
    if zygote is not None:
        _submissions_get_what_they_earn(exercise, judge, zygote, proof)
    return proof


def _topic_of(exercise: Exercise) -> str:
    return exercise.reference.__module__.rpartition(".")[2]


def judged(function: Callable[..., Any], drawn: Drawn, proof: Proof | None = None) -> Report:
    """Judge code of the course's own as a submission is judged, in this process."""
    started = time.perf_counter()
    seen = {check.name: behaviour(function, check) for check in drawn.checks}
    said = report(drawn.exercise, drawn.checks, seen, drawn.mistakes, show_numbers=False)
    if proof is not None:
        proof.judging.append(time.perf_counter() - started)
    return said


# --- right solutions ---


def _right_ones_pass(exercise: Exercise, drawn: Drawn, proof: Proof) -> None:
    reference = judged(exercise.reference, drawn)
    proof.count("right", reference.status == PASSED)
    if reference.status != PASSED:
        proof.flaw("the reference itself is refused", _red(reference), "mend the reference or the case")
    if len(exercise.variants) < FEWEST_VARIANTS:
        why = f"{len(exercise.variants)} right variants; at least {FEWEST_VARIANTS} are asked for"
        proof.flaw("there are too few right variants", why, "write it in another style")
    refused = {}
    for variant in exercise.variants:
        said = judged(variant, drawn)
        proof.count("right", said.status == PASSED)
        if said.status != PASSED:
            refused[variant.__name__] = _red(said)
    if len(refused) == len(exercise.variants) > 1:
        why = f"all disagree with it, {exercise.variants[0].__name__}: {next(iter(refused.values()))}"
        proof.flaw(
            "the reference stands alone against every right variant", why, "look at the reference first"
        )
        return
    for name, why in refused.items():
        proof.flaw(f"a right solution is refused: {name}", why, "widen the case, or mend the variant")


def _red(said: Report) -> str:
    red = [row for row in said.rows if row.status != PASSED]
    return f"{red[0].name!r}: {red[0].problem or said.headline or red[0].status}" if red else said.headline


# --- misconceptions ---


def _mistakes_are_caught(exercise: Exercise, drawn: Drawn, proof: Proof) -> None:
    if len(exercise.misconceptions) < FEWEST_MISTAKES:
        why = f"{len(exercise.misconceptions)} misconceptions; at least {FEWEST_MISTAKES} are asked for"
        proof.flaw("too few mistakes are known", why, "write down what students really do")
    public = _drawn_in_public(exercise)
    for mistake in exercise.misconceptions:
        said = judged(mistake.wrong, drawn, proof)
        status = {row.name: row.status for row in said.rows}.get(mistake.exposed_by)
        proof.count("caught", status == FAILED)
        if status != FAILED:
            why, fix = _why_unseen(exercise, mistake, drawn, status)
            proof.flaw(f"case {mistake.exposed_by!r} no longer exposes {mistake.key}", why, fix)
        proof.count("named", said.misconception == mistake.key)
        if said.status == PASSED:
            proof.flaw(f"{mistake.key} passes", "no case refuses it", "add a case in which it goes wrong")
        elif said.misconception != mistake.key:
            why, fix = _why_unnamed(said)
            proof.flaw(f"{mistake.key} is refused, but not named in the feedback", why, fix)
        visible = judged(mistake.wrong, public)
        if visible.status != PASSED:
            proof.count("public", visible.misconception == mistake.key)


def _drawn_in_public(exercise: Exercise) -> Drawn:
    return draw(exercise, PUBLIC_SEED, public_only=True)


def _why_unseen(
    exercise: Exercise, mistake: Misconception, drawn: Drawn, status: str | None
) -> tuple[str, str]:
    if mistake.exposed_by == HABITS:
        why = "the wrong one changes no argument, shares no memory and leaves np.random alone"
        return why, "name the case that does expose it"
    if status is None:
        return f"there is no such case; there are {[c.name for c in exercise.cases]}", "name one of these"
    check = next(check for check in drawn.checks if check.name == mistake.exposed_by)
    if status == WAITING:
        return f"it waits for one of {list(check.after)}, which goes red first", "name that one"
    if check.verify is not None:
        why = f"{check.verify.__name__} finds nothing wrong with what the wrong one returns"
        return why, "draw inputs on which it shows, or look for it in the verifier"
    return f"the wrong and the right result agree to rtol {check.rtol:.0e}", "change the inputs or lower rtol"


def _why_unnamed(said: Report) -> tuple[str, str]:
    if said.misconception is None:
        return (
            "nothing is named: when it runs once more it does something else",
            "let it draw from its rng alone, if it draws",
        )
    why = f"{said.misconception} does the very same on every input and is named instead"
    return why, "draw an input on which the two differ"


# --- cheats ---


def _public_answers_do_not_pass(exercise: Exercise, drawn: Drawn, proof: Proof) -> None:
    """Whoever writes down what the visible checks expect does not pass."""
    unnamed = replace(drawn, mistakes=())
    for name, cheat in cheats(exercise):
        _refused(name, judged(cheat, unnamed), proof, "draw more of the inputs from rng")


def _refused(name: str, said: Report, proof: Proof, fix: str) -> None:
    refused = said.status == FAILED
    proof.count("cheats", refused)
    proof.best_cheat = max(proof.best_cheat, (round(said.share, 4), f"{proof.exercise}, {name}"))
    if not refused:
        proof.flaw(f"a cheat passes: {name}", f"it earns {said.share:.0%} of the marks: {said.status}", fix)


def cheats(exercise: Exercise) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield functions that hold nothing but the public answers: looked up, or one for everything."""
    by_arguments: dict[str, tuple[Any, list[Any]]] = {}
    by_shapes: dict[str, Any] = {}

    def recorded(**given: Any) -> Any:
        exact, alike = _written(given), _written(given, values=False)
        answer = exercise.reference(**given)
        by_arguments[exact] = fresh(answer), [rng.bit_generator.state for rng in _generators(given)]
        by_shapes[alike] = fresh(answer)
        return answer

    public = _drawn_in_public(replace(exercise, misconceptions=()))
    with np.errstate(all="ignore"):
        for check in public.checks:
            observe(recorded, check.calls)
    first, _ = next(iter(by_arguments.values()))

    def looked_up(**given: Any) -> Any:
        near = by_shapes.get(_written(given, values=False), first)
        answer, states = by_arguments.get(_written(given), (near, []))
        for rng, state in zip(_generators(given), states, strict=False):
            rng.bit_generator.state = state  # so that a second call is another one
        return fresh(answer)

    yield "public answers, looked up by their arguments", looked_up
    for constant in {_written(answer): answer for answer, _ in by_arguments.values()}.values():
        yield "one public answer for everything", lambda _always=constant, **given: fresh(_always)
    yield "its first argument", lambda **given: fresh(next(iter(given.values())))


def _generators(given: Mapping[str, Any]) -> list[np.random.Generator]:
    return [value for value in given.values() if isinstance(value, np.random.Generator)]


def _written(value: Any, *, values: bool = True) -> str:
    """Write down an argument so that equal ones read the same, and with them their shapes or their values."""
    if isinstance(value, dict):
        return repr(sorted((str(key), _written(item, values=values)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_written(item, values=values) for item in value)}]"
    if isinstance(value, np.ndarray):
        return f"{value.shape} {value.tobytes().hex() if values else ''}"
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state) if values else "rng"
    if callable(value):
        return "function"
    return repr(value) if values else type(value).__name__


# --- what goes through the sandbox ---


def _submissions_get_what_they_earn(exercise: Exercise, judge: Judge, zygote: Zygote, proof: Proof) -> None:
    """The reference earns all there, a blank cell nothing, an answer borrowed from course_utils neither."""
    name = exercise.name
    here = f"from {exercise.reference.__module__} import {name}"
    said = _submitted(_as_a_cell(exercise.reference), name, judge, zygote, proof)
    if said.share < 1:
        proof.flaw("the reference is refused in the sandbox", _red(said), "let it need nothing but NumPy")
    for blank in ("raise NotImplementedError", "pass"):
        said = _submitted(f"def {name}(*given, **named):\n    {blank}", name, judge, zygote)
        proof.count("blank", said.share == 0 and said.status == FAILED)
        if said.share:
            why = f"it earns {said.share:.0%} of the marks"
            proof.flaw(f"a blank cell ({blank}) scores", why, "let no row pass without a result")
    _refused("the reference, imported", _submitted(here, name, judge, zygote), proof, "leave it out")
    for module, helper, given in borrowed(judge.drawn(name)):
        source = f"""from {module} import {helper} as borrowed
def {name}(*given, **named):
    return borrowed(*[*given, *named.values()][:{given}])"""
        fix = f"begin its name with an underscore: course_utils alone may call {helper} then"
        _refused(f"{module}.{helper}, called", _submitted(source, name, judge, zygote), proof, fix)


def _as_a_cell(function: Callable[..., Any]) -> str:
    """Write a cell that brings a function, with the modules it needs, to where there is no reference."""
    own = function.__module__
    package = own.rpartition(".")[0]
    needed = [package, *sorted(name for name in sys.modules if name.startswith(f"{package}._")), own]
    sources = {name: inspect.getsource(sys.modules[name]) for name in needed}
    return f"""import sys, types
for name, source in {sources!r}.items():
    module = sys.modules[name] = types.ModuleType(name)
    module.__package__ = {package!r}
    if name == {package!r}:
        module.__path__ = []
    exec(source, vars(module))
{function.__name__} = sys.modules[{own!r}].{function.__name__}"""


def _submitted(source: str, name: str, judge: Judge, zygote: Zygote, proof: Proof | None = None) -> Report:
    started = time.perf_counter()
    with Trial(zygote) as trial:
        said = judge.exercise(name, trial, [trial.run(name, source)])
    if proof is not None:
        # what a wrong one costs more is its diagnosis, which was timed where it was judged
        proof.judging.append(time.perf_counter() - started + max(proof.judging, default=0.0))
    return said


def borrowed(drawn: Drawn) -> Iterator[tuple[str, str, int]]:
    """Yield the functions of course_utils that would do as an answer: module, name, how many arguments."""
    most = len(drawn.checks[0].calls[0].arguments)
    for module, name, function in helpers():
        for given in range(1, most + 1):
            with redirect_stdout(io.StringIO()):
                would_do = _answers(function, given, drawn.checks)
            if would_do:
                yield module, name, given


def _answers(function: Callable[..., Any], given: int, checks: Sequence[Check]) -> bool:
    """Whether a function passes, called with the first of the arguments; ends at the first check it fails."""

    def called(**arguments: Any) -> Any:
        return function(*list(arguments.values())[:given])

    for check in checks:
        first = observe(called, [Call(fresh(check.calls[0].arguments))], 1.0)
        if first[0].outcome != RETURNED or findings(check, behaviour(called, check)):
            return False
    return True


@cache
def helpers() -> tuple[tuple[str, str, Callable[..., Any]], ...]:
    """The functions that compute something in what students receive as course_utils."""
    found = []
    for each in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if each.name.split(".")[1] not in ROOMS:
            continue
        for name, function in vars(importlib.import_module(each.name)).items():
            if type(function) is FunctionType and function.__module__ == each.name:
                found.append((each.name, name, function))
    return tuple(found)


# --- all of it, on every core ---


def chosen(names: Sequence[str]) -> list[Exercise]:
    """Return the exercises that some names of exercises and topics stand for; all for none."""
    found: dict[str, Exercise] = {}
    for name in names or TOPICS:
        own = topic(name) if name in TOPICS else {name: find(name)}
        if names and not own:
            raise UnknownExercise(f"topic {name!r} has no exercises yet")
        found |= own
    return list(found.values())


def run(
    names: Sequence[str] = (),
    *,
    build: Path,
    seeds: int = 1,
    jobs: int = 0,
    right_only: bool = False,
    sandbox: str = "auto",
) -> list[Proof]:
    """Prove exercises, each with the seeds 0, 1, ...; the sandbox is asked with the first seed only."""
    exercises = chosen(names)
    proofs: dict[str, Proof] = {}
    tasks = [(exercise.name, seed) for seed in range(max(1, seeds)) for exercise in exercises]
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    jobs = max(1, min(jobs or os.cpu_count() or 1, len(tasks)))
    edition = None if right_only else build_edition(build / "sandbox")
    with (
        ProcessPoolExecutor(jobs, get_context("spawn")) as pool,
        tqdm(total=len(tasks), unit="exercise", disable=not sys.stderr.isatty()) as bar,
    ):
        futures = [pool.submit(_prove, name, seed, edition, sandbox, right_only) for name, seed in tasks]
        try:
            for future in as_completed(futures):
                proof = future.result()
                if proof.exercise in proofs:
                    proofs[proof.exercise].add(proof)
                else:
                    proofs[proof.exercise] = proof
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [proofs[exercise.name] for exercise in exercises]


def _prove(name: str, seed: int, edition: Path | None, sandbox: str, right_only: bool) -> Proof:
    zygote = _zygote(edition, sandbox) if edition is not None and seed == 0 else None
    return prove(find(name), seed, zygote, right_only=right_only)


@cache
def _zygote(edition: Path, sandbox: str) -> Zygote:
    """The one warm process of this one; it ends with it."""
    zygote = Zygote(edition, mode=sandbox)
    util.Finalize(None, zygote.close, exitpriority=0)
    return zygote


# --- what is said about it ---


def as_line(proof: Proof) -> dict[str, Any]:
    """Return a proof as other programs read it."""
    return {
        "exercise": proof.exercise,
        "topic": proof.topic,
        "seeds": len(proof.seeds),
        **{column: list(proof.counts.get(column, (0, 0))) for column in COLUMNS},
        "best_cheat": list(proof.best_cheat),
        "judging_seconds": round(max(proof.judging, default=0.0), 3),
        "drawing_seconds": round(max(proof.drawing, default=0.0), 3),
        "flaws": [
            {"what": flaw.what, "why": flaw.why, "fix": flaw.fix, "seeds": sorted(seeds)}
            for flaw, seeds in proof.flaws.items()
        ],
    }


def table(proofs: Sequence[Proof], seconds: float) -> str:
    """Return what a person reads: a line an exercise, the rates, and what is wrong."""
    columns = [column for column in COLUMNS if any(column in proof.counts for proof in proofs)]
    total = {column: _sum(proof.counts.get(column, (0, 0)) for proof in proofs) for column in columns}
    counts = {proof.exercise: proof.counts for proof in proofs}
    cells = [["exercise", *columns, ""]]
    cells += [
        [name, *(_of(counts[name].get(c, (0, 0))) for c in columns), "" if not flaws else f"{flaws} wrong"]
        for name, flaws in ((proof.exercise, len(proof.flaws)) for proof in proofs)
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns) + 1)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, len(widths))), row[-1]]
        )
        for row in cells
    ]
    lines = [line.rstrip() for line in lines]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines += ["", *(f"{_of(total[c]):>13}  {_percent(total[c]):>7}  {COLUMNS[c]}" for c in columns)]
    lines += ["", *_information(proofs, seconds)]
    for proof in proofs:
        for flaw, seeds in proof.flaws.items():
            lines += ["", in_words(flaw, proof, seeds)]
    return "\n".join(lines)


def in_words(flaw: Flaw, proof: Proof, seeds: Sequence[int]) -> str:
    """Say what is wrong to whoever wrote the exercise: what, why, where, and what to do."""
    what = flaw.what
    if len(seeds) < len(proof.seeds):
        listed = ", ".join(map(str, sorted(seeds)[:5])) + (", ..." if len(seeds) > 5 else "")
        what += f" (with {len(seeds)} of {len(proof.seeds)} seeds: {listed})"
    again = f"autograder selftest {flaw.exercise}"
    if min(seeds) > 0:
        again += f" --seeds {min(seeds) + 1}"
    return "\n".join(
        [
            f"{what}:",
            f"  {flaw.why}",
            f"  where  autograder/exercises/{proof.topic}.py, {flaw.exercise}",
            f"  fix    {flaw.fix}, then: {again}   (no grades were written)",
        ]
    )


def _information(proofs: Sequence[Proof], seconds: float) -> list[str]:
    """Return what is good to know and nobody is failed by."""
    lines = []
    for what, times in (
        ("judging one", {proof.exercise: max(proof.judging) for proof in proofs if proof.judging}),
        ("drawing one", {proof.exercise: max(proof.drawing) for proof in proofs if proof.drawing}),
    ):
        if times:
            slowest = max(times, key=lambda name: times[name])
            median = statistics.median(times.values())
            lines.append(f"{what}  median {median:.2f} s, slowest {times[slowest]:.2f} s ({slowest})")
    share, cheat = max((proof.best_cheat for proof in proofs), default=(0.0, ""))
    if cheat:
        lines.append(f"best cheat   {share:.0%} of the marks ({cheat})")
    flaws = sum(len(proof.flaws) for proof in proofs)
    seeds = max((len(proof.seeds) for proof in proofs), default=0)
    lines.append(f"{len(proofs)} exercises, {seeds} seeds, {seconds:.0f} s: {flaws or 'nothing'} wrong")
    return lines


def _sum(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    pairs = list(counts)
    return sum(good for good, _ in pairs), sum(tried for _, tried in pairs)


def _of(count: tuple[int, int]) -> str:
    return f"{count[0]}/{count[1]}"


def _percent(count: tuple[int, int]) -> str:
    return f"{count[0] / count[1]:.1%}" if count[1] else "-"


def all_holds(proofs: Sequence[Proof]) -> bool:
    """Whether nothing is wrong."""
    return not any(proof.flaws for proof in proofs)
