"""The moving pictures of searches: every stop has its picture and its words, and the sums are right."""

import math
import re

import numpy as np
import pytest

from course_utils import plots
from course_utils.widgets.hyperparameter_search import (
    LONGEST,
    Ledger,
    caviar_explorer,
    guess,
    guess_explorer,
    plot_batch,
    plot_trials,
    search_race,
    surface,
    zoom_explorer,
)

GOOD = {"learning_rate": 0.08, "beta": 0.95}


def is_whole(widget):
    """One picture with alternative text for each stop, and all together light enough to load at once."""
    setup = widget._setup
    assert len(setup["pages"]) == len(setup["said"]) == len(setup["stops"])
    assert all(re.match(r'<img alt="[^"]{40,}"', page) for page in setup["pages"])
    assert sum(map(len, setup["pages"])) < 500_000
    return setup


def improvement(mean, std, best):
    """By 400 quantiles of the belief: another road than the formula."""
    f = mean + std * np.sqrt(2) * np.array([[_probit(p)] for p in (np.arange(400) + 0.5) / 400])
    return np.maximum(best - f, 0).mean(axis=0)


def _probit(p):
    low, high = -5.0, 5.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < 2 * p - 1 else (low, middle)
    return low


def test_the_surface_has_one_valley_and_falls_with_the_epochs():
    """Its best is about 0.03 near a learning rate of 0.08; more epochs never hurt."""
    assert surface(GOOD) == pytest.approx(0.03, abs=0.01)
    rates = np.geomspace(1e-4, 10, 50)
    errors = surface({"learning_rate": rates, "beta": 0.95})
    assert (np.diff(np.sign(np.diff(errors))) != 0).sum() == 1
    assert (np.diff([surface(GOOD, epochs) for epochs in (1, 3, 9, 27)]) < 0).all()


def test_a_ledger_adds_up_what_was_spent_and_knows_the_best_full_training():
    """A short training is no result yet, however good it looks."""
    ledger = Ledger(lambda settings, epochs: settings["x"] / epochs, longest=10)
    ledger({"x": 5.0})
    ledger({"x": 1.0}, 5)
    ledger({"x": 4.0}, 10)
    assert ledger.spent == 25 and ledger.best == 0.4
    assert [epochs for _, epochs, _ in ledger.tried] == [10, 5, 10]
    assert math.isnan(Ledger().best)


def test_the_race_shows_what_each_had_after_the_same_number_of_epochs():
    """Ten full trainings against thirty short ones and one long one."""
    few, many = Ledger(), Ledger()
    for k in range(10):
        few({"learning_rate": 10.0 ** (k / 2 - 4), "beta": 0.9})
    for k in range(30):
        many({"learning_rate": 10.0 ** (k / 6 - 4), "beta": 0.5}, 3)
    many(GOOD)
    setup = is_whole(search_race({"few": few, "many": many}, stops=3))
    assert [int(stop) for stop in setup["stops"]] == [90, 180, 270]
    assert "few: 3 settings" in setup["said"][0] and "many: 30 settings, none" in setup["said"][0]
    assert f"many: 31 settings, best {surface(GOOD):.3f}" in setup["said"][2]


def test_zooming_says_the_box_of_each_round():
    """Two rounds, the second inside the first."""
    trials = [({"learning_rate": rate, "beta": beta}, rate) for rate, beta in [(0.01, 0.5), (0.1, 0.99)]]
    box = {"learning_rate": (0.01, 0.1), "beta": (0.5, 0.99)}
    point = {"learning_rate": (0.01, 0.01), "beta": [0.5, 0.5]}
    setup = is_whole(zoom_explorer([(trials, box), ([*trials, (GOOD, math.nan)], point)]))
    assert "0.01 to 0.1, beta 0.5 to 0.99" in setup["said"][0]
    assert "best error 0.010" in setup["said"][1]


def test_the_batch_counts_the_epochs_of_those_that_go_on():
    """Of eight, four stop after 2 epochs, three after 4, one runs for 8: 8 + 12 + 8. One curve breaks off."""
    curves = np.linspace(0.9, np.linspace(0.1, 0.8, 8), 8).T
    curves[6, 3:] = np.nan
    asked = [(i, 2) for i in range(8)] + [(i, 4.0) for i in range(4)] + [(0, 8)]
    setup = is_whole(caviar_explorer(curves, asked, stops=3))
    assert "1 of 8 go on, 28 epochs spent in place of 64" in setup["said"][-1]
    at_2 = setup["said"][setup["stops"].index("2")]
    assert "8 of 8 go on, 16 epochs spent in place of 16" in at_2


def test_standing_pictures_name_the_best():
    """A NaN is never the best, and equal learning rates count once."""
    with plots.unshown(columns=3) as (_, (top, bottom, curves)):
        trials = [({"learning_rate": 0.1, "units": k}, error) for k, error in enumerate([math.nan, 0.4, 0.2])]
        plot_trials(top, bottom, trials, "grid")
        plot_batch(curves, [[0.9, 0.3], [0.5, math.nan], [0.9, 0.4]])
        assert top.get_title(loc="left") == "grid: 1 learning rates, best error 0.200"
        assert curves.get_title(loc="left") == "3 trainings, the best ends at 0.300"


def test_a_batch_without_any_score_is_shown_all_the_same():
    """Nothing but NaN is no reason to stop a lesson."""
    is_whole(caviar_explorer(np.full((3, 4), np.nan), [(0, 2), (1, 2), (2, 2)], stops=2))


def test_the_model_knows_its_points_and_doubts_between_them():
    """At a point seen the mean is its score and the doubt is gone; far away the doubt is the spread."""
    mean, std = guess([0.0, 1.0], [0.2, 0.6], np.array([0.0, 1.0, 0.5, 9.0]), width=0.3, spread=0.5)
    np.testing.assert_allclose(mean, [0.2, 0.6, 0.4, 0.4], atol=1e-3)
    assert std[0] < 0.01 and std[1] < 0.01 and 0.1 < std[2] < 0.5
    assert std[3] == pytest.approx(0.5)


def test_the_bayesian_search_finds_the_valley():
    """From three bad trials to a good one within a few stops."""
    setup = is_whole(guess_explorer(improvement, lambda x: surface({"learning_rate": 10.0**x, "beta": 0.95})))
    assert "3 trials, best error 0.8" in setup["said"][0]
    assert float(re.search(r"error ([\d.]+)", setup["said"][-1])[1]) < 0.1


@pytest.mark.parametrize(
    "wrong",
    [lambda mean, std, best: 0.0, lambda mean, std, best: mean[:2], lambda mean, std, best: mean * np.nan],
)
def test_a_wrong_improvement_is_said_and_an_unwritten_one_goes_through(wrong):
    """The cell around it turns both into a sentence."""
    with pytest.raises(ValueError, match="expected an array"):
        guess_explorer(wrong, lambda x: x**2)

    def unwritten(mean, std, best):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        guess_explorer(unwritten, lambda x: x**2)


def test_short_trainings_are_cheaper_than_long_ones():
    """The race compares epochs, so the longest training is the unit of the budget."""
    assert Ledger().longest == LONGEST
