"""The gradebook: nbgrader's tables, its settings, its release, and the way its commands take.

The only room that knows nbgrader. Its tables are read and written here without importing it, which takes
seconds; `stock` imports it, where one of its own commands is needed.
"""

from autograder.gradebook.errors import GradebookError, GradebookLocked
from autograder.gradebook.rows import Mark, Score, prepare, record, scores
from autograder.gradebook.settings import settings

__all__ = ["GradebookError", "GradebookLocked", "Mark", "Score", "prepare", "record", "scores", "settings"]
