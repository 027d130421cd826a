"""First weights: their form, spread, shape and independence."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.calls import Call, Observation
from course_utils.compare import differences
from course_utils.examine import Finding
from course_utils.properties.chance import CHANCE, allowed, pairs

SPREADS = {  # variances that are taken by mistake, from inputs i, units o and the variance v asked for
    "its square": lambda i, o, v, first: v**2,
    "its root": lambda i, o, v, first: math.sqrt(v),
    "upside down": lambda i, o, v, first: 1 / v,
    "as the first layer": lambda i, o, v, first: first,
    "one for all": lambda i, o, v, first: 1.0,
    "a hundredth for all": lambda i, o, v, first: 1e-4,
    "a tenth for all": lambda i, o, v, first: 1e-2,
    "a hundredth of it": lambda i, o, v, first: 1e-4 * v,
    "a third": lambda i, o, v, first: v / 3,
    "half": lambda i, o, v, first: v / 2,
    "thrice": lambda i, o, v, first: v * 3,
    "by its inputs": lambda i, o, v, first: v / i,
    "twice": lambda i, o, v, first: v * 2,
    "one by inputs": lambda i, o, v, first: 1 / i,
    "one by units": lambda i, o, v, first: 1 / o,
    "two by inputs": lambda i, o, v, first: 2 / i,
    "two by units": lambda i, o, v, first: 2 / o,
    "two by both": lambda i, o, v, first: 2 / (i + o),
    "four by inputs": lambda i, o, v, first: 4 / i,
    "two by inputs squared": lambda i, o, v, first: 2 / i**2,
    "two by inputs, plus units": lambda i, o, v, first: 2 / i + o,
    "one by entries": lambda i, o, v, first: 1 / (i * o),
}


def square_sum_allowed(total: float, k: int) -> bool:
    """Tell whether chance allows this sum of squares of k standard normal numbers.

    The bounds are those of Laurent and Massart, Annals of Statistics 28 (2000), lemma 1.
    """
    x = -math.log(CHANCE / 2)
    return bool(k - 2 * math.sqrt(k * x) <= total <= k + 2 * math.sqrt(k * x) + 2 * x)


def parameters_have_form(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """A dict of W1, b1, ..., WL, bL with the shapes that layer_dims asks for, every b zero."""
    return list(filter(None, map(_form_off, calls, observations)))[:1]


def _form_off(call: Call, seen: Observation, names: str = "Wb") -> Finding | None:
    sizes = [int(n) for n in call.arguments["layer_dims"]]
    asked = {}
    for layer, (n_prev, n) in enumerate(itertools.pairwise(sizes), start=1):
        asked |= {f"W{layer}": np.zeros((n, n_prev)), f"b{layer}": np.zeros((n, 1))}
    given = seen.value
    narrow = [name for name, array in given.items() if _is_narrow(array)] if isinstance(given, dict) else []
    if narrow and given.keys() == asked.keys():
        problem = f"{narrow[0]} holds {given[narrow[0]].dtype}; arrays of this course hold float64"
        return Finding("form:narrow", problem, ask="Where did half of the digits go?")
    if isinstance(given, dict) and given.keys() == asked.keys():
        open_questions = [
            name for name, W in asked.items() if not _is_weights(given[name], W) or name[0] == "b"
        ]
        given, asked = ({name: each[name] for name in open_questions} for each in (given, asked))
    off = differences(given, asked)
    keys = [d for d in off if d.where == "the result"]
    if keys:
        code = "+".join(d.kind for d in keys)
        return Finding(f"form:keys:{code}", keys[0].problem, keys[0].saw, keys[0].expected)
    for d in off:
        letter = d.where.partition("['")[2][:1]
        if letter not in names or (letter == "W" and d.kind == "value"):
            continue
        detail = next((w for w in ("swapped", "axis was lost", "no entry agrees") if w in d.problem), "")
        return Finding(f"form:{letter}:{d.kind}:{detail}", d.problem, d.saw, d.expected)
    return None


def _is_narrow(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.dtype in (np.float16, np.float32)


def _is_weights(given: Any, asked: np.ndarray) -> bool:
    """Tell whether this is an array of finite numbers of the shape that is asked for."""
    is_array = isinstance(given, np.ndarray) and given.shape == asked.shape and given.dtype.kind in "fiu"
    return is_array and bool(np.isfinite(given).all())


def _drawn_weights(
    calls: Sequence[Call], observations: Sequence[Observation]
) -> list[list[tuple[str, np.ndarray, float]]]:
    """Return for each call (name, W, standard deviation asked for), layer by layer."""
    drawn = []
    for call, seen in zip(calls, observations, strict=True):
        asked = np.asarray(call.aid["deviations"]).tolist()
        weights = [np.asarray(seen.value[f"W{layer}"], float) for layer in range(1, len(asked) + 1)]
        drawn.append([(f"W{i}", W, s) for i, (W, s) in enumerate(zip(weights, asked, strict=True), start=1)])
    return drawn


def _weights_misshapen(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    found = (_form_off(call, seen, names="W") for call, seen in zip(calls, observations, strict=True))
    return list(filter(None, found))[:1]


def _fits(W: np.ndarray, deviation: float) -> bool:
    if deviation == 0:
        return not W.any()
    return square_sum_allowed(float(np.sum((W / deviation) ** 2)), W.size)


def weights_spread(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """The weights of each layer have the standard deviation that is asked for, as far as chance allows."""
    misshapen = _weights_misshapen(calls, observations)
    if misshapen:
        return misshapen
    layers = [(name, W, s, of[0][2]) for of in _drawn_weights(calls, observations) for name, W, s in of]
    off = [(name, W, s) for name, W, s, _ in layers if not _fits(_once(W), s)]
    if not off:
        forced = [name for name, W, s, _ in layers if s and W.size > 1 and _forced(W, s)]
        problem = "the weights were stretched after they were drawn, so that their spread is no longer random"
        return [Finding("spread:forced", problem, f"{forced[0]} to 13 digits")] if forced else []
    name, W, s = off[0]
    measured, x = math.sqrt(np.mean(W**2)), -math.log(CHANCE / 2) / W.size
    low, high = max(0, 1 - 2 * math.sqrt(x)) ** 0.5 * s, (1 + 2 * math.sqrt(x) + 2 * x) ** 0.5 * s
    n, n_prev = W.shape
    saw = f"{name}, {n} units with {n_prev} inputs: root mean square {measured:.3g}"
    expected = f"a value that chance allows, {low:.3g} to {high:.3g}"
    problem = f"the weights {name} spread too {'widely' if measured > s else 'little'}"
    if not W.any():
        problem = f"the weights {name} are all 0"
    return [Finding(f"spread:{_spread_taken(layers)}", problem, saw, expected)]


def _once(W: np.ndarray) -> np.ndarray:
    """Leave out rows or columns that only repeat: that is one mistake, weights_are_independent names it."""
    rows, columns = (W == W[:1]).all(), (W == W[:, :1]).all()
    return W if rows == columns else W[:1] if rows else W[:, :1]


def _forced(W: np.ndarray, deviation: float) -> bool:
    return any(abs(spread / deviation - 1) < 1e-13 for spread in (W.std(), np.sqrt(np.mean(W**2))))


def _spread_taken(layers: Sequence[tuple[str, np.ndarray, float, float]]) -> str:
    """Name the wrong variance that explains all layers best."""
    if not any(W.any() for _, W, *_ in layers):
        return "nothing"
    best, least = "other", math.inf
    for name, variance in SPREADS.items():
        taken = [(W, variance(*W.shape[::-1], s**2, first**2)) for _, W, s, first in layers if s]
        if all(_fits(W, math.sqrt(v)) for W, v in taken):
            ratios = [(W.size, np.mean(W**2) / v) for W, v in taken]
            misfit = sum(k * (r - 1 - math.log(r)) for k, r in ratios)
            if misfit < least - 1e-9:
                best, least = name, misfit
    return best


def _standardised(W: np.ndarray, deviation: float) -> np.ndarray:
    """Divide by the deviation asked for or, where it was not met (judged elsewhere), by their own."""
    return W / deviation if _fits(W, deviation) else W / (np.sqrt(np.mean(W**2)) or 1)


BINS = [(0, 0.1), (0, 0.3), (0, 0.674), (0, 1), (1.5, 99), (1.8, 99), (2.3, 99), (3.1, 99), (4, 99)]


def weights_are_normal(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Whatever their spread: the weights lie around 0 as normal numbers do, all layers taken together."""
    misshapen = _weights_misshapen(calls, observations)
    if misshapen:
        return misshapen
    layers = [layer for of in _drawn_weights(calls, observations) for layer in of if layer[2]]
    z = np.concatenate([_standardised(_once(W), s).ravel() for _, W, s in layers])
    k, sizes = z.size, np.abs(z)
    expected = "half of them above 0, 68 % within one standard deviation, 95 % within two"
    within = [f"{np.mean(sizes < limit):.0%} within {limit}" for limit in (1, 2)]
    saw = f"{np.mean(z > 0):.0%} above 0, {' and '.join(within)} standard deviations"
    ask = "Which method of rng draws from a normal distribution?"
    code = problem = ""
    if np.unique(sizes).size < 0.99 * k:
        code, problem = "few values", "the same weights come back again and again"
    elif z.min() >= 0 or z.max() <= 0:
        code, problem = "one sign", "all weights have one sign"
    elif abs(z.sum()) > 7 * math.sqrt(k) or not allowed(int((z > 0).sum()), k, 0.5):
        code, problem = "not around 0", "the weights do not lie around 0"
    elif not all(_share_allowed(sizes, *between) for between in BINS):
        far = float(np.quantile(sizes, 0.995))
        code, problem = "other", "the weights are not distributed as normal numbers are"
        if far < 1.85:
            code, problem = "uniform", "the weights fill an interval evenly, up to a sharp border"
        elif far < 2.5 or sizes.max() < 3.1:
            code, problem = "cut", "the tails are missing: large weights do not occur"
    return [Finding(f"normal:{code}", problem, saw, expected, ask)] if code else []


def _share_allowed(sizes: np.ndarray, low: float, high: float) -> bool:
    share = math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))
    return allowed(int(((sizes >= low) & (sizes < high)).sum()), sizes.size, share)


def weights_are_independent(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """No weight says anything about another: in rows and columns, from layer to layer, from call to call."""
    misshapen = _weights_misshapen(calls, observations)
    if misshapen:
        return misshapen
    layers = _drawn_weights(calls, observations)
    # weights that are all 0 have the wrong spread, which is said elsewhere
    drawn = [[_standardised(W, s) for _, W, s in of if s and W.any()] for of in layers]
    for k, weights in enumerate(drawn):
        for W in weights:
            once = _once(W)
            if once.size < W.size:
                return [_related_weights("rows" if len(once) < len(W) else "columns")]
            for direction, lines in (("columns", W), ("rows", W.T)):
                for lag in {1, 2, 3, lines.shape[1] // 2} - {0}:
                    if not _unrelated(*pairs(lines, lag)):
                        return [_related_weights(direction)]
                lengths = np.sqrt(np.sum(lines**2, axis=0))
                if min(lines.shape) > 2 and np.ptp(lengths) <= 1e-9 * lengths.max():
                    return [_related_weights("lengths")]
            upper = np.triu_indices(min(W.shape), 1)
            if not _unrelated(W[upper], W.T[upper]):
                return [_related_weights("mirror")]
        if any(not _unrelated_layers(V, W) for V, W in itertools.combinations(weights, 2)):
            return [_related_weights("layers")]
        for other in drawn[k + 1 :]:
            if any(V.shape == W.shape and not _unrelated(V, W) for V, W in zip(weights, other, strict=False)):
                return [_related_weights("calls")]
    return []


def _unrelated_layers(V: np.ndarray, W: np.ndarray) -> bool:
    rows, columns, k = *map(min, V.shape, W.shape), min(V.size, W.size)
    return _unrelated(V.ravel()[:k], W.ravel()[:k]) and _unrelated(V[:rows, :columns], W[:rows, :columns])


def _unrelated(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether sums and differences of two sets of standard normal numbers spread as they must."""
    return all(square_sum_allowed(float(np.sum(z**2)) / 2, z.size) for z in (one + other, one - other))


def _related_weights(code: str) -> Finding:
    problem = {
        "columns": "the columns of a W tell something about each other",
        "rows": "the units of a layer tell something about each other: their rows are alike",
        "lengths": "all rows or all columns of a W have one length: chance does not do that",
        "mirror": "a W is a mirror image of itself",
        "layers": "the weights of one layer tell something about those of another",
        "calls": "the weights of one call tell something about those of the next",
    }[code]
    ask = "How many numbers does your function draw from rng, and how many weights are there?"
    return Finding(f"related:{code}", problem, expected="every weight drawn on its own", ask=ask)


def parameters_hold_floats(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Parameters have their form, and training can write fractions into them."""
    for seen in observations:
        arrays = seen.value.items() if isinstance(seen.value, dict) else ()
        for name, array in arrays:
            if isinstance(array, np.ndarray) and array.dtype.kind != "f":
                problem = f"{name} holds numbers of type {array.dtype}, not float64"
                return parameters_have_form(calls, observations) or [Finding("zeros:not floats", problem)]
    return parameters_have_form(calls, observations)
