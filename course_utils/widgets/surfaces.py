"""Losses of two weights on which optimizers race, each with its gradient.

Every surface has the lowest value 0, works on floats and on arrays of one shape, and is scaled so that
one learning rate, about 0.07, is worth watching on all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surface:
    """A loss of two weights.

    Parameters
    ----------
    key, title : str
    watch : str
        What the learner should look for.
    loss : function of (w1, w2), giving their loss
    gradient : function of (w1, w2), giving the pair of slopes
    bounds : (low1, high1, low2, high2)
        The part that is drawn.
    start, minima : where a race starts; where the loss is 0
    noise : float
        Standard deviation of what a mini-batch adds to each slope.
    """

    key: str
    title: str
    watch: str
    loss: Callable
    gradient: Callable
    bounds: tuple[float, float, float, float]
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    noise: float = 0.0

    def grid(self, columns, rows):
        """The loss on a grid, shape (rows, columns), the lowest w2 in row 0."""
        low1, high1, low2, high2 = self.bounds
        return self.loss(*np.meshgrid(np.linspace(low1, high1, columns), np.linspace(low2, high2, rows)))


def ravine(w1, w2):
    return 0.5 * (w1**2 + 20 * w2**2)


def ravine_gradient(w1, w2):
    return w1, 20 * w2


def saddle(w1, w2):
    return 0.5 * w1**2 + 0.25 * (w2**2 - 1) ** 2


def saddle_gradient(w1, w2):
    return w1, w2 * (w2**2 - 1)


def plateau(w1, w2):
    return 1 - np.exp(-(w1**2 + w2**2) / 2)


def plateau_gradient(w1, w2):
    height = np.exp(-(w1**2 + w2**2) / 2)
    return w1 * height, w2 * height


def rosenbrock(w1, w2):
    # A tenth of Rosenbrock's function with b = 10: the usual b = 100 takes thousands of steps.
    return 0.1 * (1 - w1) ** 2 + (w2 - w1**2) ** 2


def rosenbrock_gradient(w1, w2):
    off = w2 - w1**2
    return -0.2 * (1 - w1) - 4 * w1 * off, 2 * off


def beale(w1, w2):
    # A tenth of Beale's function, so that the learning rate of the other surfaces suits it.
    return 0.1 * sum((c - w1 * (1 - w2**k)) ** 2 for k, c in _BEALE)


def beale_gradient(w1, w2):
    slope1 = slope2 = 0.0
    for k, c in _BEALE:
        off = c - w1 * (1 - w2**k)
        slope1 = slope1 - 0.2 * off * (1 - w2**k)
        slope2 = slope2 + 0.2 * off * w1 * k * w2 ** (k - 1)
    return slope1, slope2


_BEALE = ((1, 1.5), (2, 2.25), (3, 2.625))


def bowl(w1, w2):
    return 0.5 * (w1**2 + 3 * w2**2)


def bowl_gradient(w1, w2):
    return w1, 3 * w2


SURFACES = {
    surface.key: surface
    for surface in (
        Surface(
            "ravine",
            "Ravine",
            "Twenty times steeper across than along: who zigzags, who glides?",
            ravine,
            ravine_gradient,
            bounds=(-5.0, 2.0, -1.9, 1.9),
            start=(-4.2, 1.2),
            minima=((0.0, 0.0),),
        ),
        Surface(
            "saddle",
            "Saddle",
            "Flat at (0, 0), lower to both sides: who leaves the saddle first?",
            saddle,
            saddle_gradient,
            bounds=(-2.6, 1.4, -1.6, 1.6),
            start=(-2.0, 0.01),
            minima=((0.0, -1.0), (0.0, 1.0)),
        ),
        Surface(
            "plateau",
            "Plateau",
            "Almost no slope where the race starts: who moves at all?",
            plateau,
            plateau_gradient,
            bounds=(-4.0, 2.5, -2.4, 2.8),
            start=(-2.8, 1.6),
            minima=((0.0, 0.0),),
        ),
        Surface(
            "rosenbrock",
            "Rosenbrock's valley",
            "Falling into the bent valley is easy. Who gets along its floor?",
            rosenbrock,
            rosenbrock_gradient,
            bounds=(-2.0, 2.0, -1.0, 3.0),
            start=(-1.4, 2.6),
            minima=((1.0, 1.0),),
        ),
        Surface(
            "beale",
            "Beale's function",
            "Cliffs at the corners, an almost flat floor between them: who is thrown, who crawls?",
            beale,
            beale_gradient,
            bounds=(-1.0, 4.5, -1.6, 1.6),
            start=(0.8, 1.3),
            minima=((3.0, 0.5),),
        ),
        Surface(
            "noisy bowl",
            "Noisy bowl",
            "Every slope is that of a mini-batch: who comes to rest, who keeps jumping?",
            bowl,
            bowl_gradient,
            bounds=(-4.2, 1.8, -2.3, 2.3),
            start=(-3.5, 1.7),
            minima=((0.0, 0.0),),
            noise=1.5,
        ),
    )
}
