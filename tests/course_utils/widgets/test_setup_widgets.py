"""The pages of setup are drawn with the learner's functions, and say what these did."""

import base64
import io
import re

import matplotlib.image
import numpy as np
import pytest

from course_utils import plots
from course_utils.widgets import setup
from course_utils.widgets.setup import contour_explorer, fit_polynomial, learning_explorer, split_explorer


def dealt(m, dev_fraction, test_fraction, rng):
    order = np.argsort(rng.random(m))
    n_dev = round(dev_fraction * m)
    return order[n_dev:], order[:n_dev], order[:0]


def unshuffled(m, dev_fraction, test_fraction, rng):
    n_dev = round(dev_fraction * m)
    return np.arange(m - n_dev), np.arange(m - n_dev, m), np.arange(0)


def both(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    gaps = {"high bias": train_error - bayes_error, "high variance": dev_error - train_error}
    return {name for name in gaps if gaps[name] > tolerance}


def centre_and_spread(X):
    return np.mean(X, axis=1)[:, None], np.sqrt(np.var(X, axis=1))[:, None]


def scaled(X, mu, sigma):
    return np.divide(X - mu, sigma)


def unwritten(*arguments):
    raise NotImplementedError


@pytest.fixture(scope="module")
def clusters():
    """Three clusters in order of their class, which a linear model tells apart."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    return np.eye(3)[:, labels] + 0.1 * rng.standard_normal((3, 120)), labels


@pytest.fixture(scope="module")
def bent():
    """Points whose class no line can tell: above or below a parabola."""
    X = np.random.default_rng(1).uniform([[-1.0], [-0.7]], [[2.0], [1.2]], (2, 200))
    return X, (X[1] > 0.9 * (X[0] - 0.5) ** 2 - 0.3).astype(int)


def percents(said):
    return [float(number) for number in re.findall(r"(\d+\.\d) %", said)]


def read_right(said):
    """The share that a stop says was read right on average, in percent."""
    return float(re.search(r"(\d+\.\d) % read right", said)[1])


def test_every_page_says_what_it_shows(clusters, bent):
    """A reader who sees no picture gets the words of the slider as its alternative text."""
    for widget in (
        split_explorer(dealt, *clusters, shares=(0.1, 0.5), repeats=3),
        learning_explorer(dealt, both, *bent, 0.0, sizes=(20, 60), repeats=2),
        contour_explorer(centre_and_spread, scaled, ratios=(1.0, 3.0)),
    ):
        stops = widget._setup
        assert len(stops["pages"]) == len(stops["said"]) == len(stops["stops"]) == 2
        assert all(said in page for said, page in zip(stops["said"], stops["pages"], strict=True))
        assert 0 <= stops["start"] < 2


def test_pages_of_a_lesson_stay_small(clusters, bent):
    """All pictures of a slider together weigh less than half a megabyte."""
    for widget in (
        split_explorer(dealt, *clusters),
        learning_explorer(dealt, both, *bent, 0.0),
        contour_explorer(centre_and_spread, scaled),
    ):
        assert sum(map(len, widget._setup["pages"])) < 500_000


def test_a_picture_in_few_colours_looks_the_same():
    """A single dot keeps its colour although many shades of something else surround it."""

    def pixels(page):
        data = re.search(r'base64,([^"]+)', page)[1]
        return matplotlib.image.imread(io.BytesIO(base64.b64decode(data)), format="png")[..., :3]

    with plots.unshown(width=4, height=2) as (fig, ax):
        ax.imshow(np.add.outer(np.arange(20), np.arange(40)), cmap=plots.loss_map())
        ax.plot(20, 10, "o", color=plots.COLOURS["vermillion"], ms=4)
        plots.png(fig, "settles where things stand")
        fig.set_layout_engine("none")
        full, few = (
            pixels(plots.png(fig, "a dot", dpi=100)),
            pixels(plots.png(fig, "a dot", dpi=100, colours=64)),
        )
    assert np.abs(full - few).max() < 0.12
    assert len(np.unique(few.reshape(-1, 3), axis=0)) <= 64


def test_a_split_that_does_not_shuffle_is_seen(clusters):
    """Of a sorted folder the last fifth holds one class, some of which was learnt; a fair split reads all."""
    fair, cut = (split_explorer(split, *clusters, shares=(0.4,), repeats=2) for split in (dealt, unshuffled))
    assert read_right(fair._setup["said"][0]) > 95
    assert read_right(cut._setup["said"][0]) < 50


def test_the_error_bar_is_that_of_a_proportion():
    """With labels that nothing tells, half are right by chance: sqrt(0.25 / 100) is 5 %."""
    rng = np.random.default_rng(2)
    X, labels = rng.standard_normal((2, 400)), rng.integers(0, 2, 400)
    said = split_explorer(dealt, X, labels, shares=(0.25,), repeats=20)._setup["said"][0]
    assert re.search(r"standard error of one dev set is 5\.0 %", said)


def test_sizes_are_those_that_the_split_returned(clusters):
    """The numbers of examples come from the parts, not from the fractions."""

    def all_but_one(m, dev_fraction, test_fraction, rng):
        order = np.argsort(rng.random(m))
        return order[1:], order[:1], order[:0]

    said = split_explorer(all_but_one, *clusters, shares=(0.5,), repeats=2)._setup["said"][0]
    assert said.startswith("119 images train, 1 judge")


def test_a_polynomial_of_degree_2_learns_a_parabola_and_a_line_does_not(bent):
    """The stiff model has bias that no example cures."""
    X, Y = bent
    errors = [np.mean((fit_polynomial(X, Y, degree)(X) > 0) != Y) for degree in (1, 2)]
    assert errors[1] < 0.06 < errors[0]


def test_learning_curves_show_bias_of_the_stiff_and_variance_of_the_flexible_model(bent):
    """With few examples the flexible model learns all by heart; the stiff one errs on what it saw."""
    said = learning_explorer(dealt, both, *bent, 0.0, sizes=(12, 100), repeats=10)._setup["said"]
    stiff, flexible = np.array([percents(each) for each in said]).reshape(2, 2, 2).swapaxes(0, 1)
    assert flexible[0, 0] < 2 and flexible[0, 1] > 10  # 12 examples: training, dev
    assert flexible[1, 1] < flexible[0, 1]  # more data helps
    gaps = stiff[:, 1] - stiff[:, 0]
    assert gaps[1] < gaps[0] and stiff[1, 0] > 8 > flexible[1, 0]  # 100 examples: closer, and high


def test_the_diagnosis_is_the_learners(bent):
    """What diagnose returns stands in the words, with the errors and the tolerance that it was given."""
    seen = []

    def gloomy(*arguments):
        seen.append(arguments)
        return {"high bias", "high variance"}

    said = learning_explorer(dealt, gloomy, *bent, 0.1, sizes=(20,), repeats=2)._setup["said"][0]
    assert said.count("high bias and high variance") == 2
    assert all(bayes_error == 0.1 and tolerance == setup.TOLERANCE for *_, bayes_error, tolerance in seen)


def rings_and_steps(said):
    """Length over width and steps, as they come and normalised."""
    return [float(n) for n in re.findall(r"([\d.]+) times as long", said)], [
        int(n) for n in re.findall(r"(\d+) steps", said)
    ]


def test_rings_are_as_long_as_the_spreads_differ_and_round_when_normalised():
    """Curvatures are squared spreads; with condition k = r^2 the best rate shrinks by (k-1)/(k+1) a step."""
    said = contour_explorer(centre_and_spread, scaled, ratios=(5.0,))._setup["said"][0]
    rings, steps = rings_and_steps(said)
    assert rings == pytest.approx([5.0, 1.0], abs=0.5)
    expected = np.log(100) / np.log((25 + 1) / (25 - 1))
    assert steps[0] == pytest.approx(expected, rel=0.1) and steps[1] < 4


def test_dividing_by_the_variance_turns_the_ravine_round():
    """x / sigma^2 leaves a spread of 1 / sigma: as bad as before, the other way."""
    said = contour_explorer(
        lambda X: (centre_and_spread(X)[0], centre_and_spread(X)[1] ** 2), scaled, ratios=(4.0,)
    )._setup["said"][0]
    rings, steps = rings_and_steps(said)
    assert rings == pytest.approx([4.0, 4.0], abs=0.6)
    assert steps[1] > 20


def test_careless_functions_spoil_nothing():
    """A function that writes into its arguments changes no other stop and no other side."""

    def in_place(X, mu, sigma):
        X -= mu
        X /= sigma
        mu[...] = sigma[...] = 0
        return X

    careful, careless = (
        contour_explorer(centre_and_spread, f, ratios=(1.0, 3.0))._setup["said"] for f in (scaled, in_place)
    )
    assert careful == careless


def test_normalize_with_a_wrong_shape_or_nan_is_said_in_words():
    """The cell around it shows the message, so it names the function and what was expected."""
    for wrong in (lambda X, mu, sigma: X[:, :1], lambda X, mu, sigma: X * np.nan):
        with pytest.raises(ValueError, match=r"normalize should return finite numbers of shape \(2, 300\)"):
            contour_explorer(centre_and_spread, wrong, ratios=(2.0,))


def test_an_unwritten_function_is_not_swallowed(clusters, bent):
    """The cell around it says what it waits for, so the error must reach it."""
    for show in (
        lambda: split_explorer(unwritten, *clusters),
        lambda: learning_explorer(dealt, unwritten, *bent, 0.0, sizes=(20,), repeats=2),
        lambda: contour_explorer(unwritten, scaled),
    ):
        with pytest.raises(NotImplementedError):
            show()
