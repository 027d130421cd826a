"""What must hold of a result that was drawn at random: judged without knowing which numbers were drawn.

A verifier takes the calls of one check and what was observed, and returns what is wrong: `Finding`s, one
mistake one code. It judges only what a function gave back, so any valid way of drawing passes. Every count
that is judged has, for a right function, a binomial distribution, whose tails are summed exactly: a right
function fails one of these bounds less than once in 1e11 tries (`CHANCE`).

Verifiers
    fresh_draws           equal generators, equal results; the next call, a new one
    same_each_time        equal calls, equal results: chance has no part in it
    mask_fits_result      dropout: a boolean mask, and a result that is 0 where it is False
    kept_is_scaled        dropout: what is kept, and by which factor
    kept_share            dropout: how many are kept, whatever their value
    entries_independent   dropout: no entry of the mask says anything about another
    layer_masks           a network's masks: shapes, shares and independence, layer by layer
    output_follows_masks  a network's output, looked up among all outputs that a tiny network can have
    every_example_once    mini-batches: sizes, and that the batches together hold each example once
    labels_follow_examples  mini-batches: X and Y were permuted alike
    examples_are_mixed    mini-batches: nothing is left of the old order
    order_follows_rng     mini-batches: the order comes from the generator that was handed in
    parts_hold_all        splits: three arrays of integers that hold every index once
    parts_have_their_sizes  splits: how many indices each part holds
    parts_are_random      splits: any index may be anywhere
    parents_come_first    graphs: an order in which each node comes after its parents
    parameters_have_form  first weights: keys, shapes, and every b zero
    weights_spread        first weights: the standard deviation of each layer
    weights_are_normal    first weights: around 0, and in the shape of a bell
    weights_are_independent  first weights: nothing related along rows, columns, layers and calls
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from course_utils.calls import Call, Observation
from course_utils.compare import agree, differences, kind_in_words, listed, same, show
from course_utils.examine import Finding
from course_utils.plain import Draws

CHANCE = 1e-11


# --- what chance allows ----------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def binomial_range(n: int, p: float, chance: float = CHANCE) -> tuple[int, int]:
    """Return the smallest and the largest count of n independent tries that chance allows.

    Each of the two tails beyond them holds at most ``chance / 2``; p is the probability of one success.
    """
    if p <= 0 or p >= 1 or n == 0:
        return (n, n) if p >= 1 else (0, 0)
    k = np.arange(n + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((n - k[:-1]) / k[1:]))])
    pmf = np.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))
    at_most, at_least = np.cumsum(pmf), np.cumsum(pmf[::-1])[::-1]
    return int(np.argmax(at_most > chance / 2)), n - int(np.argmax(at_least[::-1] > chance / 2))


def allowed(count: int, n: int, p: float) -> bool:
    """Tell whether chance allows this count of n tries."""
    low, high = binomial_range(int(n), float(p))
    return bool(low <= count <= high)


@lru_cache(maxsize=1024)
def _near_the_mean(n: int, p: float) -> float:
    """The probability that a count of n tries lies within one of n p."""
    k = np.arange(n + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((n - k[:-1]) / k[1:]))])
    pmf = np.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))
    return float(pmf[np.abs(k - n * p) <= 1].sum())


def _too_even(counts: np.ndarray, n: int, p: float) -> bool:
    """Tell whether more counts lie within one of n p than chance allows: somebody has counted."""
    if not 0 < p < 1:
        return False
    near = int((np.abs(counts - n * p) <= 1).sum())
    return near > binomial_range(counts.size, _near_the_mean(int(n), float(p)))[1]


def _pairs(mask: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Pair column j with column j + lag, no column twice."""
    columns = np.arange(mask.shape[1] // (2 * lag) * 2 * lag).reshape(-1, 2, lag)
    return mask[:, columns[:, 0].ravel()], mask[:, columns[:, 1].ravel()]


# --- functions of chance in general ----------------------------------------------------------------------


def fresh_draws(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check that generators in one state give one result, and a second call with the same one a new result.

    The calls differ in their generator only, and are so large that no two results are equal by chance.
    """
    results: dict[tuple[int, int], tuple[Any, str]] = {}
    used: dict[Draws, int] = {}
    for call, seen in zip(calls, observations, strict=True):
        draws = next(value for value in call.arguments.values() if isinstance(value, Draws))
        state = (draws.seed, used.get(draws, 0))
        used[draws] = state[1] + 1
        value, name = results.setdefault(state, (seen.value, draws.name))
        if name != draws.name and not same(seen.value, value):
            return [
                Finding(
                    "repeat:differs",
                    "two generators in the same state gave two different results",
                    f"results that differ, from two generators made by default_rng({draws.seed})",
                    "the same result twice: the generator is the only source of chance",
                    "Where do your random numbers come from? Every one must be drawn from rng.",
                )
            ]
    for (seed, turn), (value, _) in results.items():
        if any(same(value, results[seed, earlier][0]) for earlier in range(turn)):
            return [
                Finding(
                    "renew:same",
                    "a later call with the same generator gave an earlier result again",
                    "the same result twice",
                    "a new one: the generator has moved on since",
                    "What makes your draw the same each time? Draw from the rng that is handed in, and make"
                    " no generator of your own.",
                )
            ]
    return []


def same_each_time(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check that equal calls gave equal results, as they must where no generator is handed in."""
    if all(same(seen.value, observations[0].value) for seen in observations[1:]):
        return []
    return [
        Finding(
            "repeat:differs",
            "equal questions got different answers",
            "two results that differ, from equal arguments",
            "one answer, whenever it is asked for",
            "Where does chance come in? Nothing here needs a random number.",
        )
    ]


# --- dropout: one layer ----------------------------------------------------------------------------------


def _tolerance(*arrays: Any) -> float:
    return 1e-4 if any(np.asarray(a).dtype in (np.float16, np.float32) for a in arrays) else 1e-7


def _opened(seen: Observation) -> tuple[Any, Any] | None:
    """Return (A_dropped, mask), the mask made boolean; None where there is no pair of arrays."""
    value = seen.value
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return None
    A_dropped, mask = value
    if (
        not isinstance(A_dropped, np.ndarray)
        or not isinstance(mask, np.ndarray)
        or mask.dtype.kind not in "biuf"
    ):
        return None
    return (mask, A_dropped.astype(bool)) if A_dropped.dtype == bool else (A_dropped, mask.astype(bool))


def _no_pair(seen: Observation) -> list[Finding]:
    return [
        Finding(
            "return:no pair",
            "the result should be a pair of arrays: the activations after dropout, and the mask",
            kind_in_words(seen.value),
            "a tuple (A_dropped, mask)",
            "Does your function end with `return A_dropped, mask`?",
        )
    ]


def mask_fits_result(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check that the result is 0 where the boolean mask is False, and kept where it is True."""
    for call, seen in zip(calls, observations, strict=True):
        found = _mask_fits(np.asarray(call.arguments["A"]), seen)
        if found:
            return [found]
    return []


def _mask_fits(A: np.ndarray, seen: Observation) -> Finding | None:
    opened = _opened(seen)
    if opened is None:
        return _no_pair(seen)[0]
    A_dropped, given = seen.value
    if A_dropped.dtype == bool:
        return Finding(
            "return:swapped",
            "the mask and the activations come in the wrong order",
            "(mask, A_dropped)",
            "(A_dropped, mask)",
            "Which of the two does the docstring name first?",
        )
    asked = f"shape {A.shape}, as A has"
    if A_dropped.shape != A.shape:
        problem = "the activations changed their shape"
        return Finding("result:shape", problem, f"A_dropped of shape {A_dropped.shape}", asked)
    if given.shape != A.shape:
        problem = "the mask does not have the shape of A"
        ask = "How many decisions do you draw, and how many entries has A?"
        return Finding("mask:shape", problem, f"a mask of shape {given.shape}", asked, ask)
    if given.dtype != bool:
        scaled = not np.isin(given, (0, 1)).all()
        return Finding(
            "mask:scaled" if scaled else "mask:numbers",
            "the mask holds numbers, not True and False",
            f"entries such as {show(given.ravel()[0])}, of type {given.dtype}",
            "True where an entry is kept, False where it is not",
            "The mask says who was kept, the scale is a matter of its own: which comparison gives True and"
            " False?"
            if scaled
            else "Which comparison gives True and False by itself? Leave its result as it is.",
        )
    silent, alive = A_dropped == 0, A != 0
    if (silent == given)[alive].all():
        return Finding(
            "mask:marks the dropped",
            "the mask is True where an entry was dropped",
            "True where A_dropped is 0",
            "True where an entry was kept",
            "In which of the two ways does `A * mask` read the mask?",
        )
    if not silent[~given].all():
        return Finding(
            "dropped:not zero",
            "there are entries that the mask drops and the result keeps",
            f"{show(A_dropped[~given & ~silent][0])} where the mask is False",
            "0 where the mask is False",
            "Is what you return the product of A and this very mask?",
        )
    if silent[given & alive].any():
        return Finding(
            "kept:zero",
            "there are entries that the mask keeps and the result has lost",
            "0 where the mask is True and A is not 0",
            "A, scaled, where the mask is True",
            "Do you use one mask for the product and return another one?",
        )
    return None


def kept_is_scaled(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check the factor by which kept entries were multiplied; which ones are kept is judged elsewhere."""
    factors: list[tuple[float, float, np.ndarray]] = []
    for call, seen in zip(calls, observations, strict=True):
        opened = _opened(seen)
        if opened is None:
            return _no_pair(seen)
        A, keep_prob = np.asarray(call.arguments["A"]), float(call.arguments["keep_prob"])
        A_dropped = opened[0]
        if A_dropped.shape != A.shape:
            problem = "the activations changed their shape"
            return [Finding("result:shape", problem, f"shape {A_dropped.shape}", f"shape {A.shape}")]
        with np.errstate(all="ignore"):
            ratio = np.asarray(A_dropped, dtype=np.float64)[A != 0] / np.asarray(A, dtype=np.float64)[A != 0]
        ratio = ratio[ratio != 0]
        if ratio.size:
            factors.append((keep_prob, float(opened[1].mean()), ratio))
    if all(_is_factor(ratio, 1 / p, calls) for p, _, ratio in factors):
        return []
    named = {
        "scale:missing": (1.0, "nothing makes up for what was dropped"),
        "scale:times keep_prob": (lambda p, _: p, "what is kept was made smaller once more"),
        "scale:by the dropped share": (
            lambda p, _: 1 / (1 - p) if p < 1 else np.inf,
            "what is kept has the wrong size",
        ),
        "scale:times the dropped share": (lambda p, _: 1 - p, "what is kept has the wrong size"),
        "scale:twice": (lambda p, _: 1 / p**2, "what is kept was scaled twice"),
        "scale:by the measured share": (
            lambda _, share: 1 / share if share else np.inf,
            "what is kept was scaled by how many happened to be kept",
        ),
    }
    p, _, ratio = next(each for each in factors if not _is_factor(each[2], 1 / each[0], calls))
    saw = f"a kept entry times {show(float(ratio[0]))}, at keep_prob = {p:g}"
    expected = "on average over many masks, every entry comes out as large as it went in"
    ask = f"An entry survives with probability {p:g}: what is its average, and what makes up for the loss?"
    for code, (factor, problem) in named.items():
        made = [(r, factor if isinstance(factor, float) else factor(q, share)) for q, share, r in factors]
        if all(_is_factor(r, f, calls) for r, f in made):
            return [Finding(code, problem, saw, expected, ask)]
    if any(not np.isfinite(r).all() for *_, r in factors):
        return [Finding("scale:not finite", "kept entries became inf or nan", saw, expected, ask)]
    return [Finding("scale:other", "what is kept has the wrong size", saw, expected, ask)]


def _is_factor(ratio: np.ndarray, factor: float, calls: Sequence[Call]) -> bool:
    rtol = _tolerance(*(call.arguments["A"] for call in calls))
    with np.errstate(all="ignore"):
        return bool(np.all((np.abs(ratio - factor) <= rtol * abs(factor)) | (ratio == factor)))


def _decisions(mask: np.ndarray) -> np.ndarray:
    """Leave out what only repeats: where all columns are alike, one is kept, and so with rows.

    So one mask for a whole unit is one mistake (entries_independent names it) and not a wrong share as well.
    """
    if mask.all() or not mask.any():
        return mask
    if mask.shape[1] > 1 and (mask == mask[:, :1]).all():
        mask = mask[:, :1]
    if mask.shape[0] > 1 and (mask == mask[:1]).all():
        mask = mask[:1]
    return mask


def _drawn_masks(
    calls: Sequence[Call], observations: Sequence[Observation]
) -> Iterator[tuple[np.ndarray, float, np.ndarray]]:
    """Go through (A, keep_prob, mask) of all calls whose result can be read, each different mask once."""
    known = set()
    for call, seen in zip(calls, observations, strict=True):
        opened = _opened(seen)
        if opened is not None and opened[1].ndim == 2:
            key = (opened[1].shape, opened[1].tobytes())
            if key not in known or opened[1].all():
                known.add(key)
                yield np.asarray(call.arguments["A"]), float(call.arguments["keep_prob"]), opened[1]


def kept_share(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check that entries are kept with probability keep_prob, all and those of each kind of value."""
    counted, off_kinds = [], []
    for seen in observations:
        if _opened(seen) is None:
            return _no_pair(seen)
    for A, p, mask in _drawn_masks(calls, observations):
        decisions = _decisions(mask)
        counted.append((int(decisions.sum()), decisions.size, p))
        if decisions.shape == A.shape:
            off_kinds += _kinds_off(A, p, mask)
    off = [(kept, n, p) for kept, n, p in counted if not allowed(kept, n, p)]
    if off_kinds:
        return [
            Finding(
                f"kept by value:{off_kinds[0]}",
                "whether an entry is kept depends on its value",
                f"among the {off_kinds[0]} entries another share is kept than among the rest",
                "the same chance for every entry, whatever its value",
                "The mask is drawn before anybody looks at A: from what do you compute yours?",
            )
        ]
    if not off:
        return []
    kept, n, p = off[0]
    low, high = binomial_range(n, p)
    saw = f"{kept} of {n} entries kept, at keep_prob = {p:g}"
    expected = f"between {low} and {high}" if low < high else f"{low}"
    ask = f"rng.random(shape) gives numbers between 0 and 1: how often is `number < {p:g}` true?"
    code, problem = _wrong_rate(counted)
    return [Finding(code, problem, saw, expected, ask)]


def _kinds_off(A: np.ndarray, p: float, mask: np.ndarray) -> list[str]:
    """Name the kinds of value that are kept too often or too seldom while the others are not."""
    middle = np.median(np.abs(A[A != 0])) if (A != 0).any() else 0
    kinds = {
        "zero": A == 0,
        "negative": A < 0,
        "large": np.abs(A) > middle,
        "small": (np.abs(A) <= middle) & (A != 0),
    }
    found = []
    for kind, those in kinds.items():
        if those.any() and not those.all():
            fits = [allowed(int(mask[g].sum()), int(g.sum()), p) for g in (those, ~those)]
            if not fits[0] and fits[1]:
                found.append(kind)
    return found


def _wrong_rate(counted: Sequence[tuple[int, int, float]]) -> tuple[str, str]:
    guesses = {
        "share:dropped instead": (lambda p: 1 - p, "keep_prob is used as the chance of dropping"),
        "share:from a normal": (
            lambda p: 0.5 * (1 + math.erf(p / math.sqrt(2))),
            "the share that is kept is not keep_prob, and at keep_prob = 1 some entries are still dropped",
        ),
        "share:always half": (lambda _: 0.5, "one half is kept whatever keep_prob is"),
        "share:all": (lambda _: 1.0, "every entry is kept"),
        "share:none": (lambda _: 0.0, "no entry is kept"),
    }
    for code, (rate, problem) in guesses.items():
        if all(allowed(kept, n, rate(p)) for kept, n, p in counted):
            return code, problem
    return "share:other", "the share of entries that is kept is not keep_prob"


def entries_independent(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check that each entry is drawn on its own: not by column, row or count, nor as it was before."""
    for call, seen in zip(calls, observations, strict=True):
        opened = _opened(seen)
        if opened is None:
            return _no_pair(seen)
        A = np.asarray(call.arguments["A"])
        if opened[1].shape != A.shape:
            by = {(A.shape[0], 1): "columns", (A.shape[0],): "columns", (1, A.shape[1]): "rows"}
            direction = by.get(opened[1].shape) or by.get(tuple(s for s in opened[1].shape if s != 1))
            return [_alike(direction, f"a mask of shape {opened[1].shape}")] if direction else []
    drawn = list(_drawn_masks(calls, observations))
    for _, p, mask in drawn:
        found = dependence(mask, p)
        if found:
            return [found]
    for (_, p, mask), (_, q, other) in itertools.pairwise(drawn):
        if mask.shape == other.shape and not _agreement_allowed(mask, other, p, q):
            saw = (
                f"{int((mask == other).sum())} of {mask.size} entries equal in two calls, one after the other"
            )
            return [
                Finding("alike:calls", "the mask of one call tells something about that of the next", saw)
            ]
    if drawn and len({(mask.shape, p) for _, p, mask in drawn}) == 1:
        _, p, mask = drawn[0]
        counts = np.array([m.sum() for *_, m in drawn])
        if _too_even(counts, mask.size, p):
            return [_counted("whole", "mask", counts)]
    return []


def dependence(mask: np.ndarray, p: float) -> Finding | None:
    """Say how the entries of one mask depend on each other; None where chance allows what is seen."""
    if 0 in mask.shape or not 0 < p < 1:
        return None
    reduced = _decisions(mask)
    # one row or one column of few decisions may be all alike by chance
    if reduced.shape != mask.shape and p**reduced.size + (1 - p) ** reduced.size < 1:
        repeats = mask.size - reduced.size
        if repeats * math.log(max(p, 1 - p)) < math.log(CHANCE):
            direction = "columns" if reduced.shape[1] < mask.shape[1] else "rows"
            return _alike(direction, f"{direction} that are all alike")
    for direction, lines in (("columns", mask), ("rows", mask.T)):
        for lag in {1, 2, 3, lines.shape[1] // 2} - {0}:
            left, right = _pairs(lines, lag)
            if not _agreement_allowed(left, right, p, p):
                equal = int((left == right).sum())
                saw = f"{direction} {lag} apart are equal in {equal} of {left.size} entries"
                return Finding(
                    f"related:{direction}", f"{direction} of the mask tell something about each other", saw
                )
    for direction, axis in (("column", 0), ("row", 1)):
        if _too_even(mask.sum(axis=axis), mask.shape[axis], p):
            return _counted(direction, direction, mask.sum(axis=axis))
    return None


def _agreement_allowed(mask: np.ndarray, other: np.ndarray, p: float, q: float) -> bool:
    equal = p * q + (1 - p) * (1 - q)
    return allowed(int((mask == other).sum()), mask.size, equal)


def _alike(direction: str, saw: str) -> Finding:
    problem, ask = {
        "columns": (
            "all examples share one mask: a unit is silent for all of them or for none",
            "Columns are examples. How many numbers must be drawn, so that each example loses other units?",
        ),
        "rows": (
            "all units share one mask: an example loses the whole layer or nothing",
            "Rows are units. How many numbers must be drawn, so that each unit is silenced on its own?",
        ),
    }[direction]
    return Finding(f"alike:{direction}", problem, saw, "every entry drawn on its own", ask)


def _counted(code: str, what: str, counts: np.ndarray) -> Finding:
    return Finding(
        f"counted:{code}",
        "the number of entries that are kept is always the same: they were not drawn each on its own",
        f"kept in each {what}: {', '.join(str(int(c)) for c in counts[:8])}, ...",
        "numbers that scatter around their mean, as those of coin tosses do",
        "Ten coin tosses do not always give five heads: does each of your entries toss its own coin?",
    )


# --- dropout: a network ----------------------------------------------------------------------------------


def _layer_sizes(parameters: Mapping[str, Any]) -> list[int]:
    """Return [n_x, n1, ..., nL]."""
    L = len(parameters) // 2
    return [np.shape(parameters["W1"])[1]] + [
        np.shape(parameters[f"W{layer}"])[0] for layer in range(1, L + 1)
    ]


def masks_off(call: Call, seen: Observation) -> Finding | None:
    """Say what is wrong with the form of (AL, masks); None where each hidden layer has its boolean mask."""
    value = seen.value
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not isinstance(value[0], np.ndarray):
        return Finding("return:no pair", "the result should be a pair: the output AL and the list of masks",
                       kind_in_words(value), "a tuple (AL, masks)")  # fmt: skip
    AL, masks = value
    X, sizes = np.asarray(call.arguments["X"]), _layer_sizes(call.arguments["parameters"])
    m, hidden = X.shape[1], sizes[1:-1]
    if not isinstance(masks, (list, tuple)):
        return Finding("masks:no list", "masks should be a list with one mask for each hidden layer",
                       kind_in_words(masks), f"a list of {len(hidden)}")  # fmt: skip
    shapes = [mask.shape if isinstance(mask, np.ndarray) else None for mask in masks]
    saw = f"masks of shapes {', '.join(map(str, shapes)) or '(none)'}"
    expected = f"{', '.join(str((n, m)) for n in hidden) or 'no mask: an empty list'}"
    if shapes != [(n, m) for n in hidden]:
        wrong = {
            "masks:of the inputs": (
                [(n, m) for n in sizes[:-2]],
                "each mask has the shape of what goes into a layer: the input itself loses entries",
            ),
            "masks:input as well": (
                [(n, m) for n in sizes[:-1]],
                "there is a mask too many: the input has one of its own",
            ),
            "masks:output as well": (
                [(n, m) for n in sizes[1:]],
                "there is a mask too many: the output has one of its own",
            ),
            "masks:one for all examples": (
                [(n, 1) for n in hidden],
                "each mask has one column: all examples lose the same units",
            ),
        }
        for code, (asked, problem) in wrong.items():
            if shapes == asked and hidden:
                ask = "Dropout stands after each hidden ReLU. What shapes have these arrays?"
                return Finding(code, problem, saw, expected, ask)
        return Finding("masks:shapes", "the masks do not fit the hidden layers", saw, expected,
                       "There is one mask for each hidden layer, shaped as its activations.")  # fmt: skip
    if any(mask.dtype != bool for mask in masks):
        return Finding("masks:numbers", "the masks hold numbers, not True and False",
                       f"entries of type {masks[0].dtype}", "True where an entry is kept")  # fmt: skip
    if AL.shape != (sizes[-1], m):
        return Finding("output:shape", "the output AL has the wrong shape", f"shape {AL.shape}",
                       f"shape {(sizes[-1], m)}")  # fmt: skip
    return None


def layer_masks(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check the masks of a network: their form, each layer's own share, and that none depends on another."""
    for call, seen in zip(calls, observations, strict=True):
        found = masks_off(call, seen)
        if found:
            return [found]
    codes = []
    for call, seen in zip(calls, observations, strict=True):
        keep_probs, masks = [float(p) for p in call.arguments["keep_probs"]], seen.value[1]
        codes += [_layer_shares(keep_probs, masks), _layers_related(keep_probs, masks)]
        codes += [dependence(mask, p) for mask, p in zip(masks, keep_probs, strict=True)]
    return [found for found in codes if found][:1]


def _layer_shares(keep_probs: list[float], masks: Sequence[np.ndarray]) -> Finding | None:
    counted = [(int(d.sum()), d.size) for d in map(_decisions, masks)]
    if all(allowed(kept, n, p) for (kept, n), p in zip(counted, keep_probs, strict=True)):
        return None
    kept = ", ".join(f"{k} of {n}" for k, n in counted)
    saw = f"kept, layer by layer: {kept}"
    expected = f"shares near keep_probs = {', '.join(f'{p:g}' for p in keep_probs)}"
    guesses = {
        "shares:first for all": ([keep_probs[0]] * len(keep_probs), "all layers use the first keep_prob"),
        "shares:last for all": ([keep_probs[-1]] * len(keep_probs), "all layers use the last keep_prob"),
        "shares:backwards": (keep_probs[::-1], "the layers use keep_probs from its end"),
        "shares:one layer late": (
            keep_probs[1:] + keep_probs[:1],
            "each layer uses the keep_prob of another one",
        ),
        "shares:one layer early": (
            keep_probs[-1:] + keep_probs[:-1],
            "each layer uses the keep_prob of another one",
        ),
        "shares:dropped instead": (
            [1 - p for p in keep_probs],
            "keep_prob is used as the chance of dropping",
        ),
    }
    for code, (rates, problem) in guesses.items():
        if all(allowed(k, n, rate) for (k, n), rate in zip(counted, rates, strict=True)):
            ask = "Layer 1 uses keep_probs[0]. Which entry does the layer in your loop read?"
            return Finding(code, problem, saw, expected, ask)
    return Finding(
        "shares:other", "the layers do not keep the shares that keep_probs asks for", saw, expected
    )


def _layers_related(keep_probs: list[float], masks: Sequence[np.ndarray]) -> Finding | None:
    """Compare each two layers: by their common corner, and by their entries in the order of drawing."""
    for i, first in enumerate(masks):
        for j in range(i + 1, len(masks)):
            n = min(len(first), len(masks[j]))
            size = min(first.size, masks[j].size)
            views = ((first[:n], masks[j][:n]), (first.ravel()[:size], masks[j].ravel()[:size]))
            if not all(_agreement_allowed(a, b, keep_probs[i], keep_probs[j]) for a, b in views):
                return Finding(
                    "layers:related",
                    "the mask of one hidden layer tells something about that of another",
                    f"masks {i} and {j} agree more or less often than chance allows",
                    "new numbers for every layer",
                    "Does each layer draw from the same rng, after the one before it?",
                )
    return None


def output_follows_masks(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Look AL up in tables of all outputs that the network can have.

    ``aid["outputs"]`` maps a way of computing AL to an array ``(ways, patterns, m)``: row p is AL if every
    column had the mask pattern p, whose binary digits are the hidden units of all layers, the first lowest.
    """
    tables = []
    for call, seen in zip(calls, observations, strict=True):
        found = masks_off(call, seen)
        if found:
            return [found]
        AL, masks = seen.value
        units = np.concatenate([*masks, np.zeros((0, AL.shape[1]), dtype=bool)])
        pattern = (units * 2 ** np.arange(len(units))[:, None]).sum(axis=0)
        columns = np.arange(AL.shape[1])
        tables.append(
            {way: table[:, pattern, columns][:, None] for way, table in call.aid["outputs"].items()}
        )
    return explain_outputs(calls, observations, tables)


WAYS = {
    "unscaled": (
        "what the layers keep was not scaled",
        "Which factor keeps the mean of a layer where it was?",
    ),
    "times keep_prob": (
        "what the layers keep was made smaller once more",
        "Multiply or divide by keep_prob?",
    ),
    "not applied": (
        "masks were drawn, but the next layer sees the activations before dropout",
        "Which of the two arrays that dropout_forward returns goes into the next layer?",
    ),
    "output dropped": (
        "the output went through dropout as well",
        "What would a prediction of 0 mean that only a mask has made? Where should the last dropout stand?",
    ),
    "input dropped": (
        "the input went through dropout as well",
        "Dropout stands after each hidden ReLU. What goes into the first layer?",
    ),
    "one keep_prob": (
        "every layer was scaled by the first keep_prob",
        "Which entry of keep_probs is layer 2's?",
    ),
    "no relu": ("a hidden layer lets negative numbers pass", "Which activation do hidden layers have?"),
    "sigmoid hidden": (
        "the hidden layers have another activation",
        "Which activation do hidden layers have?",
    ),
    "relu output": ("the output is not a sigmoid's", "Which activation does the last layer have?"),
    "linear output": ("the output is not a sigmoid's", "Which activation does the last layer have?"),
}


def explain_outputs(
    calls: Sequence[Call], observations: Sequence[Observation], tables: Sequence[Mapping[str, np.ndarray]]
) -> list[Finding]:
    """Find the way of computing AL that explains every column; nothing is said if it is the right one.

    A table maps a way to the outputs it allows, shape (ways, n, m); the right one is called "right".
    """
    if _all_explained(calls, observations, tables, "right"):
        return []
    for way, (problem, ask) in WAYS.items():
        if all(way in table for table in tables) and _all_explained(calls, observations, tables, way):
            return [
                Finding(
                    f"output:{way}", problem, "another output", "the output that follows from your masks", ask
                )
            ]
    for call, seen, table in zip(calls, observations, tables, strict=True):
        off = ~_explained(call, seen, table["right"])
        if off.any():
            column = int(np.argmax(off.any(axis=0)))
            return [
                Finding(
                    "output:other",
                    "the output AL does not follow from the masks that came with it",
                    f"AL[0, {column}] is {show(seen.value[0][0, column])}",
                    f"{show(table['right'][0, 0, column])}, from your own masks",
                    "Follow one column by hand: ReLU, its mask, the scale, the next layer.",
                )
            ]
    return []


def _all_explained(calls, observations, tables, way) -> bool:
    found = zip(calls, observations, tables, strict=True)
    return all(_explained(call, seen, table[way]).all() for call, seen, table in found)


def _explained(call: Call, seen: Observation, outputs: np.ndarray) -> np.ndarray:
    rtol = _tolerance(call.arguments["X"], *call.arguments["parameters"].values())
    return np.any([agree(seen.value[0], one, rtol=rtol, atol=rtol * 1e-3) for one in outputs], axis=0)


# --- mini-batches ----------------------------------------------------------------------------------------
#
# The examples of these calls are columns that all differ, so that a returned column tells which one it was.
# Bounds are those of a random order: a right solution fails one of them less than once in 1e9 checks.


def every_example_once(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Batches of the asked sizes that together hold every example exactly once."""
    for call, seen in zip(calls, observations, strict=True):
        found = _dealt_badly(call.arguments, seen.value)
        if found:
            return [found]
    return []


def labels_follow_examples(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Column for column, each example has the label that it came with."""
    for call, seen in zip(calls, observations, strict=True):
        X, Y, value = call.arguments["X"], call.arguments["Y"], seen.value
        found = _dealt_badly(call.arguments, value)
        if found:
            return [found]
        order, dealt = _order_of(X, value), np.hstack([np.asarray(batch[1]) for batch in value])
        if not np.array_equal(dealt, Y[:, order]):
            still = np.array_equal(dealt, Y)
            return [
                Finding(
                    "labels:unmoved" if still else "labels:mixed up",
                    "Y came out in its old order while X was shuffled"
                    if still
                    else "examples have lost their labels",
                    f"example {order[0]} came with label {_column(dealt, 0)}",
                    f"its label {_column(Y, order[0])}",
                )
            ]
    return []


def examples_are_mixed(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """No trace of the old order is left, in none of several calls with generators of their own."""
    orders = []
    for call, seen in zip(calls, observations, strict=True):
        found = _dealt_badly(call.arguments, seen.value)
        if found:
            return [found]
        orders.append(_order_of(call.arguments["X"], seen.value))
    arguments = calls[0].arguments
    m, size = len(orders[0]), int(arguments["batch_size"])
    problem, code = "", ""
    if any(np.array_equal(order, np.arange(m)) for order in orders):
        code, problem = "order:old", "the examples come out in the order in which they went in"
    elif all(_same_groups(order, np.arange(m), size) for order in orders):
        inside = any((np.diff(order) < 0).sum() >= -(-m // size) for order in orders)
        code = "order:only inside batches" if inside else "order:only of batches"
        problem = "each batch holds examples that stood side by side before"
    # neighbours that stay neighbours: Poisson with mean 2, so 20 of them come once in 1e13
    elif any((np.abs(np.diff(order)) == 1).sum() >= 20 for order in orders):
        code, problem = "order:runs", "most examples come out beside their old neighbours"
    # the rank correlation of old and new place has standard deviation 1 / sqrt(m - 1), and is below 1
    elif any(abs(np.corrcoef(order, np.arange(m))[0, 1]) * np.sqrt(m - 1) > 6.3 for order in orders):
        code, problem = "order:near", "examples stay near their old places"
    elif all(np.array_equal(order, orders[0]) for order in orders[1:]):
        code, problem = "order:always the same", "other generators give the same order"
    elif _some_batch_never_changes(orders, size):
        code, problem = "order:fixed batch", "one batch holds the same examples whatever the generator"
    if not code:
        return []
    first = ", ".join(map(str, orders[0][:6]))
    saw = f"columns {first}, ... of X in this order"
    return [Finding(code, problem, saw, "a random order of all columns")]


def order_follows_rng(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Generators in one state give one order; the next call and another generator give new ones."""
    orders = []
    for call, seen in zip(calls, observations, strict=True):
        found = _dealt_badly(call.arguments, seen.value)
        if found:
            return [found]
        orders.append(_order_of(call.arguments["X"], seen.value))
    for call, order in zip(calls[1:], orders[1:], strict=True):
        equal = np.array_equal(order, orders[0])
        if call.aid["compare"] == "equal" and not equal:
            problem = "two generators in the same state give two different orders"
            return [Finding("rng:not used", problem, "two orders", "one order: rng decides it")]
        if call.aid["compare"] == "new" and equal:
            problem = "the order is the same every time"
            return [Finding("rng:always the same", problem, "the same order again", "a new order each time")]
    return []


def _dealt_badly(arguments: Mapping[str, Any], batches: Any) -> Finding | None:
    """The first thing that is wrong with the batches as such; None if they hold every example once."""
    X, Y, size = np.asarray(arguments["X"]), np.asarray(arguments["Y"]), int(arguments["batch_size"])
    m = X.shape[1]
    if not isinstance(batches, list | tuple):
        return Finding("batches:kind", f"the result should be a list, not {kind_in_words(batches)}")
    for batch in batches:
        if not isinstance(batch, list | tuple) or len(batch) != 2:
            problem = f"each item should be a pair (X_batch, Y_batch), not {kind_in_words(batch)}"
            return Finding("batches:pairs", problem)
        for name, part, whole in zip(("X_batch", "Y_batch"), batch, (X, Y), strict=True):
            if not isinstance(part, np.ndarray) or part.dtype.kind not in "biuf":
                problem = f"{name} should be an array of numbers, not {kind_in_words(part)}"
                return Finding("batches:arrays", problem)
            if part.ndim != 2 or part.shape[0] != len(whole):
                problem = f"{name} should have a row for each row of {name[0]} and a column for each example"
                return Finding("batches:rows", problem, f"shape {part.shape}", f"{len(whole)} rows")
        if batch[0].shape[1] != batch[1].shape[1]:
            problem = "X_batch and Y_batch should have equally many columns"
            return Finding("batches:columns", problem, f"{batch[0].shape[1]} and {batch[1].shape[1]}")
    sizes = [batch[0].shape[1] for batch in batches]
    asked = [size] * (m // size) + ([m % size] if m % size else [])
    if sizes != asked:
        code, problem = "batches:sizes", "the batches have other sizes than asked for"
        if sizes == asked[:-1]:
            code, problem = "batches:rest dropped", "the examples left over at the end are in no batch"
        elif 0 in sizes:
            code, problem = "batches:empty", "there is a batch without examples"
        return Finding(code, problem, f"sizes {listed(sizes)}", f"sizes {listed(asked)}")
    dealt = np.hstack([batch[0] for batch in batches])
    if np.array_equal(dealt[:, np.lexsort(dealt)], X[:, np.lexsort(X)]):
        return None
    known = {tuple(column) for column in X.T.tolist()}
    if all(tuple(column) in known for column in dealt.T.tolist()):
        problem = "some examples come more than once, and others never"
        return Finding("batches:repeated", problem, "", "each column of X once")
    problem = "there are columns that are no example: the entries of X were torn apart"
    return Finding("batches:torn", problem, f"a column {_column(dealt, 0)}", "columns of X as they are")


def _order_of(X: np.ndarray, batches: Any) -> np.ndarray:
    """Which column of X each returned column is; the columns of X all differ."""
    dealt = np.hstack([np.asarray(batch[0]) for batch in batches])
    order = np.empty(X.shape[1], dtype=int)
    order[np.lexsort(dealt)] = np.lexsort(X)
    return order


def _groups(order: np.ndarray, size: int) -> list[frozenset[int]]:
    return [frozenset(order[start : start + size].tolist()) for start in range(0, len(order), size)]


def _same_groups(order: np.ndarray, other: np.ndarray, size: int) -> bool:
    # a batch of one is no group: everybody deals those
    return set(_groups(order, size)) == set(_groups(other, size)) and 1 < size < len(order)


def _some_batch_never_changes(orders: Sequence[np.ndarray], size: int) -> bool:
    groups = [_groups(order, size) for order in orders]
    several = range(len(groups[0])) if len(groups[0]) > 1 else range(0)
    return any(all(found[k] == groups[0][k] for found in groups) for k in several)


def _column(array: Any, j: int) -> str:
    return show(np.asarray(array)[:, j])


# --- splits ----------------------------------------------------------------------------------------------

PARTS = ("train", "dev", "test")
OTHER_SIZES = {
    "rounded down": (lambda m, d, t: (int(d * m), int(t * m)), "sizes are cut off, not rounded"),
    "rounded up": (lambda m, d, t: (math.ceil(d * m), math.ceil(t * m)), "sizes are rounded up"),
    "halves up": (
        lambda m, d, t: (math.floor(d * m + 0.5), math.floor(t * m + 0.5)),
        "a half is always rounded up; Python's round takes it to the even neighbour",
    ),
    "test of the rest": (
        lambda m, d, t: (round(d * m), round(t * (m - round(d * m)))),
        "test got its fraction of what dev had left, not of all examples",
    ),
    "test up to the sum": (
        lambda m, d, t: (round(d * m), round((d + t) * m) - round(d * m)),
        "dev and test were rounded together, not each by itself",
    ),
    "train rounded": (
        lambda m, d, t: (round(d * m), m - round(d * m) - round((1 - d - t) * m)),
        "train was rounded and test got the rest",
    ),
    "dev and test exchanged": (
        lambda m, d, t: (round(t * m), round(d * m)),
        "dev has the size of test, and test that of dev",
    ),
}


def _split_badly(seen: Observation) -> Finding | None:
    """Say what is wrong with the form of (train, dev, test); None if these are three arrays of integers."""
    value = seen.value
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        return Finding(
            "split:kind", "the result should be three arrays: train, dev, test", kind_in_words(value)
        )
    for name, part in zip(PARTS, value, strict=True):
        if not isinstance(part, np.ndarray) or part.ndim != 1:
            return Finding("split:arrays", f"{name} should be an array with one axis", kind_in_words(part))
    kinds = "".join(part.dtype.kind for part in value)
    if "b" in kinds:
        return Finding("split:masks", "the parts should hold indices, not True and False")
    if not set(kinds) <= set("iu"):
        code = (
            "split:empty of floats"
            if all(p.size == 0 or p.dtype.kind in "iu" for p in value)
            else "split:floats"
        )
        saw = ", ".join(f"{name} of type {p.dtype}" for name, p in zip(PARTS, value, strict=True))
        return Finding(code, "the indices should be integers, in an empty part too", saw, "integers",
                       "Which number type does an array have that nobody filled?")  # fmt: skip
    return None


def parts_hold_all(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Three arrays of integers that together hold 0 to m-1, each once."""
    for call, seen in zip(calls, observations, strict=True):
        found, m = _split_badly(seen), int(call.arguments["m"])
        if found:
            return [found]
        indices = np.sort(np.concatenate(seen.value))
        if np.array_equal(indices, np.arange(m)):
            continue
        code, problem = "split:left out", "some indices are in no part"
        if np.array_equal(indices, np.arange(1, m + 1)):
            code, problem = "split:from 1", "the indices count from 1, not from 0"
        elif indices.size and (indices[0] < 0 or indices[-1] >= m):
            code, problem = "split:no index", "there are numbers that are no index"
        elif any(len(set(part.tolist())) < part.size for part in seen.value):
            code, problem = "split:twice in a part", "a part holds an index more than once"
        elif len(set(indices.tolist())) < indices.size:
            code, problem = "split:in two parts", "an index is in more than one part"
        saw = "; ".join(f"{name} {show(part)}" for name, part in zip(PARTS, seen.value, strict=True))
        return [Finding(code, problem, saw, f"0 to {m - 1}, each in one part")]
    return []


def parts_have_their_sizes(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Dev and test have round(fraction * m) indices each, train the rest."""
    sizes, given = [], []
    for call, seen in zip(calls, observations, strict=True):
        found = _split_badly(seen)
        if found:
            return [found]
        sizes.append(tuple(part.size for part in seen.value))
        given.append(tuple(call.arguments[name] for name in ("m", "dev_fraction", "test_fraction")))
    asked = [_sizes(m, round(d * m), round(t * m)) for m, d, t in given]
    if sizes == asked:
        return []
    k = next(i for i, (size, right) in enumerate(zip(sizes, asked, strict=True)) if size != right)
    code, problem = "other", "the parts do not have the sizes asked for"
    if sizes == [(dev, test, train) for train, dev, test in asked]:
        code, problem = "train last", "train is returned last; it should come first"
    for name, (rule, said) in OTHER_SIZES.items():
        if sizes == [_sizes(m, *rule(m, d, t)) for m, d, t in given]:
            code, problem = name, said
            break
    (m, d, t), shown = given[k], ["{} train, {} dev, {} test".format(*each[k]) for each in (sizes, asked)]
    return [Finding(f"sizes:{code}", problem, shown[0], f"{shown[1]} (m = {m}, fractions {d:g} and {t:g})")]


def _sizes(m: int, n_dev: int, n_test: int) -> tuple[int, int, int]:
    return m - n_dev - n_test, n_dev, n_test


def parts_are_random(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Any index may be in any part, in any place: for calls of one size, each with a generator of its own.

    Parts of at least 14 are sorted by chance once in 1e10 times; in smaller ones only counts are judged.
    """
    found = next(filter(None, map(_split_badly, observations)), None)
    if found:
        return [found]
    splits = [[part.astype(np.int64) for part in seen.value] for seen in observations]
    m = int(calls[0].arguments["m"])
    orders = [np.concatenate(parts) for parts in splits]
    if any(not np.array_equal(np.sort(order), np.arange(m)) for order in orders):
        return [Finding("random:incomplete", "the parts do not hold every index once")]
    code, problem = "", ""
    long = [[p for p in parts if p.size >= 14] for parts in splits]
    ordered = [name for name, *drawn in zip(PARTS, *splits, strict=True)
               if any(p.size >= 14 and (_rises(p) or _rises(-p)) for p in drawn)]  # fmt: skip
    blocks = any(long) and any(all(np.ptp(p) == p.size - 1 for p in parts if p.size) for parts in splits)
    if blocks:
        code = "old order" if ordered else "inside the parts only"
        problem = "each part holds indices that stood side by side"
    elif ordered:
        code, problem = f"{' and '.join(ordered)} in order", f"{' and '.join(ordered)} came out sorted"
    elif len(orders) > 1 and all(np.array_equal(order, orders[0]) for order in orders):
        code, problem = "always the same", "other generators give the same split"
    elif m >= 40 and any((np.abs(np.diff(order)) == 1).sum() >= 20 for order in orders):
        code, problem = "runs", "most indices come out beside their old neighbours"
    elif m >= 40 and any(
        abs(np.corrcoef(order, np.arange(m))[0, 1]) * np.sqrt(m - 1) > 6.3 for order in orders
    ):
        code, problem = "near", "indices stay near their old places"
    elif len(splits) >= 20 and _favoured(splits, m):  # fewer calls cannot tell
        code, problem = "favoured", "an index has a part or a place of its own, whatever the generator"
    if not code:
        return []
    saw = "; ".join(f"{name} {listed(part[:6])}, ..." for name, part in zip(PARTS, splits[0], strict=True))
    return [Finding(f"random:{code}", problem, saw, "a random order of all indices, cut into three")]


def _rises(part: np.ndarray) -> bool:
    return bool((np.diff(part) > 0).all())


def _favoured(splits: Sequence[Any], m: int) -> bool:
    """Count over all calls in which part each index is, and which index comes first in each part."""
    for k in range(3):
        parts = [parts[k] for parts in splits if parts[k].size]
        if len(parts) == len(splits) and len({part.size for part in parts}) == 1:
            inside = np.bincount(np.concatenate(parts), minlength=m)
            first = np.bincount([part[0] for part in parts], minlength=m)
            for counts, p in ((inside, parts[0].size / m), (first, 1 / m)):
                if not all(allowed(int(count), len(parts), p) for count in counts):
                    return True
    return False


# --- graphs ----------------------------------------------------------------------------------------------


def parents_come_first(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """A list of all that the output depends on, each node once and after its parents, the output last."""
    for call, seen in zip(calls, observations, strict=True):
        found = _ordered_badly(call.arguments["output"], call.arguments["parents"], seen.value)
        if found:
            code, problem, ask = found
            saw, output = show(seen.value), show(call.arguments["output"])
            return [Finding(f"order:{code}", problem, saw, f"a list that ends in {output}", ask)]
    return []


def _ordered_badly(
    output: Any, parents: Mapping[Any, Sequence[Any]], order: Any
) -> tuple[str, str, str] | None:
    if not isinstance(order, (list, tuple)):
        return "kind", f"the result should be a list, not {kind_in_words(order)}", ""
    needed, waiting = {output}, [output]
    while waiting:
        more = set(parents[waiting.pop()]) - needed
        needed |= more
        waiting += more
    place: dict[Any, int] = {}
    for i, node in enumerate(order):
        if type(node) is not type(output) or node not in parents:
            return "no node", "the list holds something that is no node of the graph", ""
        if node in place:
            return "twice", "a node is listed more than once", "How does your walk know where it was before?"
        place[node] = i
    if place.keys() - needed:
        ask = "Start from the output: which nodes does it depend on, directly or through others?"
        return "unrelated", "nodes are listed that the output does not depend on", ask
    if needed - place.keys():
        lost = "output left out" if output not in place else "left out"
        return lost, "nodes are left out that the output depends on", "Does your walk follow every parent?"
    late = [place[parent] > place[node] for node in needed for parent in parents[node]]
    if not any(late):
        return None
    if all(late):
        return "backwards", "the order is the other way round: nodes come before their parents", ""
    ask = "When may a node be listed: when you reach it, or when all its parents are listed?"
    return "parent later", "a node is listed before one of its parents", ask


# --- first weights ---------------------------------------------------------------------------------------

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
    drawn = [[_standardised(W, s) for _, W, s in of if s] for of in _drawn_weights(calls, observations)]
    for k, weights in enumerate(drawn):
        for W in weights:
            for direction, lines in (("columns", W), ("rows", W.T)):
                for lag in {1, 2, 3, lines.shape[1] // 2} - {0}:
                    if not _unrelated(*_pairs(lines, lag)):
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
