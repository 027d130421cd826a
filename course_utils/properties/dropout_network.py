"""Dropout in a network: the masks of its layers, and the output that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_utils.calls import Call, Observation
from course_utils.compare import agree, kind_in_words, show
from course_utils.examine import Finding
from course_utils.properties.chance import allowed
from course_utils.properties.dropout import agreement_allowed, decisions, dependence, tolerance


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
    counted = [(int(d.sum()), d.size) for d in map(decisions, masks)]
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
            if not all(agreement_allowed(a, b, keep_probs[i], keep_probs[j]) for a, b in views):
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
    rtol = tolerance(call.arguments["X"], *call.arguments["parameters"].values())
    return np.any([agree(seen.value[0], one, rtol=rtol, atol=rtol * 1e-3) for one in outputs], axis=0)
