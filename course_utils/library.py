"""Functions that travel by name: what an exercise is handed where it asks for a function.

A function cannot cross a process border as data, so a call names it, with its options, and it is built where
it is needed. Whoever runs a learner's code can see this file: nothing in it is an answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np


def polynomial(coefficients):
    """x -> c0 + c1 x + c2 x^2 + ..."""
    return lambda x: sum(c * x**power for power, c in enumerate(coefficients))


def wave(frequency, phase=0.0):
    """x -> sin(frequency x + phase)."""
    return lambda x: np.sin(frequency * x + phase)


def growth(rate):
    """x -> exp(rate x)."""
    return lambda x: np.exp(rate * x)


def bowl(curvatures, centre):
    """theta -> sum of curvatures (theta - centre)^2 / 2, for vectors of one shape."""
    return lambda theta: float(np.sum(np.asarray(curvatures) * (theta - np.asarray(centre)) ** 2) / 2)


def waves(amplitudes):
    """theta -> sum of amplitudes sin(theta) + product of neighbours: a cost with mixed derivatives."""
    return lambda theta: float(np.sum(amplitudes * np.sin(theta)) + np.sum(theta[1:] * theta[:-1]))


def bowl_of_parameters(centre):
    """parameters -> half the squared distance to ``centre``, a dict of the same names and shapes."""
    return lambda parameters: float(
        sum(np.sum((parameters[name] - centre[name]) ** 2) for name in centre) / 2
    )


def ripples(frequency):
    """A vector, or a dict of arrays -> sum of sin(frequency * entry) over all entries."""

    def cost(given):
        arrays = given.values() if isinstance(given, dict) else [given]
        return float(sum(np.sum(np.sin(frequency * array)) for array in arrays))

    return cost


def bent_bowl_of_parameters(centre, bend=0.0, coupling=0.0, scale=1.0, without=()):
    """parameters -> a bowl around ``centre`` with a cubic term and one that couples all entries.

    Names in ``without`` play no part. Of small multiples of a power of two nothing is rounded.
    """

    def cost(parameters):
        squares = cubes = total = 0.0
        for name in centre:
            if name not in without:
                apart = parameters[name] - centre[name]
                squares += np.vdot(apart, apart)
                cubes += np.vdot(apart, apart * apart)
                total += apart.sum()
        return float(scale * (squares / 2 + bend * cubes + coupling * total**2 / 2))

    return cost


def activation(name):
    """Elementwise tanh, relu, sigmoid, leaky or identity."""
    return {
        "tanh": np.tanh,
        "relu": lambda Z: np.maximum(Z, 0.0),
        "sigmoid": lambda Z: 0.5 * (1 + np.tanh(Z / 2)),
        "leaky": lambda Z: np.where(Z > 0, Z, 0.1 * Z),
        "identity": lambda Z: Z + 0.0,
    }[name]


def uniform(low, high):
    """rng -> one draw, evenly in [low, high)."""
    return lambda rng: float(rng.uniform(low, high))


def one_of(values):
    """rng -> one of some values."""
    return lambda rng: values[int(rng.integers(len(values)))]


def score_of(weights, nan_above=None):
    """settings -> sum of weights |value|, NaN where it passes ``nan_above``."""

    def score(settings):
        total = float(sum(weight * abs(settings[name]) for name, weight in weights.items()))
        return float("nan") if nan_above is not None and total > nan_above else total

    return score


def table_of_scores(scores, gain=0.0):
    """(candidate, budget) -> its score from a list, less ``gain[candidate]`` for each unit of budget."""
    return lambda candidate, budget: scores[candidate] - (gain[candidate] * budget if gain else 0.0)


def turns():
    """rng -> 0.0, 1.0, 2.0, ...: how often it was asked before."""
    count = itertools.count()
    return lambda rng: float(next(count))


def scores_in_turn(scores):
    """settings -> the next of some scores, whatever the settings; past the last one ever lower."""
    finite = [score for score in scores if score == score]
    answers = itertools.chain(scores, itertools.count(min(finite) - 1.0, -1.0))
    return lambda settings: next(answers)


def race(laps, budget, eta):
    """(candidate, budget) -> its score in its own next lap; the last lap's is kept from then on.

    ``laps`` lists for each lap the scores of all candidates; a candidate is its number, or a dict that holds
    it as "number". Who comes with another budget than that of the lap gets a score that means nothing.
    """
    run, first = dict.fromkeys(range(len(laps[0])), 0), budget

    def score(candidate, budget):
        number = candidate["number"] if isinstance(candidate, dict) else candidate
        lap = run[number]
        run[number] += 1
        if abs(budget - first * eta**lap) > 1e-6 * budget:
            return float((number + 3) * 7919 * round(100 * budget) % 1009)
        return laps[min(lap, len(laps) - 1)][number]

    return score


LIBRARY: dict[str, Callable[..., Any]] = {
    made.__name__: made
    for made in (
        polynomial,
        wave,
        growth,
        bowl,
        waves,
        bowl_of_parameters,
        ripples,
        bent_bowl_of_parameters,
        activation,
        uniform,
        one_of,
        score_of,
        table_of_scores,
        turns,
        scores_in_turn,
        race,
    )
}


def build(name: str, options: dict[str, Any]) -> Callable[..., Any]:
    """Return the function of that name; ``ValueError`` where there is none."""
    if name not in LIBRARY:
        raise ValueError(f"no function {name!r} in the library; there are {', '.join(LIBRARY)}")
    return LIBRARY[name](**options)
