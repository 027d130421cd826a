"""Sliders over strengths and patience: what they show is what the handed-in functions did."""

import re

import numpy as np
import pytest

from course_utils.network import Network
from course_utils.widgets.regularization import (
    BOWL,
    LOWEST,
    all_weights,
    bowl,
    hidden_inputs,
    minimum,
    patience_explorer,
    penalty_explorer,
    strength_explorer,
)


def l1(cross_entropy_cost, parameters, lambd, m):
    return cross_entropy_cost + lambd / (2 * m) * np.abs(parameters["W1"]).sum()


def l2(cross_entropy_cost, parameters, lambd, m):
    return cross_entropy_cost + lambd / (2 * m) * (parameters["W1"] ** 2).sum()


def unwritten(*arguments):
    raise NotImplementedError


def assert_pages_are_light_and_described(setup):
    """Assert one picture a stop, each with its line in the alternative text, 500 kB at most together."""
    assert len(setup["stops"]) == len(setup["pages"]) == len(setup["said"])
    assert all(line in page for line, page in zip(setup["said"], setup["pages"], strict=True))
    assert sum(map(len, setup["pages"])) <= 500_000


# --- strengths ---------------------------------------------------------------------------------------------


def scaled_network(factor):
    """Return a network whose weights are a fixed draw times a factor."""
    net = Network([2, 6, 1], hidden="tanh")
    for name, values in net.parameters.items():
        values *= factor if name.startswith("W") else 1.0
    return net


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 30))
    return X, (X[:1] > 0).astype(float)


def test_strengths_are_described_by_what_the_networks_hold(points):
    """Weights a thousand times smaller are said to be so, and put all units where tanh is straight."""
    networks = {0: scaled_network(10.0), 3: scaled_network(0.01)}
    setup = strength_explorer(networks, *points, *points)._setup
    assert_pages_are_light_and_described(setup)
    largest = [float(re.search(r"largest weight is ([\d.e-]+);", line)[1]) for line in setup["said"]]
    assert largest[0] / largest[1] == pytest.approx(1000, rel=0.05)
    assert "100% of the z" in setup["said"][1]
    assert "100% of the z" not in setup["said"][0]


def test_networks_whose_weights_have_all_gone_can_be_drawn(points):
    """At a huge lambda nothing is left to put into bins."""
    setup = strength_explorer({10: scaled_network(0.0)}, *points, *points)._setup
    assert "largest weight is 0;" in setup["said"][0]


def test_a_network_that_diverged_can_be_drawn(points):
    """A backward pass with a wrong sign ends in NaN: the slider says so and shows what is left."""
    setup = strength_explorer({0: scaled_network(1.0), 3: scaled_network(np.nan)}, *points, *points)._setup
    assert "largest weight is nan" in setup["said"][1]


def test_all_weights_leave_biases_out():
    """The histogram counts what is penalised."""
    parameters = {
        "W1": np.ones((2, 3)),
        "b1": np.full((2, 1), 9.0),
        "W2": np.ones((1, 2)),
        "b2": np.zeros((1, 1)),
    }
    assert all_weights(parameters).tolist() == [1.0] * 8


def test_hidden_inputs_are_z_of_hidden_layers_only(points):
    """The output's z goes through a sigmoid, not through tanh."""
    net, (X, _) = scaled_network(1.0), points
    expected = net.parameters["W1"] @ X + net.parameters["b1"]
    assert hidden_inputs(net, X) == pytest.approx(expected.ravel())


# --- L1 and L2 ---------------------------------------------------------------------------------------------


def test_bowl_is_lowest_at_its_star():
    """Its value is 0 there and positive elsewhere, for single points and for many."""
    around = LOWEST[:, None] + np.random.default_rng(1).normal(size=(2, 50))
    assert bowl(LOWEST) == 0
    assert bowl(around).shape == (50,) and (bowl(around) > 0).all()


@pytest.mark.parametrize("lambd", [0.5, 2.0, 10.0])
def test_the_minimum_under_l2_is_that_of_ridge(lambd):
    """Setting the gradient to zero gives (BOWL + lambda I) w = BOWL LOWEST."""
    ridge = np.linalg.solve(BOWL + lambd * np.eye(2), BOWL @ LOWEST)
    assert minimum(l2, lambd, LOWEST) == pytest.approx(ridge, abs=0.01)


def test_the_minimum_under_l1_reaches_an_axis_exactly():
    """With w2 = 0, w1 solves BOWL[0] (w - LOWEST) = -lambda / 2; beyond BOWL LOWEST * 2 both are 0."""
    w = minimum(l1, 2.0, LOWEST)
    assert w[1] == 0.0
    assert w[0] == pytest.approx((BOWL[0] @ LOWEST - 1.0) / BOWL[0, 0], abs=0.01)
    assert minimum(l1, 2 * float((BOWL @ LOWEST).max()) + 0.1, LOWEST).tolist() == [0.0, 0.0]


def test_a_penalty_with_the_wrong_sign_ends_somewhere():
    """The lowest point is then infinitely far away; the picture must not wait for it."""

    def rewarded(cross_entropy_cost, parameters, lambd, m):
        return cross_entropy_cost - 10 * lambd * (parameters["W1"] ** 2).sum()

    assert np.abs(minimum(rewarded, 5.0, LOWEST)).max() <= 3
    assert len(penalty_explorer(rewarded, l2, stops=(0, 1))._setup["pages"]) == 2


def test_penalty_pages_say_where_the_minima_lie():
    """At lambda 0 nothing is paid, so both minima lie at the star; at 10 only L1 has switched off."""
    setup = penalty_explorer(l1, l2)._setup
    assert_pages_are_light_and_described(setup)
    assert setup["said"][0].count("(1.50, 0.90)") == 2
    assert "(0, 0) under L1" in setup["said"][-1] and "(0, 0) under L2" not in setup["said"][-1]


def test_not_a_number_can_be_drawn():
    """A function that divides 0 by 0 shows an empty picture, not an error."""

    def nan(cross_entropy_cost, parameters, lambd, m):
        return float("nan")

    assert len(penalty_explorer(nan, l2, stops=(0, 1))._setup["pages"]) == 2


def test_an_unwritten_penalty_is_not_swallowed():
    """The cell around it says what it waits for, so the error must reach it."""
    with pytest.raises(NotImplementedError):
        penalty_explorer(unwritten, l2)


# --- early stopping ----------------------------------------------------------------------------------------

DEV = [0.9, 0.5, 0.6, 0.4, 0.7, 0.8, 0.9]


def test_the_pages_show_what_the_function_answered():
    """A function that always says (3, 5) is shown with epochs 3 and 5, and the cost of epoch 3."""
    setup = patience_explorer(lambda costs, patience: (3, 5), DEV, DEV, stops=(1, 2))._setup
    assert_pages_are_light_and_described(setup)
    assert "stop in epoch 5, go back to epoch 3 with its dev cost of 0.400; 1 of 7" in setup["said"][0]


def test_each_stop_asks_with_its_own_patience():
    """The slider's stops are the patience that the function gets."""
    asked = []

    def early_stopping(dev_costs, patience):
        asked.append((dev_costs, patience))
        return 0, 0

    patience_explorer(early_stopping, DEV, np.array(DEV), stops=(1, 4))
    assert asked == [(DEV, 1), (DEV, 4)]


def test_epochs_that_do_not_exist_are_said_in_words():
    """An epoch past the end would otherwise end in an IndexError that tells a learner nothing."""
    with pytest.raises(ValueError, match="epochs 3 and 7 are not among the 7"):
        patience_explorer(lambda costs, patience: (3, 7), DEV, DEV)


def test_an_unwritten_stop_is_not_swallowed():
    """The cell around it says what it waits for."""
    with pytest.raises(NotImplementedError):
        patience_explorer(unwritten, DEV, DEV)
