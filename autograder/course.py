"""Where the parts of a course lie: sources in ``notebooks/``, all that is made from them in ``build/``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class CourseError(RuntimeError):
    """Something about the course's folders; the message is for the instructor."""


@dataclass(frozen=True)
class Course:
    """A course is a folder with ``nbgrader_config.py`` and ``notebooks/`` in it."""

    root: Path

    @classmethod
    def find(cls) -> Course:
        """Return the course named by $COURSE_ROOT, else the one that the working directory is in."""
        named = os.environ.get("COURSE_ROOT")
        start = Path(named or ".").resolve()
        for folder in [start] if named else [start, *start.parents]:
            if (folder / "nbgrader_config.py").is_file() and (folder / "notebooks").is_dir():
                return cls(folder)
        where = f"$COURSE_ROOT is {named}, which" if named else f"{start}, with the folders above it,"
        raise CourseError(
            f"no course here: {where} holds no nbgrader_config.py beside notebooks/. "
            "Change into the course's folder, or name it: autograder --course FOLDER ..."
        )

    def assignments(self) -> list[str]:
        """List the assignments: each a folder that holds a notebook of its own name."""
        return sorted(path.stem for path in self.source.glob("*/*.ipynb") if path.stem == path.parent.name)

    def source_notebook(self, assignment: str) -> Path:
        """The instructor's notebook of an assignment."""
        return self.source / assignment / f"{assignment}.ipynb"

    def submitted_folder(self, student: str, assignment: str) -> Path:
        """What a student handed in."""
        return self.submitted / student / assignment

    def graded_notebook(self, student: str, assignment: str) -> Path:
        """A student's notebook with the judge's outputs."""
        return self.autograded / student / assignment / f"{assignment}.ipynb"

    def feedback_page(self, student: str, assignment: str) -> Path:
        """What goes back to a student."""
        return self.feedback / student / assignment / f"{assignment}.html"

    @property
    def source(self) -> Path:
        """The instructor's notebooks."""
        return self.root / "notebooks"

    @property
    def build(self) -> Path:
        """All that is made."""
        return self.root / "build"

    @property
    def release_dir(self) -> Path:
        """nbgrader's release: one folder an assignment."""
        return self.build / "release"

    @property
    def student_dir(self) -> Path:
        """The student edition."""
        return self.build / "student"

    @property
    def student_zip(self) -> Path:
        """The student edition as one file."""
        return self.build / "student.zip"

    @property
    def submitted(self) -> Path:
        """What was handed in: STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb."""
        return self.build / "submitted"

    @property
    def autograded(self) -> Path:
        """What was handed in, with the judge's outputs; laid out as ``submitted``."""
        return self.build / "autograded"

    @property
    def feedback(self) -> Path:
        """Pages for students; laid out as ``submitted``."""
        return self.build / "feedback"

    @property
    def gradebook_db(self) -> Path:
        """nbgrader's gradebook."""
        return self.build / "gradebook.db"

    @property
    def results_dir(self) -> Path:
        """The judge's results, one file each."""
        return self.build / "results"
