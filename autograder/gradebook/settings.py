"""nbgrader's settings of a course."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from pathlib import Path

from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder.course import Course

STUB = "raise NotImplementedError"


def settings(course: Course) -> Config:
    """Return nbgrader's configuration of a course."""
    find_programs()
    # nbgrader's own way of adding a submission; the rows are right, the warnings fill a screen
    warnings.filterwarnings("ignore", message="Object of type <Submitted", category=SAWarning)
    course.build.mkdir(exist_ok=True)
    return Config(
        {
            "CourseDirectory": {
                "root": str(course.root),
                "course_id": "improving-deep-networks",
                "source_directory": inside(course, course.source),
                "release_directory": inside(course, course.release_dir),
                "submitted_directory": inside(course, course.submitted),
                "autograded_directory": inside(course, course.autograded),
                "feedback_directory": inside(course, course.feedback),
                "db_url": f"sqlite:///{course.gradebook_db}",
            },
            "ClearSolutions": {"code_stub": {"python": STUB}},
            # What a student handed in goes from the file to the judge: none of nbgrader's steps touches it,
            # and none of its cells is run here.
            "Autograde": {
                "exporter_class": "autograder.gradebook.stock.JudgingExporter",
                "sanitize_preprocessors": [],
                "autograde_preprocessors": ["nbgrader.preprocessors.AssignLatePenalties"],
            },
        }
    )


def inside(course: Course, folder: Path) -> str:
    """Return a folder as seen from the course's."""
    return os.path.relpath(folder, course.root)


def find_programs() -> None:
    """nbgrader starts ``alembic`` by name: let it find the one of this environment."""
    if shutil.which("alembic") is None:
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
