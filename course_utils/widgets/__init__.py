"""Pictures that move: each is handed the learner's own functions and shows what they do."""

from course_utils import plots
from course_utils.widgets.surfaces import SURFACES

__all__ = ["optimizer_explorer"]


def optimizer_explorer(
    gradient_descent_update=None,
    momentum_update=None,
    rmsprop_update=None,
    adam_update=None,
    *,
    surface="ravine",
    **more,
):
    """Let your own updates race down a surface; unfinished or broken ones are shown as such.

    Parameters
    ----------
    gradient_descent_update, momentum_update, rmsprop_update, adam_update : function, optional
        As in their exercises.
    surface : str
        One of "ravine", "saddle", "plateau", "rosenbrock", "beale", "noisy bowl".
    more : function
        Updates of your own, under any name; the names of their arguments say what they need, and they
        return `parameters`, or a tuple of `parameters` and the states that they take, in that order.

    Returns
    -------
    widget : end a cell with it, or pass it to `display`
    """
    if surface not in SURFACES:
        raise ValueError(f"surface should be one of {', '.join(SURFACES)}, got {surface!r}")
    if not plots.in_notebook():
        return Unseen("optimizer explorer")
    from course_utils.widgets.explorer import OptimizerExplorer
    from course_utils.widgets.race import EXERCISES, Racer

    exercises = (gradient_descent_update, momentum_update, rmsprop_update, adam_update)
    named = dict(zip(EXERCISES, exercises, strict=True))
    named |= {name.removesuffix("_update").replace("_", " "): function for name, function in more.items()}
    racers = [Racer(name, function) for name, function in named.items() if function is not None]
    return OptimizerExplorer(racers, surface)


class Unseen:
    """Stands for a widget where nobody looks: in grading none is made, and no function is called."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<{self.name}: run this cell in a notebook to see it>"
