"""What was judged: plain data, kept under its key so that nothing is judged twice or lost."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.examine import Report

GRADED, UNJUDGED = "graded", "could not judge"


@dataclass(frozen=True)
class ExerciseResult:
    """The judge's word on one exercise of one submission; ``grade_id`` is that of its graded cell.

    ``in_child`` says that no judge was there: its tests are asserts that ran beside the submission's code.
    """

    exercise: str
    grade_id: str
    points: float
    max_points: float
    report: Report
    in_child: bool = False


@dataclass(frozen=True)
class SubmissionResult:
    """The judge's word on one submission.

    ``status`` is 'graded' or 'could not judge'; then ``reason`` says why, in the student's words. ``remarks``
    are things noticed about the document that cost no marks. ``key`` is a hash of all that it depends on,
    ``handed`` one of what was handed in. ``fault`` tells the instructor what went wrong in the grader.
    """

    student: str
    assignment: str
    status: str
    exercises: tuple[ExerciseResult, ...] = ()
    reason: str = ""
    remarks: tuple[str, ...] = ()
    seed: int = 0
    sandbox: str = ""
    seconds: float = 0.0
    key: str = ""
    handed: str = ""
    fault: str = ""

    @property
    def points(self) -> float:
        """What was earned."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def max_points(self) -> float:
        """What could be earned."""
        return sum(exercise.max_points for exercise in self.exercises)

    @property
    def misconceptions(self) -> tuple[str, ...]:
        """The keys of the mistakes that were named."""
        named = (exercise.report.misconception for exercise in self.exercises)
        return tuple(key for key in named if key)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SubmissionResult:
        """Build the result from what lies in a ``ResultStore``."""
        exercises = tuple(
            ExerciseResult(**{**each, "report": Report.from_dict(each["report"])})
            for each in data["exercises"]
        )
        return cls(**{**data, "exercises": exercises, "remarks": tuple(data["remarks"])})


class ResultStore:
    """Results as one JSON file each, written so that a crash leaves either the old file or the new one.

    A power cut may leave a file that cannot be read, up to ``settle``: such a result is judged again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str) -> SubmissionResult | None:
        """Return the result kept under ``key``; None if there is none or it cannot be read."""
        try:
            return SubmissionResult.from_dict(json.loads(self._path(key).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, result: SubmissionResult, documents: Mapping[str, str] | None = None) -> None:
        """Write a result under its key, and before it the documents made of it, by suffix."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in (documents or {}).items():
            self.document(result.key, suffix).write_text(content, encoding="utf-8", errors="replace")
        handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(result, default=vars))
        os.replace(name, self._path(result.key))

    def settle(self) -> None:
        """Return when all that was kept lies on the disk; once for a class, since it is waited for."""
        if hasattr(os, "sync"):
            os.sync()

    def document(self, key: str, suffix: str) -> Path:
        """Where a document made of a result waits to be published."""
        return self.folder / f"{key}{suffix}"

    def last(self, student: str, assignment: str) -> SubmissionResult | None:
        """Return the result that the gradebook holds for a student's submission, if it came from here."""
        key = self.last_key(student, assignment)
        return self.find(key) if key else None

    def last_key(self, student: str, assignment: str) -> str:
        """Return the key of that result; '' if there is none."""
        try:
            return self._pointer(student, assignment).read_text(encoding="ascii")
        except OSError:
            return ""

    def entered(self, result: SubmissionResult) -> None:
        """Remember that this result is the one in the gradebook."""
        pointer = self._pointer(result.student, result.assignment)
        pointer.parent.mkdir(parents=True, exist_ok=True)
        partial = pointer.with_suffix(".part")
        partial.write_text(result.key, encoding="ascii")
        os.replace(partial, pointer)

    def _pointer(self, student: str, assignment: str) -> Path:
        name = hashlib.sha256(f"{len(student)}/{student}/{assignment}".encode()).hexdigest()[:32]
        return self.folder / "entered" / name

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"
