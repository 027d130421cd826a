"""A misconception written as what it is: a wrong function whose docstring says what its author believes."""

import inspect
from collections.abc import Callable
from typing import Any

from autograder.exercises import Misconception


def exposed_by(case: str) -> Callable[[Callable[..., Any]], Misconception]:
    """Turn a wrong function into a misconception; the decorated name is its key.

    The first line of the docstring is the belief, the rest the hint.
    """

    def decorate(wrong: Callable[..., Any]) -> Misconception:
        belief, _, hint = inspect.cleandoc(wrong.__doc__ or "").partition("\n\n")
        return Misconception(wrong.__name__.replace("_", "-"), belief, wrong, case, " ".join(hint.split()))

    return decorate
