"""Figures: their style, their alternative text, their colours."""

import html
import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plots


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would be given to show."""
    found = []
    monkeypatch.setattr(plots, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: found.append(bundle))
    return found


def test_a_figure_comes_with_its_text(shown):
    """The text reaches the image element escaped, and the plain twin as it is."""
    with plots.figure(alt='cost "J" < 1') as ax:
        plots.plot_costs(ax, {"Adam": [3, 2, 1]}, title="Down")
    (bundle,) = shown
    assert html.unescape(re.search(r'alt="([^"]*)"', bundle["text/html"])[1]) == 'cost "J" < 1'
    assert bundle["text/plain"] == '[figure] cost "J" < 1'
    assert plt.get_fignums() == []


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_a_figure_without_text_is_refused(alt):
    """Nobody can forget it."""
    with pytest.raises(ValueError, match="alternative text"), plots.figure(alt=alt):
        pass


def test_nothing_is_rendered_where_nobody_looks(monkeypatch):
    """Grading runs every cell: figures must cost no time there, and leave none open."""
    monkeypatch.setattr(plots, "png", lambda *_: pytest.fail("rendered"))
    with plots.figure(alt="a line") as ax:
        plots.plot_costs(ax, [1, 2])
    assert plt.get_fignums() == []


def test_an_error_in_the_cell_shows_no_half_figure(shown):
    """The learner sees the error alone."""
    with pytest.raises(ZeroDivisionError), plots.figure(alt="a line"):
        _ = 1 / 0
    assert shown == []
    assert plt.get_fignums() == []


def test_several_axes_are_handed_out_as_a_list():
    """`(left, right)` can be unpacked, and the style's spines are off."""
    with plots.figure(alt="two", columns=2) as (left, right):
        assert not left.spines["top"].get_visible()
        assert not right.spines["right"].get_visible()


def lightness(colour):
    """CIE L* of a colour, from its definition."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_map_of_losses_is_perceptual(theme):
    """Equal steps in loss rank look equal: lightness is a straight line, up to rounding of 8 bits."""
    found = [lightness(colour) for colour in plots.PALETTE["loss"][theme]]
    np.testing.assert_allclose(found, np.linspace(found[0], found[-1], len(found)), atol=0.6)
    assert abs(found[0] - found[-1]) > 25


def test_the_map_of_weights_is_even_about_zero():
    """A weight of -a looks as strong as one of +a, and 0 is the lightest."""
    found = np.array([lightness(colour) for colour in plots.PALETTE["weights"]])
    np.testing.assert_allclose(found, found[::-1], atol=2)
    assert found.argmax() == len(found) // 2
    with plots.unshown() as (_, ax):
        plots.plot_weights(ax, [[-1.0, 3.0]], colorbar=False)
        assert ax.collections[0].get_clim() == (-3, 3)


@pytest.mark.parametrize("colour", plots.COLOURS.values(), ids=plots.COLOURS)
def test_labels_can_be_read(colour):
    """A label in the colour of its line has a contrast of 4.5 on white: L* of at most 50.3 does it."""
    assert lightness(plots.readable(colour)) <= 50.3


def test_labels_stand_at_line_ends_and_do_not_meet():
    """Two curves that end together get two labels that do not overlap, both right of the ends."""
    with plots.unshown() as (fig, ax):
        plots.plot_costs(ax, {"Adam": [3, 2, 1.00], "RMSprop": [4, 2, 1.01]})
        fig.draw_without_rendering()
        one, two = (text.get_window_extent() for text in ax.texts)
        assert not one.overlaps(two)
        assert min(one.x0, two.x0) > ax.transData.transform((3, 1))[0]


def test_a_path_that_left_is_drawn_as_far_as_it_goes():
    """NaN and infinity end a line; they do not widen the picture."""
    path = np.array([[0.0, 0.0], [1.0, 1.0], [np.inf, 2.0], [np.nan, np.nan]])
    with plots.unshown() as (_, ax):
        plots.plot_paths(ax, lambda x, y: x**2 + y**2, {"Adam": path}, (-2, 2, -2, 2))
        assert ax.get_xlim() == (-2, 2)
        assert len(ax.lines[0].get_xdata()) == 2


@pytest.mark.parametrize("shape", [(1, -1), (-1,)])
def test_regions_are_what_predict_says(shape):
    """A classifier that looks at x1 alone gives a picture that changes along x1 alone."""
    X = np.array([[-1.0, 1.0, 0.5], [0.0, 1.0, -1.0]])
    with plots.unshown() as (_, ax):
        plots.plot_decision_boundary(ax, lambda X: (X[0] > 0).reshape(shape), X, np.array([[0, 1, 1]]))
        regions = ax.collections[0].get_array().reshape(160, 160)
    assert (np.ptp(regions, axis=0) == 0).all()
    assert set(np.unique(regions)) == {0, 1}


def test_a_predict_of_the_wrong_shape_is_told_so():
    """The learner's own predict is called here: the message says what it should give."""
    with plots.unshown() as (_, ax), pytest.raises(ValueError, match=r"one class for each.*\(2, 25600\)"):
        plots.plot_decision_boundary(ax, lambda X: X, np.eye(2, 3), np.zeros((1, 3)))


def test_images_and_masks_lie_the_right_way_up():
    """Row 0 of an image and unit 0 of a mask are at the top."""
    with plots.unshown(columns=2) as (_, (left, right)):
        plots.plot_images(left, np.arange(12.0).reshape(6, 2), 2, 3, labels=["a", "b"])
        np.testing.assert_array_equal(left.images[0].get_array(), [[0, 2, 4], [6, 8, 10]])
        assert left.get_ylim()[0] > left.get_ylim()[1]
        plots.plot_mask(right, np.array([[True, False]]))
        assert right.get_ylim() == (1, 0)
    with plots.unshown() as (_, ax), pytest.raises(ValueError, match="no image of 2 x 2"):
        plots.plot_images(ax, np.zeros((6, 1)), 2, 2)


def test_contour_levels_show_floor_and_cliffs():
    """Equal steps would leave Rosenbrock's valley empty: here four levels lie below the first of those."""
    w1, w2 = np.meshgrid(np.linspace(-2, 2, 80), np.linspace(-1, 3, 80))
    values = (1 - w1) ** 2 + 100 * (w2 - w1**2) ** 2
    levels = plots.contour_levels(values, 18)
    assert (np.diff(levels) > 0).all()
    assert (levels < values.max() / 19).sum() >= 4
    assert levels[-1] > 0.3 * values.max()


def test_no_two_series_of_a_figure_look_alike():
    """A series of one's own beside momentum does not take momentum's orange; without it, it may."""
    looks = plots.series_styles(["mine", "momentum", "yours", "Adam"])
    assert looks["momentum"] == ("#E69F00", [7, 3])
    assert len({str(look) for look in looks.values()}) == 4
    assert len({colour for colour, _ in looks.values()}) == 4


def test_colours_have_one_source():
    """No hex colour of the palette is written a second time, in Python or in JavaScript."""
    named = json.dumps(plots.PALETTE["colours"]).upper()
    source = plots.resources.files("course_utils").joinpath("plots.py").read_text("utf-8")
    assert not [c for c in re.findall(r"#[0-9A-F]{6}", source.upper()) if c in named]
