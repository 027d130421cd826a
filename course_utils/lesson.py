"""What the demo cells of a lesson share: they stay calm while a function is unfinished.

A demo shows the learner's own functions at work, so it cannot run before they are written::

    with demo(momentum_update):
        path = walk(momentum_update, steps=60)
        with figure(alt="...") as ax:
            plot_paths(ax, ravine, {"momentum": path}, bounds)

Where something in the block goes wrong the cell says in a sentence which function it waits for, shows no
traceback, and lets the next cell run.
"""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from course_utils.calls import learners_line


class demo:
    """A block that shows functions of the learner's; an error in it becomes a note.

    Parameters
    ----------
    *functions : functions
        Those that the block shows; the note names the one that is to be written or repaired.
    """

    def __init__(self, *functions: Callable[..., Any]) -> None:
        self.names = [getattr(function, "__name__", str(function)) for function in functions]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):  # nothing went wrong, or somebody interrupted
            return False
        _say(note(self.names, error))
        return True


def note(names: list[str], error: Exception) -> str:
    """Say which of the named functions an error waits for, and what to do about it.

    Parameters
    ----------
    names : names of the functions that were shown
    error : what was raised, with its traceback
    """
    called = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    culprit = next((name for name in reversed(called) if name in names), "")
    if isinstance(error, NotImplementedError):
        return f"This cell waits for {culprit or _listed(names)}: not written yet. Run it again once it is."
    line = learners_line(error) if culprit else ""
    where = f" ({line})" if line else ""
    said = f"{type(error).__name__}: {error}".rstrip(":. ")[:300]
    if culprit:
        return f"This cell shows {culprit}, which stopped with {said}{where}. Its check says more."
    hint = "Does each end with a return?" if "None" in said else "What do the checks say?"
    return f"This cell shows {_listed(names)} and could not go on: {said}. {hint}"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "functions above"


def _say(text: str) -> None:
    """Show a note in the notebook; print it elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        print(text)
        return
    border = "border-left: 4px solid var(--jp-border-color1, #9aa0ac); padding: 0.4em 0.8em"
    quiet = "color: var(--jp-ui-font-color2, #545b6b)"
    page = f'<p role="note" style="{border}; {quiet}">{html.escape(text)}</p>'
    display({"text/html": page, "text/plain": text}, raw=True)
