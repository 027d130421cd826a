"""The three sliders of batch normalization show what the learner's functions did, right or wrong."""

import re

import numpy as np
import pytest

from course_utils.data import load
from course_utils.network import BatchNorm, PluggedFunctionError
from course_utils.widgets.batch_normalization import (
    BATCH_SIZES,
    RATES,
    STEPS,
    drift_explorer,
    noise_explorer,
    rate_explorer,
)


def by_rows(Z, gamma, beta, epsilon):
    """Normalize row by row, without an axis anywhere."""
    rows = [(row - sum(row) / len(row)) / (np.cov(row, bias=True) + epsilon) ** 0.5 for row in Z]
    return gamma * np.array(rows) + beta


def unchanged(Z, gamma, beta, epsilon):
    return Z


def in_place(Z, gamma, beta, epsilon):
    Z -= Z.mean(axis=1, keepdims=True)
    Z /= np.sqrt((Z**2).mean(axis=1, keepdims=True) + epsilon)
    return gamma * Z + beta


def unwritten(*arguments):
    raise NotImplementedError


def flat(Z, gamma, beta, epsilon):
    return Z[0]


def nothing(Z, gamma, beta, epsilon):
    return None


def nowhere(Z, gamma, beta, epsilon):
    return np.full(Z.shape, np.nan)


def backward_by_jacobian(dZ_tilde, Z, gamma, epsilon):
    """Multiply each unit's gradient by the matrix of all derivatives of its normalized values."""
    m = Z.shape[1]
    Z_norm = by_rows(Z, 1.0, 0.0, epsilon)
    std = np.sqrt(Z.var(axis=1) + epsilon)
    dZ = [
        g * (np.eye(m) - 1 / m - np.outer(z, z) / m) @ d / s
        for g, z, d, s in zip(gamma[:, 0], Z_norm, dZ_tilde, std, strict=True)
    ]
    dgamma = np.einsum("ji,ji->j", dZ_tilde, Z_norm)[:, None]
    return np.array(dZ), dgamma, dZ_tilde @ np.ones((m, 1))


def keep(running_mean, running_var, Z, momentum):
    return running_mean, running_var


def plugged(forward=by_rows, backward=backward_by_jacobian):
    return BatchNorm(forward, backward, keep, lambda Z, *others: Z, epsilon=1e-5)


def numbers(said, name):
    """The numbers that the lines name after a word, one for each stop."""
    return [float(re.search(rf"{name} (-?\d+\.\d+)", line)[1]) for line in said]


@pytest.fixture(scope="module")
def digits():
    digits = load("digits")
    return digits.X_train[:, :320], digits.Y_train[:, :320]


@pytest.fixture(scope="module")
def z():
    return np.random.default_rng(0).normal(3.0, 2.0, 600)


def assert_complete(widget, stops):
    setup = widget._setup
    assert len(setup["pages"]) == len(setup["said"]) == len(setup["stops"]) == len(stops)
    assert all(page.startswith("<img") and 'alt="' in page for page in setup["pages"])
    assert all(said in page for page, said in zip(setup["pages"], setup["said"], strict=True))


# --- drift --------------------------------------------------------------------------------------------------


def drift(function, digits, stops=(0, 40)):
    widget = drift_explorer(function, *digits, stops=stops)
    assert_complete(widget, stops)
    halves = [line.split("; ") for line in widget._setup["said"]]
    return [left for left, _ in halves], [right for _, right in halves]


def test_normalized_units_hold_still_while_plain_ones_drift(digits):
    """Mean 0 and spread 1 at every stop with normalization; without it training widens the unit."""
    without, yours = drift(by_rows, digits)
    assert numbers(yours, "mean") == [0, 0] and numbers(yours, "spread") == [1, 1]
    start, later = numbers(without, "spread")
    assert later > 1.5 * start


def test_a_function_that_changes_nothing_shows_no_difference(digits):
    """Both histograms come from the same weights, so only the function can tell them apart."""
    without, yours = drift(unchanged, digits)
    assert numbers(without, "mean") == numbers(yours, "mean")
    assert numbers(without, "spread") == numbers(yours, "spread")


def test_a_function_that_writes_into_its_argument_spoils_nothing(digits):
    """Z is handed over as a copy."""
    assert drift(in_place, digits) == drift(by_rows, digits)


def test_not_a_number_is_said_and_drawn(digits):
    """A function that divides 0 by 0 is a lesson, no crash."""
    _, yours = drift(nowhere, digits)
    assert all("not a number" in line for line in yours)


# --- noise --------------------------------------------------------------------------------------------------


def test_the_noise_falls_with_the_root_of_the_batch_size(z):
    """The mean of m numbers is off by 1/sqrt(m) of their spread: near the middle that is all the noise."""
    example = int(np.argmin(np.abs(z - z.mean())))
    widget = noise_explorer(by_rows, z, example, stops=(1, 2, 16, 64))
    assert_complete(widget, (1, 2, 16, 64))
    alone, pairs, small, large = numbers(widget._setup["said"], "spread")
    assert alone == 0
    assert pairs == pytest.approx(1, abs=0.02)  # half of the values are 1, half are -1
    assert small == pytest.approx(1 / 4, rel=0.2)
    assert large == pytest.approx(1 / 8, rel=0.2)


def test_statistics_that_never_change_make_no_noise(z):
    """A function that does not look at the company gives one value in all mini-batches."""
    widget = noise_explorer(unchanged, z, stops=(2, 8))
    assert numbers(widget._setup["said"], "spread") == [0, 0]


# --- learning rates -----------------------------------------------------------------------------------------


def test_at_a_high_rate_only_the_normalized_network_learns(digits):
    """At rate 1 the plain network stays at the cost of guessing or worse, log 10; the other goes below."""
    widget = rate_explorer(plugged(), *digits, stops=(1.0,), epochs=6, batch_size=32)
    assert_complete(widget, (1.0,))
    without, yours = widget._setup["said"][0].split("; ")
    assert "stopped" in without or numbers([without], "cost")[0] > 2
    assert numbers([yours], "cost")[0] < 1


def test_a_cost_that_is_no_number_is_said_and_nothing_is_printed(digits, capsys):
    """The network's own message about a stop would come once a stop of the slider."""
    widget = rate_explorer(plugged(forward=nowhere), *digits, stops=(0.1,), epochs=1)
    assert "with yours stopped, the cost is no number" in widget._setup["said"][0]
    assert capsys.readouterr().out == ""


def test_a_backward_pass_of_the_wrong_shape_is_named(digits):
    """The cell around it shows the message of the network."""
    with pytest.raises(PluggedFunctionError, match="dgamma"):
        rate_explorer(plugged(backward=lambda d, Z, g, e: (Z, Z[0], Z[0])), *digits, stops=(0.1,))


# --- all three ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (unwritten, NotImplementedError, None),
        (flat, ValueError, "has the shape of Z"),
        (nothing, ValueError, "None came back"),
    ],
)
def test_what_cannot_be_shown_reaches_the_cell(function, error, words, digits, z):
    """The demo around a slider turns the error into a note, so it must not be swallowed."""
    with pytest.raises(error, match=words):
        drift_explorer(function, *digits, stops=(0,))
    with pytest.raises(error, match=words):
        noise_explorer(function, z, stops=(2,))


def test_the_pages_of_a_slider_stay_small(digits, z):
    """A notebook that is saved with its widgets must not grow by megabytes."""
    widgets = {
        STEPS: drift_explorer(in_place, *digits, stops=(0, 20)),
        BATCH_SIZES: noise_explorer(in_place, z, stops=(2, 64)),
        RATES: rate_explorer(None, *digits, stops=(0.1, 10.0)),
    }
    for stops, widget in widgets.items():
        assert len(stops) * max(map(len, widget._setup["pages"])) < 500_000
