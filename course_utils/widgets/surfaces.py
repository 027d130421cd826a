"""Losses of two weights on which optimizers race, each with its gradient.

Every surface works on floats and on arrays of one shape, and is scaled so that one learning rate, about
0.07, is worth watching on all of them.  The lowest value is 0; only the network's loss stays above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

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
    start, minima : where a race starts; where the loss is lowest
    noise : float
        Standard deviation of what a mini-batch adds to each slope, unless the learner says otherwise.
    lowest : float
        The loss at the minima.
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
    lowest: float = 0.0

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


def himmelblau(w1, w2):
    # A tenth of Himmelblau's function.
    return 0.1 * ((w1**2 + w2 - 11) ** 2 + (w1 + w2**2 - 7) ** 2)


def himmelblau_gradient(w1, w2):
    off1, off2 = w1**2 + w2 - 11, w1 + w2**2 - 7
    return 0.2 * (2 * w1 * off1 + off2), 0.2 * (off1 + 2 * w2 * off2)


def bowl(w1, w2):
    return 0.5 * (w1**2 + 3 * w2**2)


def bowl_gradient(w1, w2):
    return w1, 3 * w2


@cache
def _trained():
    """One hidden unit of a network that was trained on two moons, and what all the others say.

    Returns
    -------
    X : float64, shape (2, m); Y : shape (m,)
    bias, outgoing : float, the unit's own bias and the weight that leads from it to the output
    rest : float64, shape (m,), what the output's Z gets from everybody else
    """
    from course_utils.data import load
    from course_utils.network import Network

    moons = load("moons")
    X, Y = moons.X_train[:, :80], moons.Y_train[:, :80]
    net = Network([2, 4, 1], hidden="tanh", rng=np.random.default_rng(2))
    net.train(X, Y, epochs=600, learning_rate=0.5, progress=False)
    W1, b1, W2, b2 = (net.parameters[name] for name in ("W1", "b1", "W2", "b2"))
    A1 = np.tanh(W1 @ X + b1)
    rest = (W2 @ A1 + b2)[0] - W2[0, UNIT] * A1[UNIT]
    return X, Y[0], b1[UNIT, 0], W2[0, UNIT], rest


UNIT = 1  # of the four: the one on which the network leans most


def _forward(w1, w2):
    """The hidden unit's activation and the output's Z for every example, on a last axis."""
    X, _, bias, outgoing, rest = _trained()
    A = np.tanh(np.multiply.outer(w1, X[0]) + np.multiply.outer(w2, X[1]) + bias)
    return A, rest + outgoing * A


def network(w1, w2):
    _, Y, *_ = _trained()
    _, Z = _forward(w1, w2)
    # Cross-entropy written with Z, where no logarithm of 0 can occur.
    return (np.logaddexp(0, Z) - Y * Z).mean(axis=-1)


def network_gradient(w1, w2):
    X, Y, _, outgoing, _ = _trained()
    A, Z = _forward(w1, w2)
    dZ1 = (0.5 * (1 + np.tanh(Z / 2)) - Y) * outgoing * (1 - A**2)
    return (dZ1 * X[0]).mean(axis=-1), (dZ1 * X[1]).mean(axis=-1)


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
            "himmelblau",
            "Himmelblau's function",
            "Four minima, all equally deep, and a start between them: who ends where?",
            himmelblau,
            himmelblau_gradient,
            bounds=(-5.2, 5.2, -4.6, 4.6),
            start=(-0.1, -0.6),
            minima=(
                (3.0, 2.0),
                (-2.805118086952745, 3.131312518250573),
                (-3.779310253377747, -3.283185991286170),
                (3.584428340330492, -1.848126526964404),
            ),
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
        Surface(
            "network",
            "Two weights of a network",
            "A real network on two moons; two weights of one hidden unit move, all others stand still. "
            "Who gets off its plateau?",
            network,
            network_gradient,
            bounds=(-5.0, 6.0, -5.0, 4.0),
            start=(-2.0, -3.0),
            minima=((2.69863, -0.53634),),
            lowest=0.111747,
        ),
    )
}
