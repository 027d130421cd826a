"""The cases of the dropout exercises judge fairly beyond what selftest tries."""

import zlib

import numpy as np
import pytest

from autograder.exercises import PUBLIC_SEED, behaviour, draw, topic
from course_utils import properties
from course_utils.examine import FAILED, PASSED, report

EXERCISES = topic("dropout")
SEEDS = (0, 1, 2, 3, 4, PUBLIC_SEED)

# overflow in sigmoid and division by 1 - keep_prob = 0 are what some of the functions do
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(scope="module")
def drawn():
    """Draw each exercise once a seed."""
    known = {}

    def get(name, seed, public_only):
        key = (name, seed, public_only)
        if key not in known:
            known[key] = draw(EXERCISES[name], seed, public_only=public_only)
        return known[key]

    return get


def judged(function, drawn):
    seen = {check.name: behaviour(function, check) for check in drawn.checks}
    return report(drawn.exercise, drawn.checks, seen, drawn.mistakes, show_numbers=True)


# --- wrong in ways that no misconception lists ---


def shares_of_tenths(A, keep_prob, rng):
    mask = rng.integers(0, 10, A.shape) < keep_prob * 10
    return A * mask / keep_prob, mask


def only_active_units(A, keep_prob, rng):
    mask = (rng.random(A.shape) < keep_prob) & (A > 0)
    return A * mask / keep_prob, mask


def largest_survive(A, keep_prob, rng):
    mask = np.abs(A) + 1e-9 * rng.random(A.shape) >= np.quantile(np.abs(A), 1 - keep_prob)
    return A * mask / keep_prob, mask


def blocks(A, keep_prob, rng):
    n, m = A.shape
    mask = np.kron(rng.random((n, m // 2 + 1)) < keep_prob, np.ones((1, 2), bool))[:, :m].astype(bool)
    return A * mask / keep_prob, mask


def one_of_ten_seeds(A, keep_prob, rng):
    mask = np.random.default_rng(rng.integers(10)).random(A.shape) < keep_prob
    return A * mask / keep_prob, mask


def another_mask_returned(A, keep_prob, rng):
    return A * (rng.random(A.shape) < keep_prob) / keep_prob, rng.random(A.shape) < keep_prob


def mean_forced(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    kept = np.abs(A * mask).sum()
    return A * mask * (np.abs(A).sum() / kept if kept else 1), mask


def in_place(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    A *= mask
    return A / keep_prob, mask


def whole_number_result(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    A_dropped = np.zeros_like(A)
    A_dropped[mask] = A[mask] / keep_prob
    return A_dropped, mask


@pytest.mark.parametrize(
    "wrong",
    [
        shares_of_tenths,
        only_active_units,
        largest_survive,
        blocks,
        another_mask_returned,
        mean_forced,
        in_place,
        whole_number_result,
    ],
)
def test_other_wrong_masks_are_refused(wrong, drawn):
    """What nobody listed is refused as well, each for what it does to a mask or a mean."""
    for seed in SEEDS:
        assert judged(wrong, drawn("dropout_forward", seed, False)).status == FAILED, seed


def test_a_handful_of_masks_is_refused_most_of_the_time(drawn):
    """Ten seeds for all masks: four calls meet one of them twice, or not, so most drawings refuse it."""
    refused = [
        judged(one_of_ten_seeds, drawn("dropout_forward", seed, False)).status == FAILED for seed in SEEDS
    ]
    assert any(refused)


def test_a_network_that_counts_out_its_masks_is_refused(drawn):
    """Each mask alone is a possible one; only that the count never varies gives it away."""
    from autograder.exercises.dropout import forward_exact_count, train_forward

    def wrong(X, parameters, keep_probs, rng):
        return train_forward(X, parameters, keep_probs, rng, drop=forward_exact_count)

    for seed in SEEDS:
        said = judged(wrong, drawn("forward_with_dropout", seed, False))
        assert [row.name for row in said.rows if row.status != PASSED] == [
            "how many are kept is left to chance"
        ]


def repeated_block(A, keep_prob, rng):
    block = rng.random((A.shape[0], min(A.shape[1], 64))) < keep_prob
    mask = np.tile(block, (1, -(-A.shape[1] // 64)))[:, : A.shape[1]]
    return A * mask / keep_prob, mask


def cut_at_ten(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    return np.clip(A * mask / keep_prob, -10, 10), mask


@pytest.mark.parametrize("wrong", [repeated_block, cut_at_ten])
def test_what_shows_in_wide_layers_and_in_large_numbers_alone_is_refused(wrong, drawn):
    """Blocks of 64 columns fit into most masks, a bound of ten holds for most activations."""
    for seed in SEEDS:
        assert judged(wrong, drawn("dropout_forward", seed, False)).status == FAILED, seed


@pytest.mark.parametrize("guarded", [True, False])
def test_who_divides_by_the_dropped_share_is_named_with_and_without_a_way_out(guarded, drawn):
    """At keep_prob 1 one learner gets inf and another one has thought of it: the belief is the same."""

    def wrong(A, keep_prob, rng):
        mask = rng.random(A.shape) < keep_prob
        return A * mask / np.float64((1 - keep_prob or 1) if guarded else 1 - keep_prob), mask

    for seed in SEEDS:
        said = judged(wrong, drawn("dropout_forward", seed, False))
        assert said.misconception == "dropout-scaled-by-dropped-share"


def test_a_wrong_factor_is_not_taken_for_cut_off_fractions(drawn):
    """Both give kept entries of a wrong size; only one of them holds whole numbers."""

    def wrong(A, keep_prob, rng):
        mask = rng.random(A.shape) < keep_prob
        return A * mask / np.sqrt(keep_prob), mask

    for seed in SEEDS:
        assert judged(wrong, drawn("dropout_forward", seed, False)).misconception is None


def test_one_cause_shows_as_one_red_line(drawn):
    """Of a mask of numbers only the form is said to be wrong; the shares are still judged, and right."""
    known = {m.key: m.wrong for m in EXERCISES["dropout_forward"].misconceptions}
    said = judged(known["dropout-mask-of-numbers"], drawn("dropout_forward", 0, False))
    assert [row.name for row in said.rows if row.status != PASSED] == ["the mask says which entries are kept"]


def test_drop_probability_users_of_other_constants_are_named(drawn):
    """Who predicts with dropout at 0.8 instead of 0.5 holds the same idea, and is told so."""
    from autograder.exercises.dropout import train_forward

    def wrong(X, parameters):
        keep_probs = [0.8] * (len(parameters) // 2 - 1)
        return train_forward(X, parameters, keep_probs, np.random.default_rng())[0] > 0.5

    for seed in SEEDS:
        assert judged(wrong, drawn("predict", seed, True)).misconception == "predict-drops"


# --- what students receive ---


@pytest.mark.parametrize("name", EXERCISES)
def test_public_cases_can_be_handed_out(name):
    """A public verifier lives where students can import it, and what it needs besides is plain numbers."""
    for case in EXERCISES[name].cases:
        if case.public and case.verify:
            assert getattr(properties, case.verify.__name__) is case.verify
    for check in draw(EXERCISES[name], PUBLIC_SEED, public_only=True).checks:
        for call in check.calls:
            tables = call.aid.get("outputs", {})
            assert set(call.aid) <= {"outputs"}
            assert all(isinstance(t, np.ndarray) and t.nbytes < 2**20 for t in tables.values())


def test_the_table_holds_the_network_computed_entry_by_entry():
    """A road of its own to AL: one example, one pattern, sums written out."""
    case = EXERCISES["forward_with_dropout"].cases[0]
    (call, *_) = case.inputs(np.random.default_rng(zlib.crc32(b"any")))
    X, p, keep = (call.arguments[k] for k in ("X", "parameters", "keep_probs"))
    table = call.aid["outputs"]["right"][0]
    for pattern in (0, 1, 37, 127):
        for column in (0, 5):
            a = list(X[:, column])
            unit = 0
            for layer in (1, 2):
                after = []
                for weights, bias in zip(p[f"W{layer}"], p[f"b{layer}"][:, 0], strict=True):
                    z = sum(w * x for w, x in zip(weights, a, strict=True)) + bias
                    on = pattern >> unit & 1
                    after.append(max(z, 0) / keep[layer - 1] if on else 0)
                    unit += 1
                a = after
            z = sum(w * x for w, x in zip(p["W3"][0], a, strict=True)) + p["b3"][0, 0]
            assert table[pattern, column] == pytest.approx(1 / (1 + np.exp(-z)))


@pytest.mark.parametrize("name", EXERCISES)
def test_no_output_of_predict_lies_at_the_threshold_by_rounding(name):
    """Only the case of exact zeros touches 0.5: everywhere else the score is clear."""
    from autograder.exercises.dropout import answer

    if name != "predict":
        return
    for seed in range(20):
        for check in draw(EXERCISES[name], seed).checks:
            for call in check.calls:
                distance = np.abs(answer(**call.arguments) - 0.5).min()
                assert distance > 1e-6 or check.name == "an output of exactly 0.5 is no"
