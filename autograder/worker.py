"""What one judging process holds: a warm process in the sandbox, a judge, the lessons; no gradebook."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder import exercises
from autograder.course import Course
from autograder.judge import Judge, new_seed, summary
from autograder.results import UNJUDGED, ExerciseResult, SubmissionResult
from autograder.sandbox.edition import build_edition
from autograder.sandbox.host import Trial, Zygote
from autograder.sandbox.limits import Limits, SandboxError
from autograder.submission import PLAIN, TEST, Lesson, LessonError, Unjudgeable, read_lesson, read_submission
from course_utils.report_view import text

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
        self.judge = Judge(seed)
        self.lessons: dict[str, Lesson] = {}
        self.zygote = Zygote(build_edition(course.build / "sandbox"), Limits.of_course(course.root), sandbox)

    def lesson(self, assignment: str) -> Lesson:
        """Return an assignment's lesson, read once."""
        if assignment not in self.lessons:
            self.lessons[assignment] = read_lesson(self.course.source_notebook(assignment))
        return self.lessons[assignment]

    def close(self) -> None:
        """End the warm process."""
        self.zygote.close()

    def grade(self, task: Task, key: str, demos: bool) -> SubmissionResult:
        """Judge one submission; what cannot be read is recorded with its reason."""
        started = time.perf_counter()
        lesson = self.lesson(task.assignment)
        try:
            handed = read_submission(task.path, lesson)
            result = self.judge.submission(task.student, lesson, handed, self.zygote, demos=demos)
        except Unjudgeable as reason:
            result = SubmissionResult(task.student, task.assignment, UNJUDGED, reason=str(reason))
        except SandboxError:
            raise
        except Exception as error:  # a fault of the judge stops nobody else's grade
            frame = traceback.extract_tb(error.__traceback__)[-1]
            fault = f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
            result = SubmissionResult(task.student, task.assignment, UNJUDGED, reason=OUR_FAULT, fault=fault)
        seconds = round(time.perf_counter() - started, 3)
        handed_in = digest_of(task.path)
        return replace(result, key=key, handed=handed_in, sandbox=self.zygote.tier, seconds=seconds)


def judge_files(
    course: Course, exercise: str, files: Sequence[Path], seed: int | None, sandbox: str = "auto"
) -> Iterator[dict[str, Any]]:
    """Judge loose files, each the code of one solution cell; the lesson's own plain cells run before it."""
    points = float(exercises.find(exercise).points)
    judge = Judge(new_seed() if seed is None else seed)
    before = _setup_cells(course, exercise)
    zygote = Zygote(build_edition(course.build / "sandbox"), Limits.of_course(course.root), sandbox)
    try:
        for path in files:
            yield {"file": str(path), **_judge_file(path, exercise, points, judge, before, zygote)}
    finally:
        zygote.close()


def _setup_cells(course: Course, exercise: str) -> list[tuple[str, str]]:
    """The plain cells of the lesson up to the exercise's test; none where the lesson is not written yet."""
    try:
        lesson = read_lesson(course.source_notebook(exercises.topic_of(exercise)))
    except LessonError:
        return [("imports", "import numpy as np\nimport matplotlib.pyplot as plt")]
    names = [cell.exercise if cell.kind == TEST else "" for cell in lesson.cells]
    end = names.index(exercise) if exercise in names else len(names)
    return [(cell.name, cell.source) for cell in lesson.cells[:end] if cell.kind == PLAIN]


def _judge_file(
    path: Path, exercise: str, points: float, judge: Judge, before: list[tuple[str, str]], zygote: Zygote
) -> dict[str, Any]:
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"could not read the file: {error}"
        return {
            "exercise": exercise, "score": 0.0, "max_score": points, "passed": False, "misconception": None,
            "message": reason, "checks": [], "judged": False, "text": f"{path}: {reason}",
        }  # fmt: skip
    with Trial(zygote) as trial:
        for label, cell in before:
            trial.run(label, cell)
        judged = judge.exercise(exercise, trial, [trial.run(exercise, source)])
    result = ExerciseResult(exercise, f"test_{exercise}", round(points * judged.share, 2), points, judged)
    return {**summary(result), "judged": judged.status != UNJUDGED, "text": f"{path}\n{text(judged)}"}
