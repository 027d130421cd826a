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
    start=None,
    learning_rate=0.07,
    beta1=0.9,
    beta2=0.99,
    epsilon=1e-8,
    noise=None,
    schedule="constant",
    schedules=(),
    **more,
):
    """Let your own updates race down a surface; unfinished or broken ones are shown as such.

    When you run the cell of one of the functions again, an open explorer shows the new function.

    Parameters
    ----------
    gradient_descent_update, momentum_update, rmsprop_update, adam_update : function, optional
        As in their exercises.
    surface : str
        One of "ravine", "saddle", "plateau", "rosenbrock", "beale", "himmelblau", "noisy bowl", "network".
    start : pair of float, optional
        Where the race starts; each surface has a place of its own.
    learning_rate, beta1, beta2, epsilon : float
        Where the sliders stand; 0 <= beta < 1, and epsilon and learning_rate above 0.
    noise : float, at least 0, optional
        Standard deviation of what a mini-batch adds to each slope; each surface has its own.
    schedule : str
        "constant", "straight line to 0", "half a cosine", or the name of one of `schedules`.
    schedules : sequence of function, optional
        Your own decays of the learning rate, as in their exercises, with 10 steps an epoch.
    more : function
        Updates of your own, under any name; the names of their arguments say what they need, and they
        return `parameters`, or a tuple of `parameters` and the states that they take, in that order.

    Returns
    -------
    widget : end a cell with it, or pass it to `display`
    """
    if surface not in SURFACES:
        raise ValueError(f"surface should be one of {', '.join(SURFACES)}, got {surface!r}")
    for name, beta in (("beta1", beta1), ("beta2", beta2)):
        if not 0 <= beta < 1:
            raise ValueError(f"{name} should be at least 0 and below 1, got {beta}")
    if not plots.in_notebook():
        return Unseen("optimizer explorer")
    from course_utils.widgets.explorer import explore

    exercises = (gradient_descent_update, momentum_update, rmsprop_update, adam_update)
    values = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    if noise is not None:
        values["noise"] = noise
    return explore(exercises, more, surface, start, values, schedule, schedules)


class Unseen:
    """Stands for a widget where nobody looks: in grading none is made, and no function is called."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<{self.name}: run this cell in a notebook to see it>"
