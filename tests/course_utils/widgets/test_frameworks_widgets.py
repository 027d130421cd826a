"""The slider shows the products that a learner's walk forms, in its order, and what it returned."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from autograder.exercises import find
from course_utils.reference.frameworks import topological_order
from course_utils.widgets.frameworks import places_by_level, plot_graph, plot_numbers, walk_explorer, watch

PARENTS = {"w": [], "w²": ["w", "w"], "-10w": ["w"], "J": ["w²", "-10w"]}
SLOPES = {"w": [], "w²": [3.0, 3.0], "-10w": [-10.0], "J": [1.0, 1.0]}


def walk(output, parents, local_gradients, collect=lambda old, new: old + new):
    order = topological_order(output, parents)
    gradients = dict.fromkeys(order, 0.0) | {output: 1.0}
    for node in reversed(order):
        for parent, slope in zip(parents[node], local_gradients[node], strict=True):
            gradients[parent] = collect(gradients[parent], gradients[node] * slope)
    return gradients


def test_each_product_of_the_walk_is_a_stop():
    """Five uses in the parabola, one stop before and one after; w ends at 2w - 10 = -4."""
    setup = walk_explorer(topological_order, walk, "J", PARENTS, SLOPES)._setup
    assert len(setup["pages"]) == len(setup["said"]) == 7
    assert "−10 = −10 back to w" in "".join(setup["said"])  # noqa: RUF001
    assert "w −4" in setup["said"][-1]  # noqa: RUF001
    for page, said in zip(setup["pages"], setup["said"], strict=True):
        assert page.startswith("<img") and said.split(":")[0] in page


def test_a_walk_that_overwrites_is_told_which_shares_are_lost():
    """The picture does not repair what the function does: it asks where the shares went."""

    def overwriting(output, parents, local_gradients):
        return walk(output, parents, local_gradients, collect=lambda old, new: new)

    said = walk_explorer(topological_order, overwriting, "J", PARENTS, SLOPES)._setup["said"][-1]
    assert "where did it go?" in said and "3 + 3" in said


@pytest.mark.parametrize("function", find("backpropagate").variants, ids=lambda f: f.__name__)
def test_any_right_walk_can_be_watched(function):
    """Paths, pulls or levels: what is returned does not change by being watched."""
    gradients, products = watch(function, "J", PARENTS, SLOPES)
    assert gradients == {"w": -4, "w²": 1, "-10w": 1, "J": 1}
    assert products


def test_a_walk_that_cannot_be_watched_is_shown_from_its_ends():
    """NumPy's own multiply sees no product; first and last picture stay."""

    def multiplying(output, parents, local_gradients):
        order = topological_order(output, parents)
        gradients = dict.fromkeys(order, 0.0) | {output: 1.0}
        for node in reversed(order):
            for parent, slope in zip(parents[node], local_gradients[node], strict=True):
                gradients[parent] += np.multiply(gradients[node], slope)
        return gradients

    setup = walk_explorer(topological_order, multiplying, "J", PARENTS, SLOPES)._setup
    assert len(setup["pages"]) == 2
    assert "w −4" in setup["said"][-1] and "where" not in setup["said"][-1]  # noqa: RUF001


def test_all_pages_are_small():
    """At most 500 kB for the whole slider."""
    setup = walk_explorer(topological_order, walk, "J", PARENTS, SLOPES)._setup
    assert sum(map(len, setup["pages"])) < 500_000


def test_a_wrong_order_is_said_in_words():
    """A node that stands before what it was made from has no place."""
    with pytest.raises(ValueError, match="before"):
        places_by_level(PARENTS, ["J", "w²", "-10w", "w"])


def test_every_node_stands_to_the_right_of_its_parents():
    """Time runs to the right, also over a short and a long way."""
    parents = {"d": ["a", "c"], "c": ["b"], "b": ["a"], "a": []}
    places = places_by_level(parents, topological_order("d", parents))
    assert [places[node][0] for node in "abcd"] == sorted(places[node][0] for node in "abcd")
    assert len({x for x, _ in places.values()}) == 4


def test_the_learners_graph_is_left_alone():
    """A function that empties the lists it is handed spoils no picture."""
    parents = {node: list(made_from) for node, made_from in PARENTS.items()}

    def greedy(output, parents):
        order = topological_order(output, parents)
        parents.clear()
        return order

    walk_explorer(greedy, walk, "J", parents, SLOPES)
    assert parents == PARENTS


def test_twice_the_same_parent_is_two_arrows_apart():
    """w * w: two labels at two places."""
    fig, ax = plt.subplots()
    plot_graph(ax, {"w": [], "s": ["w", "w"]}, {"w": (0, 0), "s": (2, 0)}, slopes={"w": [], "s": [3.0, 3.0]})
    at = {text.get_position() for text in ax.texts if text.get_text() == "3"}
    plt.close(fig)
    assert len(at) == 2


def test_numbers_stand_in_their_cells():
    """Row 0 on top, column 0 at the left."""
    fig, ax = plt.subplots()
    plot_numbers(ax, np.array([[1.0, -2.0], [3.0, 4.0]]))
    at = {text.get_text(): text.get_position() for text in ax.texts}
    plt.close(fig)
    assert at["−2.0"] == (1.5, 0.5) and at["3.0"] == (0.5, 1.5)  # noqa: RUF001
