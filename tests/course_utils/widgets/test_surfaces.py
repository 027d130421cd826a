"""Surfaces and their gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from course_utils.data import load
from course_utils.network import Network
from course_utils.widgets.surfaces import SURFACES, UNIT

ALL = pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
unit = st.floats(0, 1)


def place(surface, u, v):
    """A point inside the surface's bounds."""
    low1, high1, low2, high2 = surface.bounds
    return low1 + u * (high1 - low1), low2 + v * (high2 - low2)


@ALL
@given(u=unit, v=unit)
def test_gradient_is_the_slope_of_the_loss(surface, u, v):
    """Central differences see the loss alone; a wrong term in a gradient is off by far more than 1e-5."""
    w1, w2 = place(surface, u, v)
    h = 1e-5
    slopes = (
        (surface.loss(w1 + h, w2) - surface.loss(w1 - h, w2)) / (2 * h),
        (surface.loss(w1, w2 + h) - surface.loss(w1, w2 - h)) / (2 * h),
    )
    np.testing.assert_allclose(surface.gradient(w1, w2), slopes, rtol=1e-5, atol=1e-6)


@ALL
@given(u=unit, v=unit)
def test_nothing_is_lower_than_the_marked_minima(surface, u, v):
    """The loss is lowest at every star: 'final loss' means distance to the best possible.

    The network's minimum is known to five digits, the others in closed form or to the last bit.
    """
    near = 1e-6 if surface.key == "network" else 1e-15
    assert surface.loss(*place(surface, u, v)) >= surface.lowest - near
    for minimum in surface.minima:
        assert surface.loss(*minimum) == pytest.approx(surface.lowest, abs=near)
        np.testing.assert_allclose(surface.gradient(*minimum), 0, atol=max(near, 1e-12))


@ALL
def test_arrays_give_what_floats_give(surface):
    """Contours are drawn from arrays, races may run on floats: they show one surface."""
    low1, high1, low2, high2 = surface.bounds
    grid = surface.grid(7, 5)
    assert grid.shape == (5, 7)
    assert grid[0, 0] == pytest.approx(surface.loss(low1, low2))
    assert grid[0, 6] == pytest.approx(surface.loss(high1, low2))
    assert grid[4, 0] == pytest.approx(surface.loss(low1, high2))


@ALL
def test_start_and_minima_are_in_the_picture(surface):
    """A race that starts or ends outside the picture cannot be watched."""
    low1, high1, low2, high2 = surface.bounds
    for w1, w2 in (surface.start, *surface.minima):
        assert low1 < w1 < high1
        assert low2 < w2 < high2


def test_saddle_falls_to_both_sides_and_rises_along():
    """At (0, 0) the slope is 0 and the curvatures have opposite signs: +1 along w1, -1 along w2."""
    saddle = SURFACES["saddle"]
    h = 1e-4
    assert saddle.gradient(0.0, 0.0) == (0, 0)
    middle = saddle.loss(0.0, 0.0)
    assert (saddle.loss(h, 0) - 2 * middle + saddle.loss(-h, 0)) / h**2 == pytest.approx(1, rel=1e-4)
    assert (saddle.loss(0, h) - 2 * middle + saddle.loss(0, -h)) / h**2 == pytest.approx(-1, rel=1e-4)


def test_plateau_is_flat_where_its_race_starts():
    """A learning rate of 0.07 moves plain descent there by less than 0.01 a step."""
    plateau = SURFACES["plateau"]
    assert 0 < 0.07 * np.hypot(*plateau.gradient(*plateau.start)) < 0.01


def test_the_network_surface_is_the_cost_of_the_whole_network():
    """Write two weights into the trained network and run it: the slice says the same without running it."""
    moons = load("moons")
    X, Y = moons.X_train[:, :80], moons.Y_train[:, :80]
    net = Network([2, 4, 1], hidden="tanh", rng=np.random.default_rng(2))
    net.train(X, Y, epochs=600, learning_rate=0.5, progress=False)
    for w1, w2 in ((-2.0, -3.0), (2.7, -0.5), (0.0, 0.0)):
        net.parameters["W1"][UNIT] = w1, w2
        hidden = np.tanh(net.parameters["W1"] @ X + net.parameters["b1"])
        chance = 1 / (1 + np.exp(-(net.parameters["W2"] @ hidden + net.parameters["b2"])))
        cost = -np.mean(Y * np.log(chance) + (1 - Y) * np.log(1 - chance))
        assert SURFACES["network"].loss(w1, w2) == pytest.approx(cost, rel=1e-9)


def test_himmelblau_has_four_minima_of_one_depth():
    """Newton's method from each quarter of the map arrives at a star of its own."""
    surface = SURFACES["himmelblau"]
    arrived = set()
    for start in ((3, 3), (-3, 3), (-3, -3), (3, -2)):
        found = minimize(lambda w: surface.loss(*w), start, tol=1e-12).x
        distances = [np.hypot(*(found - star)) for star in surface.minima]
        assert min(distances) < 1e-5
        arrived.add(int(np.argmin(distances)))
    assert arrived == {0, 1, 2, 3}
