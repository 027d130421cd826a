"""Equal results in any dress agree; a difference is said in words that hold no number of the data."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils.compare import differences, same

numbers = hnp.arrays(np.float64, (3, 2), elements=st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6))


@pytest.mark.parametrize(
    "actual, expected",
    [
        (np.float64(2.0), 2.0),
        (np.array(2.0), 2.0),
        (2, 2.0),
        ([1.0, 2.0], (1.0, 2.0)),
        (np.int64(3), 3),
        (np.array(3), 3),
        (np.bool_(True), True),
        (np.ones(2, dtype=np.float32), np.ones(2)),
        (np.ones(2, dtype=int), np.ones(2)),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
        ({1, 2}, {2, 1}),
        (0.1 + 0.2, 0.3),
        (float("nan"), float("nan")),
        (np.array([np.inf]), np.array([np.inf])),
    ],
)
def test_right_in_another_dress(actual, expected):
    """Python and NumPy numbers, 0-d arrays, tuples and lists, order of keys: all the same."""
    assert same(actual, expected)


@pytest.mark.parametrize(
    "actual, expected, word",
    [
        (np.ones((2, 1)), 2.0, "float"),
        (True, 1.0, "float"),
        (1.5, 1, "integer"),
        (1, True, "True or False"),
        ([1.0, 2.0], np.ones(2), "array"),
        (np.ones((2, 3)), np.ones((3, 2)), "swapped"),
        (np.ones(3), np.ones((3, 1)), "keepdims"),
        (np.ones(2), np.ones(2, dtype=bool), "True and False"),
        (np.ones(2), np.arange(2), "integers"),
        ({"a": 1}, {"a": 1, "b": 2}, "lacks the key b"),
        ({"a": 1, "c": 2}, {"a": 1}, "do not belong there: c"),
        ((1.0,), (1.0, 2.0), "number of items"),
        ("saddle", "minimum", "not the right"),
        (np.array([np.nan, 1]), np.ones(2), "nan"),
        (None, 1.0, "None"),
        (np.array([-1.0, -2]), np.array([1.0, 2]), "sign"),
    ],
)
def test_what_differs_is_said(actual, expected, word):
    """Each kind of difference has its own words."""
    assert word in differences(actual, expected)[0].problem


@given(numbers, st.integers(0, 5), st.sampled_from([1 + 1e-5, 0.99, -1.0]))
def test_every_entry_counts(expected, at, factor):
    """One entry off by a hundred-thousandth is found wherever it stands; rounding is not."""
    actual = expected.copy()
    actual.flat[at] *= factor
    small = abs(expected.flat[at]) * abs(factor - 1) <= 1e-10 * np.abs(expected).max()
    assert same(actual, expected) == small
    assert same(expected * (1 + 1e-12), expected)


def test_infinity_forgives_nothing():
    """Where infinity is expected, only infinity agrees."""
    assert same(np.array([np.inf, 1.0]), np.array([np.inf, 1.0]))
    assert not same(np.array([1.6, 1.0]), np.array([np.inf, 1.0]))
    assert not same(1.6, float("inf")) and not same(float("inf"), 1.6)


def test_tiny_values_are_judged_by_their_own_size():
    """An array of values near 1e-9 is not forgiven an error of 1e-10."""
    tiny = np.full((2, 2), 1e-9)
    assert not same(tiny * 1.1, tiny)
    assert not same(0.0, 1e-300)


@given(numbers)
def test_problems_hold_no_numbers_of_the_data(expected):
    """What a student may read of a hidden case names shapes and counts only."""
    for actual in (expected + 1, -expected, expected * 3, expected[:2], expected * np.nan):
        for found in differences(actual, expected):
            assert not re.search(r"\d\.\d|\d{3}|e[+-]\d", found.problem)


def test_a_common_cause_is_said():
    """Sign, factor, offset and transposition of the whole result are recognised."""
    e = np.array([[1.0, 2.0], [3.0, 5.0]])
    said = {
        name: differences(a, e)[0].problem for name, a in {"-": -e, "*": 2 * e, "+": e + 1, "T": e.T}.items()
    }
    assert (
        "sign" in said["-"] and "factor" in said["*"] and "amount" in said["+"] and "transpose" in said["T"]
    )
