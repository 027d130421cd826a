"""The judge: inputs out, outputs in, compared with what the reference returns.

The module is callable, so that the hidden test of a source notebook reads ``judge(f, against=reference.f)``.
"""

from __future__ import annotations

import secrets
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from autograder.exercises import Drawn, draw, find
from autograder.results import GRADED, UNJUDGED, ExerciseResult, SubmissionResult
from autograder.sandbox.host import Zygote
from autograder.sandbox.trial import CellRun, Seen, Trial
from autograder.submission import ASSERTS, HIDDEN, SOLUTION, TEST, Handed, Lesson, LessonCell, Step, steps
from course_utils.calls import MISSING, RETURNED, Observation, observe
from course_utils.check import Shown, display
from course_utils.examine import FAILED, PASSED, Report, Row, report
from course_utils.plain import pack, unpack

MOST_REMEMBERED = 20_000  # reports; each is a kilobyte or two of words


def new_seed() -> int:
    """Draw a seed that no student can know."""
    return secrets.randbits(48)


class Judge:
    """Judges with one seed: inputs, answers and known mistakes are worked out once for all submissions."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._drawn: dict[str, Drawn] = {}
        self._said: dict[tuple[str, bytes], Report] = {}

    def drawn(self, exercise: str) -> Drawn:
        """Return the checks of an exercise, drawn when they are first asked for."""
        if exercise not in self._drawn:
            self._drawn[exercise] = draw(find(exercise), self.seed)
        return self._drawn[exercise]

    def exercise(self, exercise: str, trial: Trial, cells: list[CellRun]) -> Report:
        """Judge one function where a trial has arrived; ``cells`` are those that should define it."""
        return self.say(exercise, self.seen(exercise, trial), cells)

    def seen(self, exercise: str, trial: Trial) -> Seen:
        """Return what a function does on the calls of every check."""
        return trial.calls(exercise, {check.name: check.calls for check in self.drawn(exercise).checks})

    def say(self, exercise: str, seen: Seen, cells: Sequence[CellRun]) -> Report:
        """Say what is to be said of what was seen; once, where two functions did the same to the last bit."""
        if any(found and found[-1].outcome == MISSING for found in seen.values()):
            why = _why_missing(exercise, cells)
            return self._say(exercise, {name: [Observation(MISSING, error=why)] for name in seen})
        key = exercise, seen.digest
        if not seen.digest or key not in self._said:
            said = self._say(exercise, seen)
            if not seen.digest or len(self._said) >= MOST_REMEMBERED:
                return said
            self._said[key] = said
        return self._said[key]

    def _say(self, exercise: str, seen: Mapping[str, list[Observation]]) -> Report:
        drawn = self.drawn(exercise)
        return report(exercise, drawn.checks, seen, drawn.mistakes, show_numbers=False)

    def _result(self, cell: LessonCell, seen: Seen, cells: Sequence[CellRun]) -> ExerciseResult:
        said = self.say(cell.exercise, seen, cells)
        return ExerciseResult(cell.exercise, cell.name, round(cell.points * said.share, 2), cell.points, said)

    def submission(
        self, student: str, lesson: Lesson, handed: Handed, zygote: Zygote, *, demos: bool = False
    ) -> SubmissionResult:
        """Run what was handed in, in the order of the notebook; judge each exercise where its test stands."""
        results: list[ExerciseResult] = []
        defining: dict[str, list[CellRun]] = {}
        open_: list[Callable[[], ExerciseResult]] = []

        def compare() -> None:
            """Compare what came back while the child works on what it is asked next."""
            while open_:
                results.append(open_.pop(0)())

        with Trial(zygote) as trial:
            trial.meanwhile = compare
            for step in steps(lesson, handed, demos=demos):
                if step.cell.kind == TEST:
                    name = step.cell.exercise
                    seen, cells = self.seen(name, trial), list(defining.get(name, []))
                    open_.append(partial(self._result, step.cell, seen, cells))
                    continue
                if step.cell.kind == ASSERTS:
                    open_.append(partial(_asserted, step.cell, *_run_asserts(trial, step)))
                    continue
                ended = trial.run(step.label, step.source, step.definitions_only)
                if step.cell.kind == SOLUTION:
                    defining.setdefault(step.cell.name, []).append(ended)
        compare()
        unjudged = any(each.report.status == UNJUDGED for each in results)
        return SubmissionResult(
            student,
            lesson.assignment,
            UNJUDGED if unjudged else GRADED,
            tuple(results),
            "The grader could not finish; your instructor has been told." if unjudged else "",
            tuple(handed.remarks),
            self.seed,
        )


def _run_asserts(trial: Trial, step: Step) -> tuple[CellRun, bool]:
    """Run an ordinary nbgrader test; say how it ended, and whether that was among its hidden tests."""
    visible = HIDDEN.sub("", step.source)
    ended = trial.run(step.label, visible)
    if ended.outcome != RETURNED or visible == step.source:
        return ended, False
    return trial.run(step.label, step.source), True


def _asserted(cell: LessonCell, ended: CellRun, hidden: bool) -> ExerciseResult:
    """All points or none; of a hidden test nothing is told but that it did not pass."""
    problem = f"{ended.error} ({ended.line})" if ended.line else ended.error
    if hidden:
        problem = f"a hidden test did not pass ({ended.error.partition(':')[0]})"
    passed = ended.outcome == RETURNED
    status = PASSED if passed else FAILED
    row = Row("the tests in this cell", status, "" if passed else problem)
    said = Report(cell.exercise, status, (row,))
    return ExerciseResult(cell.exercise, cell.name, cell.points * passed, cell.points, said, in_child=True)


def _why_missing(exercise: str, cells: Sequence[CellRun]) -> str:
    if not cells:
        return "its cell is not in the notebook that you handed in"
    stopped = [cell for cell in cells if cell.outcome != RETURNED]
    if stopped:
        at = f" ({stopped[-1].line})" if stopped[-1].line else ""
        return f"its cell stopped with {stopped[-1].error}{at}"
    defined = ", ".join(name for cell in cells for name in cell.defined)
    return (
        f"its cell defines {defined}; the name must be exactly {exercise}"
        if defined
        else "its cell defines nothing"
    )


def judge_here(function: Callable[..., Any], *, against: Callable[..., Any]) -> float:
    """Judge a function in this very process: for authors, and for stock nbgrader in a class one trusts.

    Parameters
    ----------
    function : callable
        The solution; its name is the exercise's.
    against : callable
        The reference.

    Returns
    -------
    float
        The points earned, which nbgrader takes as the score when it is a cell's last value.
    """
    exercise = replace(find(function.__name__), reference=against)
    drawn = draw(exercise, new_seed())
    seen = {check.name: [_plain(o) for o in observe(function, check.calls)] for check in drawn.checks}
    judged = report(exercise.name, drawn.checks, seen, drawn.mistakes, show_numbers=False)
    if judged.status != PASSED:
        display(Shown(judged))
    return float(round(exercise.points * judged.share, 2))


def _plain(seen: Observation) -> Observation:
    return replace(seen, value=unpack(*pack(seen.value)))


def summary(result: ExerciseResult) -> Mapping[str, Any]:
    """Return the judge's word on one exercise as other programs read it."""
    judged = result.report
    red = next((row for row in judged.rows if row.status not in (PASSED,)), None)
    message = judged.headline or (f"{red.name}: {red.problem}" if red else "")
    return {
        "exercise": judged.exercise,
        "score": result.points,
        "max_score": result.max_points,
        "passed": judged.status == PASSED,
        "misconception": judged.misconception,
        "message": (judged.hint and f"{message} - {judged.hint}") or message,
        "checks": [
            {"name": row.name, "passed": row.status == PASSED, "message": row.problem or judged.headline}
            for row in judged.rows
        ],
    }


class _CallableModule(types.ModuleType):
    def __call__(self, function: Callable[..., Any], *, against: Callable[..., Any]) -> float:
        return judge_here(function, against=against)


sys.modules[__name__].__class__ = _CallableModule
