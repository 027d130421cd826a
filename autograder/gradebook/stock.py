"""Where nbgrader itself is at work: its release of an assignment, and ``nbgrader autograde``.

nbgrader's own scoring reads a cell's outputs and gives full marks where it finds none that it understands.
Here nothing is read from outputs: a mark is what the judge said, and where it said nothing there is no mark.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.apps import NbGraderAPI
from traitlets import Unicode
from traitlets.utils.importstring import import_item

from autograder.course import Course
from autograder.gradebook import errors
from autograder.gradebook.errors import GradebookError
from autograder.gradebook.rows import record, recorded_cells, source_cells
from autograder.gradebook.settings import inside, settings
from autograder.results import UNJUDGED, SubmissionResult
from autograder.submission import Unjudgeable, as_text, read_document, read_lesson, unread

Notebook = dict[str, Any]
Judge = Callable[[Course, str, Notebook, str], tuple[SubmissionResult, Notebook | None]]


def generate(course: Course, assignment: str, folder: Path) -> Path:
    """Write nbgrader's release of an assignment below ``folder`` and enter its cells in the gradebook."""
    config = settings(course)
    config.CourseDirectory.release_directory = inside(course, folder)
    config.CourseDirectory.db_url += f"?timeout={errors.PATIENCE:g}"
    with errors.in_words(course):
        done = NbGraderAPI(config=config).generate_assignment(assignment, force=True)
    if not done["success"]:
        log = (done["log"] or "") + (done["error"] or "")
        if "submissions associated" in log:
            raise GradebookError(_cells_changed(course, assignment))
        if "is locked" in log:
            raise errors.locked(course)
        raise GradebookError(f"nbgrader could not release {assignment}:\n{log.strip()[-2000:]}")
    return folder / assignment


def _cells_changed(course: Course, assignment: str) -> str:
    there, wanted = recorded_cells(course, assignment), source_cells(course, assignment)
    return (
        f"{assignment} has other exercises than those that were already graded "
        f"(new: {', '.join(sorted(wanted.keys() - there.keys())) or 'none'}; "
        f"gone: {', '.join(sorted(there.keys() - wanted.keys())) or 'none'}). Put the cells back, or begin "
        f"a new gradebook: move {course.gradebook_db} aside, then autograder release, then autograder grade"
    )


class JudgingExporter(NotebookExporter):
    """Puts the judge where ``nbgrader autograde`` would run a submission's cells.

    nbgrader converts each notebook twice: from submitted to autograded, which is where the judge speaks and
    the gradebook is written, then from autograded to itself, for late penalties.
    """

    judge = Unicode("", help="The function that judges, as module.name").tag(config=True)

    def from_filename(self, filename: str, resources: Any = None, **kw: Any) -> Any:
        """Return the graded notebook as text."""
        converter: Any = self.parent
        if not converter._sanitizing:
            return super().from_filename(filename, resources, **kw)
        course = Course(Path(converter.coursedir.root))
        student, assignment = resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]
        result, notebook = judge_file(course, assignment, Path(filename), student, import_item(self.judge))
        if result.reason:
            self.log.warning("%s, %s: %s: %s", student, assignment, result.status, result.reason)
        record(course, [result])
        resources["output_extension"] = self.file_extension
        resources.setdefault("outputs", {})
        lesson = read_lesson(course.source_notebook(assignment))
        return as_text(notebook or unread(lesson, result.reason)), resources


def judge_file(
    course: Course, assignment: str, path: Path, student: str, judge: Judge
) -> tuple[SubmissionResult, Notebook | None]:
    """Read what was handed in and hand it to the judge; what is no notebook is a result too."""
    try:
        document = read_document(path)
    except Unjudgeable as reason:
        return SubmissionResult(student, assignment, UNJUDGED, reason=str(reason)), None
    return judge(course, assignment, document, student)
