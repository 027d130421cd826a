"""Verifiers of random results: right draws pass, and each kind of dependence is seen and named."""

import itertools

import numpy as np
import pytest
from scipy import stats

from course_utils import properties
from course_utils.calls import RETURNED, Call, Observation
from course_utils.plain import Draws

RNG = np.random.default_rng


def seen(*values):
    return [Observation(RETURNED, value) for value in values]


def dropout_calls(A, keep_prob, times=1):
    return [Call({"A": A, "keep_prob": keep_prob, "rng": Draws(1)}) for _ in range(times)]


def codes(found):
    return [finding.code for finding in found]


# --- bounds ---


@pytest.mark.parametrize("n", [1, 7, 300, 20_000])
@pytest.mark.parametrize("p", [0.005, 0.3, 0.5, 0.985])
def test_bounds_are_the_binomial_tails(n, p):
    """Each tail beyond the range holds at most half the chance, and the range is as narrow as that allows."""
    chance = 1e-6
    low, high = properties.binomial_range(n, p, chance)
    binomial = stats.binom(n, p)
    assert binomial.cdf(low - 1) <= chance / 2 < binomial.cdf(low)
    assert binomial.sf(high) <= chance / 2 < binomial.sf(high - 1)


@pytest.mark.parametrize(("p", "bounds"), [(0.0, (0, 0)), (1.0, (9, 9))])
def test_certain_and_impossible_leave_no_room(p, bounds):
    """With probability 0 or 1 there is one possible count."""
    assert properties.binomial_range(9, p) == bounds


def test_pairs_use_no_column_twice():
    """The counts of agreements are binomial only if the pairs are disjoint."""
    columns = np.arange(20)[None]
    for lag in (1, 2, 3, 10):
        left, right = properties.pairs(columns, lag)
        assert (right - left == lag).all()
        used = np.concatenate([left, right], axis=None)
        assert len(set(used)) == used.size >= 20 - 2 * lag


# --- functions of chance in general ---


def twin_calls():
    return [Call({"rng": Draws(5, name)}) for name in ("first", "second", "first")]


@pytest.mark.parametrize(
    ("values", "code"), [((1, 1, 2), []), ((1, 2, 3), ["repeat:differs"]), ((1, 1, 1), ["renew:same"])]
)
def test_equal_states_and_later_calls(values, code):
    """Equal generators agree, and a generator that has moved on gives something new."""
    results = seen(*(np.full((4, 4), v) for v in values))
    assert codes(properties.fresh_draws(twin_calls(), results)) == code


def test_without_chance_equal_calls_agree():
    """A result that changes between equal calls was drawn."""
    calls = [Call({}), Call({})]
    assert properties.same_each_time(calls, seen(np.ones(2), np.ones(2))) == []
    assert codes(properties.same_each_time(calls, seen(np.ones(2), np.zeros(2)))) == ["repeat:differs"]


# --- one mask ---


def planted(name, rng, n=40, m=60, p=0.7):
    """A mask with one fault, and otherwise the right share."""
    free = rng.random((n, m)) < p
    if name == "one mask for all columns":
        return np.repeat(free[:, :1], m, axis=1)
    if name == "one mask for all rows":
        return np.repeat(free[:1], n, axis=0)
    if name == "two halves alike":
        return np.tile(free[:, : m // 2], 2)
    if name == "neighbours share a draw":
        return np.repeat(free[:, : m // 2], 2, axis=1)
    if name == "rows share a draw":
        return np.repeat(free[: n // 2], 2, axis=0)
    if name == "counted in each column":
        return np.argsort(rng.random((n, m)), axis=0) < round(p * n)
    if name == "counted in each row":
        return np.argsort(rng.random((n, m)), axis=1) < round(p * m)
    raise KeyError(name)


FAULTS = {
    "one mask for all columns": "alike:columns",
    "one mask for all rows": "alike:rows",
    "two halves alike": "related:columns",
    "neighbours share a draw": "related:columns",
    "rows share a draw": "related:rows",
    "counted in each column": "counted:column",
    "counted in each row": "counted:row",
}


@pytest.mark.parametrize("name", FAULTS)
def test_dependent_entries_are_named(name):
    """Every planted dependence has its own code, whatever was drawn."""
    for seed in range(20):
        assert properties.dependence(planted(name, RNG(seed)), 0.7).code == FAULTS[name]


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3), (40, 60)])
@pytest.mark.parametrize("p", [0.01, 0.3, 0.8, 0.99, 1.0])
def test_independent_entries_pass(shape, p):
    """A right mask of any shape and share is never suspected, nor a small one that is alike by chance."""
    for seed in range(50):
        assert properties.dependence(RNG(seed).random(shape) < p, p) is None


def test_a_count_that_never_varies_is_seen():
    """Drawing without replacement fixes the sum; only several masks show it."""
    A, rng = np.ones((40, 50)), RNG(3)
    masks = [(rng.permutation(2000) < 1600).reshape(40, 50) for _ in range(10)]
    found = properties.entries_independent(dropout_calls(A, 0.8, 10), seen(*((A * k, k) for k in masks)))
    assert codes(found) == ["counted:whole"]


def test_a_mask_that_depends_on_the_one_before_is_seen():
    """The complement of the last mask has the right share at keep_prob 0.5, and is no new draw."""
    A, mask = np.ones((40, 50)), RNG(3).random((40, 50)) < 0.5
    found = properties.entries_independent(
        dropout_calls(A, 0.5, 2), seen((A * mask, mask), (A * ~mask, ~mask))
    )
    assert codes(found) == ["alike:calls"]


@pytest.mark.parametrize(
    ("kept", "code"),
    [
        (lambda rng, A: rng.random(A.shape) < 0.8, []),
        (lambda rng, A: rng.random(A.shape) < 0.2, ["share:dropped instead"]),
        (lambda rng, A: rng.standard_normal(A.shape) < 0.8, []),  # 0.788: one keep_prob cannot tell
        (lambda rng, A: rng.random(A.shape) < 0.5, ["share:always half"]),
        (lambda rng, A: rng.random(A.shape) < 0.65, ["share:other"]),
        (lambda rng, A: np.ones(A.shape, bool), ["share:all"]),
        (lambda rng, A: (rng.random(A.shape) < 0.8) & (A != 0), ["kept by value:zero"]),
        (lambda rng, A: (rng.random(A.shape) < 0.8) | (A < 0), ["kept by value:negative"]),
    ],
)
def test_shares_are_named(kept, code):
    """The share of all entries, and of zeros, negative, small and large ones, must be keep_prob."""
    for seed in range(10):
        rng = RNG(seed)
        A = np.maximum(rng.normal(size=(50, 60)), 0) - (rng.random((50, 60)) < 0.2)
        mask = kept(rng, A)
        assert codes(properties.kept_share(dropout_calls(A, 0.8), seen((A * mask, mask)))) == code


def test_a_mask_per_unit_is_no_wrong_share():
    """With 50 coins instead of 3000 the share scatters widely: that is the same mistake, not another one."""
    A = np.ones((50, 60))
    for seed in range(50):
        mask = np.repeat(RNG(seed).random((50, 1)) < 0.8, 60, axis=1)
        assert properties.kept_share(dropout_calls(A, 0.8), seen((A * mask, mask))) == []


@pytest.mark.parametrize(
    ("factor", "code"),
    [(1.25, []), (1, ["scale:missing"]), (0.8, ["scale:times keep_prob"]),
     (5, ["scale:by the dropped share"]), (1.25**2, ["scale:twice"]), (1.2, ["scale:other"]),
     (np.inf, ["scale:not finite"])],
)  # fmt: skip
def test_factors_are_named(factor, code):
    """Each wrong factor has its own code."""
    A, mask = np.arange(12.0).reshape(3, 4), np.arange(12).reshape(3, 4) % 5 > 0
    A_dropped = np.where(mask & (A > 0), A * factor if np.isfinite(factor) else np.inf, 0)
    assert codes(properties.kept_is_scaled(dropout_calls(A, 0.8), seen((A_dropped, mask)))) == code


A = np.array([[1.0, -2.0, 0.0], [4.0, 5.0, 6.0]])
MASK = np.array([[True, False, True], [False, True, True]])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ((A * MASK, MASK), []),
        (A * MASK, ["return:no pair"]),
        ((MASK, A * MASK), ["return:swapped"]),
        ((A * MASK, MASK * 1.0), ["mask:numbers"]),
        ((A * MASK, MASK / 0.8), ["mask:scaled"]),
        ((A * MASK[:, :1], MASK[:, :1]), ["mask:shape"]),
        (((A * MASK).ravel(), MASK), ["result:shape"]),
        ((A * MASK, ~MASK), ["mask:marks the dropped"]),
        ((A, MASK), ["dropped:nothing"]),
        ((A * np.roll(MASK, 1, axis=1), MASK), ["dropped:not zero"]),
        ((A * MASK * [[0], [1]], MASK), ["kept:zero"]),
    ],
)
def test_forms_are_named(value, code):
    """A mask is boolean, has the shape of A, and says truly what was kept."""
    assert codes(properties.mask_fits_result(dropout_calls(A, 0.8), seen(value))) == code


# --- a network ---


def network_call(keep_probs=(0.8, 0.5), n=(3, 40, 30, 1), m=50, aid=None):
    pairs = enumerate(itertools.pairwise(n), start=1)
    parameters = {
        k: v for l, (i, o) in pairs for k, v in ((f"W{l}", np.ones((o, i))), (f"b{l}", np.ones((o, 1))))
    }
    return [
        Call({"X": np.ones((n[0], m)), "parameters": parameters, "keep_probs": list(keep_probs)}, aid or {})
    ]


def masks_of(rng, shares, n=(40, 30), m=50):
    return [rng.random((k, m)) < p for k, p in zip(n, shares, strict=True)]


@pytest.mark.parametrize(
    ("shares", "code"),
    [((0.8, 0.5), []), ((0.8, 0.8), ["shares:first for all"]), ((0.5, 0.5), ["shares:last for all"]),
     ((0.5, 0.8), ["shares:backwards"]), ((0.2, 0.5), ["shares:dropped instead"]),
     ((0.65, 0.5), ["shares:other"])],
)  # fmt: skip
def test_shares_of_layers_are_named(shares, code):
    """Each layer keeps its own share."""
    for seed in range(10):
        value = (np.full((1, 50), 0.5), masks_of(RNG(seed), shares))
        assert codes(properties.layer_masks(network_call(), seen(value))) == code


def test_layers_that_share_their_numbers_are_seen():
    """Generators made anew in each layer give masks that are copies as far as they reach."""
    for seed in range(10):
        masks = [RNG(seed).random((n, 50)) < p for n, p in ((40, 0.8), (30, 0.5))]
        found = properties.layer_masks(network_call(), seen((np.full((1, 50), 0.5), masks)))
        assert codes(found) == ["layers:related"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [((40, 30), []), ((3, 40), ["masks:of the inputs"]), ((3, 40, 30), ["masks:input as well"]),
     ((40, 30, 1), ["masks:output as well"]), ((40,), ["masks:shapes"])],
)  # fmt: skip
def test_where_dropout_stands_is_read_from_the_shapes(rows, code):
    """One mask for each hidden layer, none for input and output."""
    masks = [np.ones((n, 50), bool) for n in rows]
    call = network_call((1.0, 1.0))
    assert codes(properties.layer_masks(call, seen((np.full((1, 50), 0.5), masks)))) == code


def test_outputs_are_looked_up_by_the_pattern_of_each_column():
    """Row p of the table belongs to the pattern whose binary digits are the units, the first one lowest."""
    table = np.array([[[0.0, 0.1], [1.0, 1.1], [2.0, 2.1], [3.0, 3.1]]])
    call = network_call((0.5,), (1, 2, 1), 2, {"outputs": {"right": table, "unscaled": table + 10}})
    mask = np.array([[True, False], [False, True]])  # patterns 1 and 2
    right = np.array([[1.0, 2.1]])
    assert properties.output_follows_masks(call, seen((right, [mask]))) == []
    assert codes(properties.output_follows_masks(call, seen((right + 10, [mask])))) == ["output:unscaled"]
    assert codes(properties.output_follows_masks(call, seen((right[:, ::-1], [mask])))) == ["output:other"]


def test_narrow_numbers_are_no_first_weights():
    """Weights in float32 hold half of the digits that all else in a network is computed with."""
    call = Call({"layer_dims": [3, 2], "rng": Draws(1)})
    for dtype, code in ((np.float64, None), (np.float32, "form:narrow")):
        weights = {"W1": np.ones((2, 3), dtype), "b1": np.zeros((2, 1))}
        found = properties.parameters_have_form([call], [Observation("returned", weights)])
        assert [finding.code for finding in found] == ([code] if code else [])
