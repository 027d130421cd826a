"""What one judging process holds: a warm process in the sandbox, a judge, the lessons; no gradebook."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from autograder import exercises
from autograder.course import Course
from autograder.judge import Judge, new_seed, summary
from autograder.report.publish import documents
from autograder.results import UNJUDGED, ExerciseResult, ResultStore, SubmissionResult
from autograder.sandbox import kernel
from autograder.sandbox.edition import build_edition
from autograder.sandbox.host import Zygote, ZygoteGone
from autograder.sandbox.limits import Limits, SandboxError
from autograder.sandbox.trial import Trial
from autograder.submission import (
    PLAIN,
    TEST,
    Handed,
    Lesson,
    LessonError,
    Unjudgeable,
    read_lesson,
    read_submission,
)
from course_utils.report_view import text

RETRIES = 2
GONE = (
    "the judging processes were ended again and again, {} submissions are open. Is memory short? "
    "What was judged is kept: run the same command with --jobs 1"
)
OUR_FAULT = "The grader made a mistake on this notebook, not you; your instructor has been told."


@dataclass(frozen=True)
class Task:
    """One submission to judge."""

    student: str
    assignment: str
    path: Path


def digest_of(path: Path) -> str:
    """Hash what was handed in; a link is not followed."""
    try:
        handed = b"a link" if path.is_symlink() else path.read_bytes()
    except OSError:
        handed = b"missing"
    return hashlib.sha256(handed).hexdigest()


class Worker:
    """What a judging process keeps between submissions: a warm process, a judge, the lessons."""

    def __init__(self, course: Course, seed: int, sandbox: str = "auto") -> None:
        self.course = course
        self.sandbox = sandbox
        self.judge = Judge(seed)
        self.lessons: dict[str, Lesson] = {}
        self.store = ResultStore(course.results_dir)
        self.zygote = self._warm()

    def _warm(self) -> Zygote:
        edition = build_edition(self.course.build / "sandbox")
        return Zygote(edition, Limits.of_course(self.course.root), self.sandbox)

    def lesson(self, assignment: str) -> Lesson:
        """Return an assignment's lesson, read once."""
        if assignment not in self.lessons:
            self.lessons[assignment] = read_lesson(self.course.source_notebook(assignment))
        return self.lessons[assignment]

    def close(self) -> None:
        """End the warm process."""
        self.zygote.close()

    def grade(self, task: Task, key: str, demos: bool) -> SubmissionResult:
        """Judge one submission and keep what was said; what cannot be read is recorded with its reason."""
        started = time.perf_counter()
        lesson = self.lesson(task.assignment)
        handed: Handed | None = None
        try:
            handed = read_submission(task.path, lesson)
            result = self._judged(task, lesson, handed, demos)
        except Unjudgeable as reason:
            result = SubmissionResult(task.student, task.assignment, UNJUDGED, reason=str(reason))
        except SandboxError:
            raise
        except Exception as error:  # a fault of the judge stops nobody else's grade
            frame = traceback.extract_tb(error.__traceback__)[-1]
            fault = f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
            result = SubmissionResult(task.student, task.assignment, UNJUDGED, reason=OUR_FAULT, fault=fault)
        handed_in, tier = digest_of(task.path), self.zygote.tier
        seconds = round(time.perf_counter() - started, 3)
        result = replace(result, key=key, handed=handed_in, sandbox=tier, seconds=seconds)
        if not result.fault:  # the next run tries again
            self.store.keep(result, documents(lesson, handed, result))
        return result

    def _judged(self, task: Task, lesson: Lesson, handed: Handed, demos: bool) -> SubmissionResult:
        """Judge; where somebody ended the warm process meanwhile, judge again in a new one."""
        for _ in range(RETRIES):
            try:
                return self.judge.submission(task.student, lesson, handed, self.zygote, demos=demos)
            except ZygoteGone:
                self.zygote.close()
                self.zygote = self._warm()
        return self.judge.submission(task.student, lesson, handed, self.zygote, demos=demos)


_worker: Worker


def _start(course: Course, seed: int, sandbox: str) -> None:
    """Begin the life of a judging process: it ends with the run, and leaves Ctrl-C to it."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        kernel.prctl(kernel.DIE_WITH_PARENT, signal.SIGKILL)
    _worker = Worker(course, seed, sandbox)


def _grade_one(task: Task, key: str, demos: bool) -> SubmissionResult:
    return _worker.grade(task, key, demos)


class Judges:
    """One judging process or several; iterate for results, as they come.

    They get warm as soon as the block is entered. A process that is ended from outside is replaced.
    """

    def __init__(
        self,
        course: Course,
        waiting: Sequence[tuple[Task, str]],
        seed: int,
        demos: bool = False,
        jobs: int = 0,
        sandbox: str = "auto",
    ) -> None:
        self.waiting = dict(waiting)
        self.jobs = max(1, min(jobs or os.cpu_count() or 1, len(waiting)))
        self.demos = demos
        self.needs = course, seed, sandbox
        self.worker: Worker | None = None
        self.pool: ProcessPoolExecutor | None = None
        self.futures: dict[Future[SubmissionResult], Task] = {}

    def __enter__(self) -> Judges:
        if self.jobs == 1 and self.waiting:
            self.worker = Worker(*self.needs)
        elif self.waiting:
            self._hire()
        return self

    def _hire(self) -> None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        # a fork shares what is imported already; it must not copy a process with threads
        forks = sys.platform == "linux" and threading.active_count() == 1
        context = get_context("fork" if forks else "spawn")
        self.pool = ProcessPoolExecutor(self.jobs, context, _start, self.needs)
        self.futures = {
            self.pool.submit(_grade_one, task, key, self.demos): task for task, key in self.waiting.items()
        }

    def __exit__(self, *_: object) -> None:
        if self.worker is not None:
            self.worker.close()
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[tuple[Task, SubmissionResult]]:
        if self.worker is not None:
            for task, key in self.waiting.items():
                yield task, self.worker.grade(task, key, self.demos)
            return
        for attempt in range(RETRIES + 1):
            try:
                for future in as_completed(self.futures):
                    result = future.result()
                    task = self.futures[future]
                    del self.waiting[task]
                    yield task, result
                return
            except BrokenProcessPool:
                self.__exit__()
                if attempt == RETRIES:
                    raise SandboxError(GONE.format(len(self.waiting))) from None
                self._hire()


def judge_files(
    course: Course, exercise: str, files: Sequence[Path], seed: int | None, sandbox: str = "auto"
) -> Iterator[dict[str, Any]]:
    """Judge loose files, each the code of one solution cell, after those plain cells that it needs."""
    lesson_cells = _plain_cells(course, exercise)
    sources = {path: _source(path) for path in files}
    before = {path: _needed(lesson_cells, each) for path, each in sources.items() if isinstance(each, str)}
    lean = not any("course_utils" in f"{before[path]} {sources[path]}" for path in before)
    edition = build_edition(course.build / "sandbox")
    zygote = Zygote(edition, Limits.of_course(course.root), sandbox, lean=lean)
    try:
        judge = Judge(new_seed() if seed is None else seed)
        points = float(exercises.find(exercise).points)
        judge.drawn(exercise)  # while the other process gets warm
        for path, source in sources.items():
            if isinstance(source, Exception):
                yield _unread_file(path, exercise, points, source)
                continue
            with Trial(zygote) as trial:
                trial.run("the lesson's first cells", before[path])
                judged = judge.exercise(exercise, trial, [trial.run(exercise, source)])
            result = ExerciseResult(
                exercise, f"test_{exercise}", round(points * judged.share, 2), points, judged
            )
            said = {"judged": judged.status != UNJUDGED, "text": f"{path}\n{text(judged)}"}
            yield {"file": str(path), **summary(result), **said}
    finally:
        zygote.close()


def _plain_cells(course: Course, exercise: str) -> list[str]:
    """The plain cells of the lesson up to the exercise's test; NumPy alone where no lesson is written."""
    try:
        lesson = read_lesson(course.source_notebook(exercises.topic_of(exercise)))
    except LessonError:
        return ["import numpy as np"]
    names = [cell.exercise if cell.kind == TEST else "" for cell in lesson.cells]
    end = names.index(exercise) if exercise in names else len(names)
    return [cell.source for cell in lesson.cells[:end] if cell.kind == PLAIN]


def _needed(cells: Sequence[str], source: str) -> str:
    """Leave out of some cells the imports that neither they nor ``source`` use: most of them only draw."""
    tree = ast.parse("\n".join(cells))
    others = [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    words = set(re.findall(r"\w+", source + "\n".join(ast.unparse(node) for node in others)))
    kept: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            node.names = [name for name in node.names if (name.asname or name.name).split(".")[0] in words]
            if not node.names:
                continue
        kept.append(node)
    return "\n".join(ast.unparse(node) for node in kept)


def _source(path: Path) -> str | Exception:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return error


def _unread_file(path: Path, exercise: str, points: float, error: Exception) -> dict[str, Any]:
    reason = f"could not read the file: {error}"
    return {
        "file": str(path), "exercise": exercise, "score": 0.0, "max_score": points, "passed": False,
        "misconception": None, "message": reason, "checks": [], "judged": False, "text": f"{path}: {reason}",
    }  # fmt: skip
