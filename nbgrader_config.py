"""nbgrader's settings: sources in notebooks/, all that is made from them in build/, and a judge of our own.

Read by every nbgrader command and by formgrader when they are started in this folder.
"""

from pathlib import Path

from autograder.course import Course
from autograder.gradebook import settings

c = get_config()  # noqa: F821 - nbgrader hands it in
c.merge(settings(Course(Path(__file__).resolve().parent)))

# Who judges: nbgrader's commands and formgrader's button get the same word as `autograder grade`.
c.JudgingExporter.judge = "autograder.grade.judge_notebook"
