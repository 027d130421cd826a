"""The run: submissions in, results out. It resumes where it was stopped and judges nothing twice."""

from __future__ import annotations

import atexit
import hashlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from autograder import exercises
from autograder.course import Course, CourseError
from autograder.judge import new_seed, summary
from autograder.report.publish import graded, publish
from autograder.results import GRADED, UNJUDGED, ResultStore, SubmissionResult
from autograder.sandbox.limits import Limits
from autograder.submission import Lesson, Unjudgeable, read_lesson, take
from autograder.worker import Judges, Task, Worker, digest_of


@dataclass(frozen=True)
class Move:
    """A mark that changes although what was handed in did not."""

    student: str
    assignment: str
    exercise: str
    before: float
    after: float

    def __str__(self) -> str:
        return f"{self.student}, {self.assignment}, {self.exercise}: {self.before:g} -> {self.after:g}"


class NotEntered(CourseError):
    """The instructor did not want marks to move."""


@dataclass(frozen=True)
class Run:
    """What one ``autograder grade`` did."""

    course: Course
    results: tuple[SubmissionResult, ...]
    judged: int
    reused: int
    seconds: float
    moves: tuple[Move, ...] = ()

    @property
    def all_judged(self) -> bool:
        """Whether every submission got a verdict."""
        return all(result.status == GRADED for result in self.results)


def run(
    course: Course,
    assignments: Sequence[str] = (),
    *,
    students: Sequence[str] | None = None,
    jobs: int = 0,
    seed: int | None = None,
    force: bool = False,
    demos: bool = False,
    sandbox: str = "auto",
    confirm: Callable[[Sequence[Move]], bool] = lambda moves: True,
) -> Run:
    """Grade what was handed in and write gradebook, graded notebooks and feedback.

    ``confirm`` is asked before marks move of students who handed in nothing new, because a case or a point
    value changed; if it says no, nothing is written, and what was judged is kept.
    """
    started = time.perf_counter()
    tasks = find_tasks(course, assignments, students)
    lessons = {name: read_lesson(course.source_notebook(name)) for name in {t.assignment for t in tasks}}
    for lesson in lessons.values():
        for exercise in lesson.exercises:
            exercises.find(exercise)  # of a name that nobody knows, the author hears first
    store = ResultStore(course.results_dir)
    seeded, seed = seed, new_seed() if seed is None else seed
    environment = [str(seeded), str(demos), sandbox, str(Limits.of_course(course.root))]
    judged_by = {name: _stamp(lesson, environment) for name, lesson in lessons.items()}
    keys = {task: _key(task, judged_by[task.assignment]) for task in tasks}
    kept = {} if force else {task: store.find(key) for task, key in keys.items()}
    done = {task: result for task, result in kept.items() if result and result.student == task.student}
    waiting = [(task, key) for task, key in keys.items() if task not in done]
    before = {task: store.last(task.student, task.assignment) for task in tasks}
    reused = len(done)
    with Judges(course, waiting, seed, demos, jobs, sandbox) as judges:
        from autograder import gradebook  # imports that are slow, while the judges get warm

        gradebook.prepare(course, sorted(lessons))
        with _progress(len(tasks), reused) as bar:
            for task, result in judges:
                done[task] = result
                bar.update(done.values())
    results = tuple(done[task] for task in tasks)
    moves = tuple(move for task in tasks for move in _moves(before[task], done[task]))
    if moves and not confirm(moves):
        raise NotEntered(f"{len(moves)} marks would have moved; nothing was written to the gradebook")
    judged = {task for task, _ in waiting}
    if judged:
        store.settle()
    given = gradebook.record(course, results)
    for task, result in zip(tasks, results, strict=True):
        lesson, by_hand = lessons[result.assignment], given.get(_who(result))
        publish(course, store, lesson, result, by_hand, made=task in judged)
        if result.key and store.last_key(*_who(result)) != result.key:
            store.entered(result)
    return Run(course, results, len(waiting), reused, time.perf_counter() - started, moves)


def _who(result: SubmissionResult) -> tuple[str, str]:
    return result.student, result.assignment


def _moves(before: SubmissionResult | None, after: SubmissionResult) -> Iterator[Move]:
    if before is None or before.handed != after.handed:
        return
    marks = {each.exercise: each.points for each in before.exercises}
    for each in after.exercises:
        if marks.get(each.exercise, each.points) != each.points:
            yield Move(*_who(after), each.exercise, marks[each.exercise], each.points)


def find_tasks(course: Course, assignments: Sequence[str], students: Sequence[str] | None) -> list[Task]:
    """List what was handed in, in the order of students; an error says what was looked for, and where."""
    known = course.assignments()
    for name in assignments:
        if name not in known:
            raise CourseError(f"no assignment {name!r}: notebooks/ holds {', '.join(known) or 'none'}")
    if not course.submitted.is_dir():
        raise CourseError(
            f"nothing was handed in: there is no folder {course.submitted}. "
            "Submissions lie below it as STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb; nbgrader collect fills it."
        )
    tasks = [
        Task(student.name, folder.name, folder / f"{folder.name}.ipynb")
        for student in sorted(course.submitted.iterdir())
        if student.is_dir()
        and not student.name.startswith(".")
        and (not students or student.name in students)
        for folder in sorted(student.iterdir())
        if folder.is_dir() and folder.name in (assignments or known)
    ]
    if not tasks:
        there = sorted(path.name for path in course.submitted.iterdir())[:8]
        wanted = f"{' or '.join(students or ['STUDENT'])}/{' or '.join(assignments or known)}"
        found = ", ".join(there) or "an empty folder"
        raise CourseError(f"nothing to grade in {course.submitted}: looked for {wanted}, found {found}")
    return tasks


def _stamp(lesson: Lesson, environment: Sequence[str]) -> str:
    """Hash all that the results of an assignment depend on, besides what was handed in."""
    cases = cases_stamp(lesson.assignment)
    return _hash(lesson.assignment, repr(lesson.cells), cases, sys.version, np.__version__, *environment)


def _key(task: Task, judged_by: str) -> str:
    return _hash(digest_of(task.path), task.student, task.assignment, judged_by)[:32]


def _hash(*words: str) -> str:
    digest = hashlib.sha256()
    for data in (word.encode() for word in words):
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def cases_stamp(assignment: str) -> str:
    """A hash of what judges an assignment: its cases, the reference, and how results are compared."""
    import course_utils

    library = Path(course_utils.__file__).parent
    own = [Path(exercises.__file__).parent / f"{assignment}.py", library / "reference" / f"{assignment}.py"]
    shared = [Path(exercises.__file__), *sorted((library / "properties").glob("*.py"))]
    shared += [library / f"{room}.py" for room in ("calls", "compare", "examine", "library", "plain")]
    return _hash(*(path.read_text() for path in (*own, *shared) if path.exists()))


class _progress:
    """A bar with rate and remaining time; beside it what the class has earned so far."""

    def __init__(self, total: int, reused: int) -> None:
        self.bar = tqdm(total=total, initial=reused, unit="submission", disable=not sys.stderr.isatty())

    def __enter__(self) -> _progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def update(self, results: Iterable[SubmissionResult]) -> None:
        """Show that one more is done."""
        if not self.bar.disable:
            graded = [result for result in results if result.status == GRADED]
            share = sum(r.points for r in graded) / (sum(r.max_points for r in graded) or 1)
            open_ = self.bar.n + 1 - len(graded)
            self.bar.set_postfix_str(f"mean {share:.0%}, could not judge {open_}", refresh=False)
        self.bar.update()


def judge_notebook(
    course: Course, assignment: str, notebook: dict[str, Any], student: str
) -> tuple[SubmissionResult, dict[str, Any] | None]:
    """Judge one notebook that is already read: the way nbgrader's own commands take."""
    worker = _own_worker(course)
    lesson = worker.lesson(assignment)
    try:
        handed = take(notebook, lesson)
    except Unjudgeable as reason:
        return SubmissionResult(student, assignment, UNJUDGED, reason=str(reason)), None
    result = worker.judge.submission(student, lesson, handed, worker.zygote)
    return result, graded(lesson, handed, result)


@cache
def _own_worker(course: Course) -> Worker:
    """The one worker of a process that judges notebook after notebook, such as ``nbgrader autograde``."""
    worker = Worker(course, new_seed())
    atexit.register(worker.close)
    return worker


def as_line(result: SubmissionResult) -> dict[str, Any]:
    """Return a result as other programs read it."""
    return {
        "student": result.student,
        "assignment": result.assignment,
        "status": result.status,
        "reason": result.reason,
        "fault": result.fault,
        "score": result.points,
        "max_score": result.max_points,
        "misconceptions": list(result.misconceptions),
        "seed": result.seed,
        "sandbox": result.sandbox,
        "seconds": result.seconds,
        "exercises": [summary(each) for each in result.exercises],
    }


def table(run: Run) -> str:
    """Return what a person reads at the end of a run."""
    rows = [("student", "assignment", "score", "remarks")]
    for result in run.results:
        score = f"{result.points:g} / {result.max_points:g}" if result.status == GRADED else "-"
        named = ", ".join(result.misconceptions) or (
            "" if result.status == GRADED else f"{UNJUDGED}: {result.fault or result.reason}"
        )
        rows.append((result.student, result.assignment, score, named))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    columns = [[cell.ljust(w) for cell, w in zip(row, widths, strict=False)] + [row[3]] for row in rows]
    lines = ["  ".join(row).rstrip() for row in columns]
    lines.insert(1, "  ".join("-" * w for w in (*widths, 7)))
    rate = f"{run.judged / run.seconds:.1f} a second" if run.judged else "nothing new"
    lines += [
        "",
        f"{len(run.results)} submissions in {run.seconds:.1f} s: "
        f"{run.judged} judged, {run.reused} unchanged; {rate}",
        f"sandbox    {'; '.join(sorted({each.sandbox for each in run.results if each.sandbox})) or '-'}",
        f"gradebook  {run.course.gradebook_db}",
        f"feedback   {run.course.feedback}",
    ]
    asserts = {each.exercise for result in run.results for each in result.exercises if each.in_child}
    if asserts:
        lines.append(
            f"asserts    {', '.join(sorted(asserts))}: these tests ran beside the submissions' own code, "
            "where a hostile one can make them pass"
        )
    return "\n".join(lines)
