"""Searches: numbers on their scale, every combination, and trials that hold together.

A verifier of samples reads from a call's ``aid`` on which scale they are asked for: "log", "one minus" (the
logarithm of 1 - x) or "whole".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from course_utils import library
from course_utils.calls import Call, Observation
from course_utils.compare import kind_in_words, listed, same, show
from course_utils.examine import Finding
from course_utils.plain import Named
from course_utils.properties.chance import CHANCE, allowed, pairs, too_even

Place = Callable[[np.ndarray, float, float], Any]

OTHER_PLACES: dict[str, tuple[Place, str]] = {  # where a sample would lie in 0 to 1, had it been drawn so
    "evenly": (
        lambda x, low, high: (x - low) / (high - low),
        "the samples are spread evenly over the values, not over their logarithms",
    ),
    "factor and start": (
        lambda x, low, high: (np.log(x) - math.log(high)) / math.log(low),
        "the exponents do not run from that of one end to that of the other",
    ),
    "ends as exponents": (
        lambda x, low, high: (np.log10(x) - low) / (high - low),
        "the ends were taken for exponents",
    ),
    "ends as exponents of e": (
        lambda x, low, high: (np.log(x) - low) / (high - low),
        "the ends were taken for exponents",
    ),
    "ten to ln": (
        lambda x, low, high: (np.log10(x) - math.log(low)) / math.log(high / low),
        "the logarithm has base e, and the power base 10",
    ),
    "e to log10": (
        lambda x, low, high: (np.log(x) - math.log10(low)) / math.log10(high / low),
        "the logarithm has base 10, and the power base e",
    ),
    "exponents": (
        lambda x, low, high: (x - math.log10(low)) / math.log10(high / low),
        "these are the exponents, not yet the values",
    ),
    "exponents of e": (
        lambda x, low, high: (x - math.log(low)) / math.log(high / low),
        "these are the logarithms, not yet the values",
    ),
    "exponents cut": (
        lambda x, low, high: (np.log10(x) - int(math.log10(low)))
        / (int(math.log10(high)) - int(math.log10(low))),
        "the samples run between whole powers of ten, not between the ends",
    ),
    "exponents down": (
        lambda x, low, high: (np.log10(x) - math.floor(math.log10(low)))
        / (math.floor(math.log10(high)) - math.floor(math.log10(low))),
        "the samples run between whole powers of ten, not between the ends",
    ),
    "upside down": (
        lambda x, low, high: np.log((low + high - x) / low) / math.log(high / low),
        "the samples crowd at the other end",
    ),
    "one minus": (
        lambda x, low, high: np.log((1 - x) / low) / math.log(high / low),
        "the samples are 1 minus what is asked for",
    ),
}  # fmt: skip
PLACES_OF_BETA: dict[str, tuple[Place, str]] = {
    "evenly": OTHER_PLACES["evenly"],
    "log of beta": (
        lambda x, low, high: np.log(x / low) / math.log(high / low),
        "the logarithm of beta is spread evenly, not that of 1 - beta",
    ),
    "windows evenly": (
        lambda x, low, high: (1 / (1 - x) - 1 / (1 - low)) / (1 / (1 - high) - 1 / (1 - low)),
        "the windows 1 / (1 - beta) are spread evenly, not their logarithms",
    ),
}


# --- samples -----------------------------------------------------------------------------------------------


def samples_in_range(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """An array of ``size`` numbers of the right kind, none outside low to high."""
    for call, seen in zip(calls, observations, strict=True):
        found = _form_of_samples(call, seen.value)
        if found:
            return [found]
        low, high, x = call.arguments["low"], call.arguments["high"], seen.value
        slack = 0 if call.aid["scale"] == "whole" else 1e-9 * abs(high) + 1e-14
        below, above = bool((x < low - slack).any()), bool((x > high + slack).any())
        if below or above:
            code = "both" if below and above else "below" if below else "above"
            problem = {
                "below": "some samples lie below low",
                "above": "some samples lie above high",
                "both": "there are samples below low and above high",
            }[code]
            saw = f"from {show(x.min())} to {show(x.max())}"
            return [Finding(f"range:{code}", problem, saw, f"from {show(low)} to {show(high)}")]
    return []


def _form_of_samples(call: Call, x: Any) -> Finding | None:
    size = int(call.arguments["size"])
    if not isinstance(x, np.ndarray) or x.shape != (size,):
        problem = "the result should be an array with one axis and size entries"
        kind = x.shape if isinstance(x, np.ndarray) else "no array"
        code = (
            "one" if kind == () or isinstance(x, (int, float)) else "shape" if kind != "no array" else "kind"
        )
        return Finding(f"form:{code}", problem, kind_in_words(x), f"shape ({size},)")
    if call.aid["scale"] == "whole" and x.dtype.kind not in "iu" and size:
        return Finding("form:not integers", "the samples should be integers", f"entries of type {x.dtype}")
    if x.dtype.kind not in "fiu":
        return Finding("form:no numbers", "the samples should be numbers", f"entries of type {x.dtype}")
    if not np.isfinite(x).all():
        return Finding(
            "form:not finite", "there are samples that are no number", show(x[~np.isfinite(x)][:3])
        )
    return None


def samples_follow_scale(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Every part of the scale gets its share; where not, which other scale would explain the samples?

    The edge for the largest distance between two distribution functions is that of Massart, Annals of
    Probability 18 (1990); whole numbers are counted.
    """
    for call, seen in zip(calls, observations, strict=True):
        found = _form_of_samples(call, seen.value)
        if found:
            return [found]
    if calls[0].aid["scale"] == "whole":
        return next(filter(None, map(_counts_off, calls, observations)), [])
    both = list(zip(calls, observations, strict=True))
    if all(_on_scale(call, seen) for call, seen in both):
        return []
    code, problem = "other", "the samples do not follow the scale that is asked for"
    if any(o.value.size > 1 and np.ptp(o.value) == 0 < np.ptp(list(_ends(c))) for c, o in both):
        code, problem = "one number", "the same number comes every time"
    for name, (place, said) in _places(calls[0].aid["scale"]).items():
        if all(_explains(place, c, o) for c, o in both):
            code, problem = name, said
            break
    call, x = next((c, o.value) for c, o in both if not _on_scale(c, o))
    low, high = _ends(call)
    middle = math.sqrt(low * high) if call.aid["scale"] == "log" else 1 - math.sqrt((1 - low) * (1 - high))
    saw = (
        f"{np.mean(x < middle):.0%} of {x.size} samples from {show(low)} to {show(high)} below {show(middle)}"
    )
    return [Finding(f"scale:{code}", problem, saw, "half of them: there lies the middle of the scale")]


def _places(scale: str) -> dict[str, tuple[Place, str]]:
    if scale == "log":
        return OTHER_PLACES
    mirrored = {
        name: (lambda x, low, high, place=place: place(1 - x, 1 - high, 1 - low), said)
        for name, (place, said) in OTHER_PLACES.items()
    }
    return {**mirrored, **PLACES_OF_BETA}


def _ends(call: Call) -> tuple[float, float]:
    return float(call.arguments["low"]), float(call.arguments["high"])


def _place(scale: str, x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where on its scale each sample lies: 0 at one end, 1 at the other."""
    if scale == "one minus":
        x, low, high = 1 - x, 1 - high, 1 - low
    return np.log(x / low) / math.log(high / low)


def _on_scale(call: Call, seen: Observation) -> bool:
    low, high = _ends(call)
    if low == high:
        return True
    with np.errstate(all="ignore"):
        return spread_evenly(_place(call.aid["scale"], seen.value.astype(np.float64), low, high))


def _explains(place: Place, call: Call, seen: Observation) -> bool:
    low, high = _ends(call)
    try:
        with np.errstate(all="ignore"):
            return low == high or spread_evenly(np.asarray(place(seen.value.astype(np.float64), low, high)))
    except (ValueError, ZeroDivisionError, OverflowError):  # this rule has no such ends
        return False


def spread_evenly(u: np.ndarray) -> bool:
    """Tell whether numbers may have been drawn evenly from 0 to 1; ends may be missed by rounding."""
    if u.size == 0:
        return True
    if not np.isfinite(u).all() or u.min() < -1e-6 or u.max() > 1 + 1e-6:
        return False
    u, k = np.sort(u), np.arange(u.size)
    edge = math.sqrt(math.log(2 / CHANCE) / (2 * u.size))
    return bool(max(np.max((k + 1) / u.size - u), np.max(u - k / u.size)) <= edge)


def _counts_off(call: Call, seen: Observation) -> list[Finding]:
    low, high, x = int(call.arguments["low"]), int(call.arguments["high"]), seen.value
    n, values = x.size, high - low + 1
    groups = min(values, 60)
    edges = low + np.arange(groups + 1) * values // groups
    counts, sizes = np.histogram(x, edges - 0.5)[0], np.diff(edges)
    inside = counts.sum() == n
    if inside and all(allowed(int(c), n, s / values) for c, s in zip(counts, sizes, strict=True)):
        return []
    code, problem = _why_uneven(x, low, high, counts if groups == values else None)
    common, rare = edges[int(np.argmax(counts / sizes))], edges[int(np.argmin(counts / sizes))]
    saw = f"of {n} samples {counts.max()} at {common}, {counts.min()} at {rare}" if groups == values else ""
    asked = f"each from {low} to {high} equally often, as far as chance allows"
    return [Finding(f"counts:{code}", problem, saw, asked)]


def _why_uneven(x: np.ndarray, low: int, high: int, counts: np.ndarray | None) -> tuple[str, str]:
    """Say which mistake explains the counts; ``counts`` holds one for each number, where there are few."""
    if x.min() == x.max():
        return "one number", "the same number comes every time"
    if x.min() < low or x.max() > high:
        return "outside", "there are numbers outside low to high"
    if counts is None or len(counts) < 3:
        return "other", "some whole numbers come more often than others"
    numbers, n = np.arange(low, high + 1), x.size
    rounded = np.where((numbers == low) | (numbers == high), 0.5, 1.0) / (high - low)
    if all(allowed(int(c), n, p) for c, p in zip(counts, rounded, strict=True)):
        return "ends half", "low and high come half as often as the numbers between"
    cut = np.where(numbers == 0, 2.0, 1.0) / len(numbers)  # of low nothing but a single point is left
    if low < 0 < high and all(allowed(int(c), n, p) for c, p in zip(counts[1:], cut[1:], strict=True)):
        return "0 twice", "0 comes too often"
    lost = [name for name, count in (("low", counts[0]), ("high", counts[-1])) if not count]
    if lost:
        return f"{' and '.join(lost)} never", f"there is no {' and no '.join(lost)} among the samples"
    return "other", "some whole numbers come more often than others"


def samples_are_independent(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """No sample says anything about another, within a call and from one call to the next."""
    for call, seen in zip(calls, observations, strict=True):
        found = _form_of_samples(call, seen.value) or _ordered(seen.value)
        if found:
            return [found]
    if calls[0].aid["scale"] == "whole":
        return _whole_related(calls, observations)
    for call, seen in zip(calls, observations, strict=True):
        if len(np.unique(seen.value)) < seen.value.size - 5:  # doubles hardly ever meet, even close to 1
            problem = "values come again and again, as if only a few were allowed"
            return [Finding("draws:few values", problem, f"{len(np.unique(seen.value))} different ones")]
        if not _on_scale(call, seen):
            return []  # said elsewhere
    places = [_place(c.aid["scale"], o.value, *_ends(c)) for c, o in zip(calls, observations, strict=True)]
    for u in places:
        bins = min(25, u.size // 20)
        if bins > 4 and too_even(np.histogram(u, bins, (0, 1))[0], u.size, 1 / bins):
            problem = "each part of the scale got its exact share: chance is never so fair"
            return [Finding("draws:too even", problem)]
    u = np.concatenate(places)
    return related(
        {"value": u > 0.5, "distance from the middle": np.abs(u - 0.5) > 0.25}, 0.5, places[0].size
    )


def _ordered(x: np.ndarray) -> Finding | None:
    steps = np.diff(x)
    if x.size < 14:
        return None
    if (steps == 0).all() and x.size:
        return Finding("draws:one number", "one number was drawn and repeated", show(x[:4]))
    if (steps >= 0).all() or (steps <= 0).all():
        return Finding("draws:sorted", "the samples come out in order of size", show(x[:6]), "no order")
    return None


def _whole_related(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    for call, seen in zip(calls, observations, strict=True):
        if _counts_off(call, seen):
            return []  # said elsewhere
        values, n = int(call.arguments["high"]) - int(call.arguments["low"]) + 1, seen.value.size
        all_differ = float(np.sum(np.log1p(-np.arange(min(n, values)) / values))) if n <= values else -np.inf
        if n <= values and all_differ < math.log(CHANCE) and len(np.unique(seen.value)) == n:
            problem = "no number comes twice, as if each were taken out once drawn"
            return [Finding("draws:no repetition", problem, show(seen.value[:8]))]
    low, high = int(calls[0].arguments["low"]), int(calls[0].arguments["high"])
    x = np.concatenate([seen.value for seen in observations])
    middle = (low + high + 1) // 2
    return related({"value": x >= middle}, (high - middle + 1) / (high - low + 1), observations[0].value.size)


def related(marks: Mapping[str, np.ndarray], p: float, size: int) -> list[Finding]:
    """Compare samples with later ones: how often both are marked, or neither, where p of all are."""
    for what, mark in marks.items():
        for lag in sorted({1, 2, 3, size // 2, size}):
            if not 0 < lag <= mark.size // 2:
                continue
            first, second = pairs(mark[None], lag)
            alike = int((first == second).sum())
            if not allowed(alike, first.size, p**2 + (1 - p) ** 2):
                problem = "one sample can be guessed from another"
                saw = f"the {what} of samples {lag} apart is alike in {alike} of {first.size} pairs"
                return [Finding("draws:related", problem, saw, "independent draws")]
    return []


# --- combinations ------------------------------------------------------------------------------------------


def every_combination_once(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """A list of dicts, one for each combination of the values, in any order."""
    return next(filter(None, map(_combinations_off, calls, observations)), [])


def _combinations_off(call: Call, seen: Observation) -> list[Finding]:
    choices, value = call.arguments["choices"], seen.value
    if not isinstance(value, list | tuple):
        return [Finding("grid:kind", f"the result should be a list of dicts, not {kind_in_words(value)}")]
    if any(not isinstance(each, dict) for each in value):
        odd = next(each for each in value if not isinstance(each, dict))
        return [Finding("grid:no dict", f"each combination should be a dict, not {kind_in_words(odd)}")]
    number = math.prod(len(values) for values in choices.values())
    asked = f"{number} combination{'s' * (number != 1)}"
    saw = f"{len(value)}: {show(list(value[:3]))}"
    for each in value:
        if each.keys() != choices.keys():
            problem = "a combination should have one value for each name"
            return [Finding("grid:names", problem, f"names {listed(each)}", f"names {listed(choices)}")]
        for name, chosen in each.items():
            if not any(_equal(chosen, offered) for offered in choices[name]):
                problem = "a name has a value that is not among its values"
                return [
                    Finding("grid:foreign value", problem, f"{name}: {show(chosen)}", show(choices[name]))
                ]
    distinct = {tuple(_places_in(choices, each)) for each in value}
    if len(distinct) == len(value) == number:
        return []
    code, problem = "left out", "combinations are left out"
    if number == 0:
        code, problem = "no values", "a name without values leaves nothing to combine"
    elif not choices:
        code, problem = "no names", "with no names there is one combination: the empty one"
    elif len(distinct) == 1 < len(value):
        code, problem = "the same", "all combinations in the list are equal"
    elif len(distinct) < len(value):
        code, problem = "twice", "a combination is listed more than once"
    elif len(distinct) <= max(map(len, choices.values())) and len(choices) > 1:
        code, problem = "side by side", "values were paired by their place in the lists"
    elif len(distinct) == sum(map(len, choices.values())) - len(choices) + 1:
        code, problem = "one at a time", "only one value changes at a time"
    return [Finding(f"grid:{code}", problem, saw, asked)]


def _places_in(choices: Mapping[str, Sequence[Any]], settings: Mapping[str, Any]) -> list[int]:
    return [
        next(i for i, offered in enumerate(values) if _equal(settings[name], offered))
        for name, values in choices.items()
    ]


def _equal(a: Any, b: Any) -> bool:
    """Tell whether two values are the same, True not being 1; a tuple may have become a list."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and same(a, b, rtol=0, atol=0)


# --- random search -----------------------------------------------------------------------------------------


def search_holds_together(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """As many trials as asked for, each score that of its settings, and best the first with the lowest.

    The objective is built anew and asked about the settings in the order tried; so a second question about
    one of them shows where its answers differ from time to time.
    """
    for call, seen in zip(calls, observations, strict=True):
        found = (
            _form_of_search(call, seen.value) or _scores_off(call, seen.value[1]) or _best_off(*seen.value)
        )
        if found:
            return [found]
    return []


def _form_of_search(call: Call, value: Any) -> Finding | None:
    space, n_trials = call.arguments["space"], int(call.arguments["n_trials"])
    if not isinstance(value, list | tuple) or len(value) != 2:
        return Finding("search:kind", "the result should be a pair (best, trials)", kind_in_words(value))
    best, trials = value
    if isinstance(best, list | tuple) and isinstance(trials, dict):
        return Finding("search:swapped", "trials came first; best should", "(trials, best)", "(best, trials)")
    if isinstance(best, list | tuple) and len(best) == 2 and isinstance(best[0], dict):
        return Finding("search:best with score", "best should be the settings alone, without their score")
    if not isinstance(best, dict):
        return Finding("search:best", f"best should be a dict of settings, not {kind_in_words(best)}")
    if not isinstance(trials, list | tuple):
        return Finding("search:trials", f"trials should be a list, not {kind_in_words(trials)}")
    if any(not isinstance(trial, list | tuple) or len(trial) != 2 for trial in trials):
        return Finding("search:pairs", "each trial should be a pair (settings, score)", show(trials[0]))
    for settings, score in trials:
        if isinstance(score, dict):
            return Finding("search:score first", "each trial should hold its settings first, then its score")
        if not isinstance(settings, dict) or settings.keys() != space.keys():
            saw = f"names {listed(settings)}" if isinstance(settings, dict) else kind_in_words(settings)
            return Finding("search:names", "settings should have each name of the space", saw, listed(space))
        if not _is_number(score):
            return Finding("search:no number", "a score should be a number", kind_in_words(score))
    if len(trials) != n_trials:
        saw, asked = f"{len(trials)} trials", f"{n_trials}"
        code, problem = "number", "there are not as many trials as asked for"
        if len(trials) > n_trials:
            code, problem = "more", "there are more trials than asked for"
        elif len(trials) == _scored(call.arguments["objective"]):
            code, problem = "NaN left out", "trials whose score is NaN are missing from the list"
        return Finding(f"search:{code}", problem, saw, asked)
    return None


def _scored(objective: Named) -> int:
    """Count the numbers among scores that come in turn; -1 for another objective."""
    scores = objective.options.get("scores")
    return -1 if scores is None else sum(score == score for score in scores)


def _is_number(score: Any) -> bool:
    if isinstance(score, np.ndarray):
        return score.shape == () and score.dtype.kind in "iuf"
    return isinstance(score, float) or (type(score) is int and score.bit_length() < 1000)


def _scores_off(call: Call, trials: Sequence[Any]) -> Finding | None:
    named: Named = call.arguments["objective"]
    objective = library.build(named.name, named.options)
    try:
        asked = [float(objective(settings)) for settings, _ in trials]
    except Exception:  # a number is asked for, and anything may have come
        return Finding(
            "search:settings", "there are settings that the space does not draw", show(trials[0][0])
        )
    scores = [float(score) for _, score in trials]
    alike = len(trials) > 1 and all(_equal(trial[0], trials[0][0]) for trial in trials[1:])
    if same(scores, asked, rtol=1e-12, atol=0.0):
        if not alike or named.name == "scores_in_turn":
            return None
        problem = "all trials hold the same settings"
        return Finding("search:always the same", problem, show(trials[0][0]), "settings drawn for each trial")
    code, problem = "score", "a score is not what the objective says of its settings, asked once a trial"
    if alike:
        code, problem = "one dict", "all trials hold the settings of the last one"
    elif same(sorted(scores, key=_rank), sorted(asked, key=_rank), rtol=1e-12, atol=0.0):
        code, problem = "order", "the trials are not in the order in which they were tried"
    elif named.name == "scores_in_turn" and all(score in asked or score != score for score in scores[:1]):
        code, problem = "asked again", "the objective was asked more than once about one setting"
    i = next(
        i for i, pair in enumerate(zip(scores, asked, strict=True)) if not same(*pair, rtol=1e-12, atol=0.0)
    )
    return Finding(f"search:{code}", problem, f"trial {i} has score {show(scores[i])}", show(asked[i]))


def _rank(score: float) -> tuple[bool, float]:
    return math.isnan(score), 0.0 if math.isnan(score) else score


def _best_off(best: Mapping[str, Any], trials: Sequence[Any]) -> Finding | None:
    scores = [float(score) for _, score in trials]
    numbers = [score for score in scores if not math.isnan(score)]
    first = scores.index(min(numbers))
    if _equal(best, trials[first][0]):
        return None
    chosen = next((i for i, trial in enumerate(trials) if _equal(best, trial[0])), None)
    saw = (
        "none of the settings tried"
        if chosen is None
        else f"trial {chosen}, with score {show(scores[chosen])}"
    )
    code, problem = "other", "best is not the settings with the lowest score"
    if chosen is not None:
        last = len(scores) - 1 - scores[::-1].index(min(numbers))
        if math.isnan(scores[chosen]):
            code = "first nan" if chosen == 0 else "nan"
            problem = "a trial whose score is NaN was taken for the best"
        elif chosen == last != first:
            code, problem = "last of equals", "of equal scores the last was taken, not the first"
        elif scores[chosen] == max(numbers):
            code, problem = "highest", "best has the highest score; lower is better"
        elif scores[chosen] == min(numbers):
            code, problem = "middle of equals", "of equal scores not the first was taken"
    return Finding(f"best:{code}", problem, saw, f"trial {first}, with score {show(scores[first])}")


def drawn_and_asked_once(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """As ``search_holds_together``, and each value was drawn for its trial alone.

    A space that counts how often it is asked has given n_trials trials the numbers 0 to n_trials - 1. What
    leaves no trace in the result, a last question about the best, shows in the record of the calls.
    """
    found = search_holds_together(calls, observations)
    for call, seen in zip(calls, observations, strict=True):
        counting = [name for name, draw in call.arguments["space"].items() if draw.name == "turns"]
        for name in counting if not found else ():
            found = _draws_off(name, [settings[name] for settings, _ in seen.value[1]])
        # the record comes from where the learner's code runs: it may hold anything
        written = [item[0] for item in seen.record if isinstance(item, list | tuple) and item]
        n_trials, asked = int(call.arguments["n_trials"]), [name for name in written if type(name) is str]
        for name in ("objective", *call.arguments["space"]) if not found else ():
            if asked.count(name) > n_trials:
                code, what = ("asked", "objective") if name == "objective" else ("drawn", name)
                problem = f"{what} was called more often than there are trials"
                saw = f"{asked.count(name)} calls for {n_trials} trials"
                found = [Finding(f"search:{code} too often", problem, saw, "one call a trial")]
    return found[:1]


def _draws_off(name: str, drawn: list[Any]) -> list[Finding]:
    if not all(map(_is_number, drawn)):
        problem = f"the values of {name} are not what its space draws"
        return [Finding("drawn:kind", problem, kind_in_words(drawn[0]))]
    numbers = [float(value) for value in drawn]
    if sorted(numbers) == list(range(len(numbers))):
        return []
    code, problem = "again", "values were drawn that no trial holds: each setting is to be drawn once"
    if len(set(numbers)) == 1 < len(numbers):
        code, problem = "not anew", "all trials hold the same settings"
    elif len(set(numbers)) < len(numbers):
        code, problem = "reused", "two trials share a value that was drawn once"
    saw = f"draws number {listed([f'{d:g}' for d in numbers])} of {name}"
    return [Finding(f"drawn:{code}", problem, saw, f"draws number 0 to {len(numbers) - 1}, one a trial")]


def settings_follow_space(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Each name's values spread as its space draws them, with nothing related between trials and names.

    Judged are the names whose space is ``uniform``; of ``one_of`` the values are counted.
    """
    for call, seen in zip(calls, observations, strict=True):
        found = _form_of_search(call, seen.value)
        if found:
            return [found]
        trials, upper = seen.value[1], {}
        for name, draw in call.arguments["space"].items():
            values = [settings[name] for settings, _ in trials]
            if draw.name == "one_of":
                options = draw.options["values"]
                counts = [sum(_equal(value, option) for value in values) for option in options]
                if sum(counts) != len(values) or not all(
                    allowed(c, len(values), 1 / len(counts)) for c in counts
                ):
                    problem = f"the values of {name} are not what its space draws"
                    return [Finding("space:counts", problem, f"{counts} times", "each equally often")]
                continue
            low, high = draw.options["low"], draw.options["high"]
            if not all(isinstance(value, float) for value in values):
                return [Finding("space:kind", f"the values of {name} are not what its space draws")]
            u = (np.array(values) - low) / (high - low)
            if len(set(values)) < len(values):
                code, problem = "repeated", f"values of {name} come again and again, as if from a grid"
                return [Finding(f"space:{code}", problem, f"{len(set(values))} different ones")]
            if not spread_evenly(u):
                problem = f"the values of {name} do not spread as its space draws them"
                return [Finding("space:spread", problem, f"from {show(min(values))} to {show(max(values))}")]
            bins = min(25, u.size // 20)
            if bins > 4 and too_even(np.histogram(u, bins, (0, 1))[0], u.size, 1 / bins):
                return [Finding("space:too even", f"{name} got exact shares: chance is never so fair")]
            upper[name] = u > 0.5
            if related({name: upper[name]}, 0.5, u.size):
                return [Finding("space:trials related", f"one value of {name} can be guessed from another")]
        for name, mark in upper.items():
            for other, its in upper.items():
                if name < other and not allowed(int((mark == its).sum()), mark.size, 0.5):
                    problem = f"{name} and {other} can be guessed from each other"
                    return [Finding("space:names related", problem, "", "names that are drawn independently")]
    return []
