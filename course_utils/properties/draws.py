"""Functions of chance in general: what the generator handed in must decide, and all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from course_utils.calls import Call, Observation
from course_utils.compare import same
from course_utils.examine import Finding
from course_utils.plain import Draws


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
