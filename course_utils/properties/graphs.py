"""Graphs: an order in which each node comes after its parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from course_utils.calls import Call, Observation
from course_utils.compare import kind_in_words, show
from course_utils.examine import Finding


def parents_come_first(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """A list of all that the output depends on, each node once and after its parents, the output last."""
    found = []
    for i, (call, seen) in enumerate(zip(calls, observations, strict=True)):
        badly = _ordered_badly(call.arguments["output"], call.arguments["parents"], seen.value)
        if badly:
            code, problem, ask = badly
            saw, output = show(seen.value), show(call.arguments["output"])
            found.append(
                Finding(f"order:{i}:{code}", problem, saw, f"a list that ends in {output}", ask)
            )  # which of the graphs went wrong tells the known mistakes apart
    return found


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
