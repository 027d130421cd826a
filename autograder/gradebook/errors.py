"""What can go wrong with the gradebook, in the instructor's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, OperationalError

from autograder.course import Course, CourseError

PATIENCE = 10.0  # seconds to wait for another program's writing


class GradebookError(CourseError):
    """The gradebook cannot be used as it is."""


class GradebookLocked(GradebookError):
    """Another program is writing to the gradebook."""


@contextmanager
def in_words(course: Course) -> Iterator[None]:
    """Turn a database's error into one that says what to do."""
    try:
        yield
    except OperationalError as error:
        if "locked" in str(error.orig) or "busy" in str(error.orig):
            raise locked(course) from error
        raise GradebookError(
            f"cannot use the gradebook {course.gradebook_db}: {error.orig}. Is its folder writable, and is "
            "the file of this nbgrader's version? (back it up, then: nbgrader db upgrade)"
        ) from error
    except DatabaseError as error:
        raise GradebookError(
            f"{course.gradebook_db} is not a gradebook: {error.orig}. "
            "Move it aside; autograder release writes a new one"
        ) from error


def locked(course: Course) -> GradebookLocked:
    """Say that another program holds the gradebook."""
    return GradebookLocked(
        f"the gradebook {course.gradebook_db} is locked: another program has been writing to it for "
        f"{PATIENCE:g} s. Is a second grading run, nbgrader or formgrader at work? Let it end or close it, "
        "then run this again: what was judged is kept, and nothing was written to the gradebook"
    )
