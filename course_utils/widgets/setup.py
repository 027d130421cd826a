"""Splits, learning curves and contours while a slider moves.

Every stop of a slider is drawn once, with the learner's own functions; sliding then happens in the browser.
"""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Ellipse

from course_utils import plots
from course_utils.widgets.pages import page_slider

SHARES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
SIZES = (10, 20, 30, 45, 70, 100, 140, 200)
TOLERANCE = 0.03  # 200 dev examples cannot tell smaller gaps from chance
RATIOS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)
LEVELS = np.geomspace(0.15, 40, 8)  # of the cost: each ring 2.2 times the one inside
START, LIMIT = (-2.6, 1.5), 2000


# --- how much of the data should judge? --------------------------------------------------------------------


def split_explorer(split_indices, X, labels, shares=SHARES, repeats=20):
    """Show what a model reads right on the dev set, split after split, while the share of dev slides.

    The model is a linear one, solved rather than trained, so that hundreds of splits take a moment.

    Parameters
    ----------
    split_indices : function (m, dev_fraction, test_fraction, rng) -> (train, dev, test)
    X : float64, shape (n_x, m)
    labels : integers, shape (m,), classes from 0
    shares : increasing sequence of float
        Fractions of the examples that go to the dev set; no test set is kept here.
    repeats : int, splits at each share

    Returns
    -------
    widget : PageSlider
    """
    found = [_split_scores(split_indices, X, labels, share, repeats) for share in shares]
    scores, sizes = np.array([f[0] for f in found]), [f[1] for f in found]
    means = scores.mean(axis=1)
    errors = np.sqrt(means * (1 - means) / [n_dev for _, n_dev in sizes])
    said = [
        f"{n_train} images train, {n_dev} judge: {_percent(p)} read right on average; the standard error of "
        f"one dev set is {_percent(e)}, {repeats} splits gave {_percent(s.min())} to {_percent(s.max())}"
        for (n_train, n_dev), p, e, s in zip(sizes, means, errors, scores, strict=True)
    ]
    start = min(range(len(shares)), key=lambda i: abs(shares[i] - 0.02))
    pages = _split_pages(np.array(shares), scores, sizes, means, errors, said)
    return page_slider("dev fraction", shares, pages, said, start)


def _split_scores(split_indices, X, labels, share, repeats):
    """The share read right on dev in each of several splits, and the sizes of train and dev."""
    m = len(labels)
    inputs = np.vstack([X, np.ones(m)])
    targets = np.equal.outer(np.arange(labels.max() + 1), labels) - 0.5
    scores = []
    for seed in range(repeats):
        train, dev, _ = split_indices(m, share, 0.0, np.random.default_rng(seed))
        A, B = inputs[:, train], targets[:, train]
        # a pixel that is always white leaves the plain equations without a single answer
        W = np.linalg.solve(A @ A.T + 0.1 * np.eye(len(A)), A @ B.T).T
        scores.append(np.mean(np.argmax(W @ inputs[:, dev], axis=0) == labels[dev]))
    return scores, (len(train), len(dev))


def _split_pages(shares, scores, sizes, means, errors, said):
    """One picture a stop; what stays the same in all of them is drawn once."""
    repeats, places, pages = scores.shape[1], np.arange(len(shares)), []
    with plots.unshown(columns=2, width=10, height=3.6, sharey=True) as (fig, (left, right)):
        band = left.axhspan(0, 1, color=plots.COLOURS["sky"], alpha=0.45, lw=0)
        middle = left.axhline(0.5, color=plots.MUTED, linewidth=1)
        dots = left.plot(np.arange(1, repeats + 1), scores[0], "o", color=plots.COLOURS["blue"])[0]
        left.set(ylim=(0.72, 1.02), xlabel="split", ylabel="read right on dev", xlim=(0, repeats + 1))
        left.set_xticks(range(0, repeats + 1, 5))
        right.errorbar(places, means, yerr=errors, fmt="o-", color=plots.MUTED, lw=1, ms=4, zorder=2)
        here = right.plot(places[:1], means[:1], "o", color=plots.COLOURS["vermillion"], ms=9, zorder=4)[0]
        right.set(xlabel="dev fraction", title="mean and standard error, all fractions")
        right.set_xticks(places, [f"{share:g}" for share in shares])
        for place, score, (n_train, n_dev), mean, error, words in zip(
            places, scores, sizes, means, errors, said, strict=True
        ):
            band.set(y=mean - error, height=2 * error)
            middle.set_ydata([mean, mean])
            dots.set_ydata(score)
            left.set_title(f"{n_train} train, {n_dev} dev: standard error {_percent(error)}")
            here.set_data([place], [mean])
            pages.append(plots.png(fig, f"At dev fraction {shares[place]:g}, {words}.", dpi=100, colours=64))
            fig.set_layout_engine("none")  # the first picture has settled where things stand
    return pages


# --- would more data help? ---------------------------------------------------------------------------------


def learning_explorer(split_indices, diagnose, X, Y, bayes_error, sizes=SIZES, degrees=(1, 7), repeats=20):
    """Show a stiff and a flexible model while the number of training examples slides, and both diagnoses.

    Parameters
    ----------
    split_indices : function (m, dev_fraction, test_fraction, rng) -> (train, dev, test)
    diagnose : function (train_error, dev_error, bayes_error, tolerance) -> set
    X : float64, shape (2, m)
    Y : shape (m,) or (1, m), classes 0 and 1
    bayes_error : float
    sizes : increasing sequence of int, training examples used
    degrees : the degrees of the two models, polynomials of both coordinates
    repeats : int
        Splits over which the errors are averaged; half of the examples are dev.

    Returns
    -------
    widget : PageSlider
    """
    Y = np.ravel(Y)
    splits = [split_indices(len(Y), 0.5, 0.0, np.random.default_rng(seed)) for seed in range(repeats)]
    errors = np.array([[_polynomial_errors(X, Y, splits, n, k) for n in sizes] for k in degrees])
    names = [_model_name(k) for k in degrees]
    found = [[_finding(diagnose, *errors[i, j], bayes_error) for i in range(2)] for j in range(len(sizes))]
    said = [
        f"{n} examples: "
        + "; ".join(
            f"{names[i]}: training error {_percent(errors[i, j, 0])}, dev error {_percent(errors[i, j, 1])}, "
            f"your diagnosis: {found[j][i]}"
            for i in range(2)
        )
        for j, n in enumerate(sizes)
    ]
    pages = _learning_pages(X, Y, splits[0][0], sizes, degrees, errors, bayes_error, found, said)
    return page_slider("training examples", sizes, pages, said, min(4, len(sizes) - 1))


def fit_polynomial(X, Y, degree):
    """Fit a polynomial of two coordinates that is above 0 where class 1 is likelier.

    Parameters
    ----------
    X : float64, shape (2, m)
    Y : shape (m,), classes 0 and 1
    degree : int

    Returns
    -------
    score : function of X with shape (2, k), giving shape (k,)
    """
    w = _solve(_powers(X, degree), Y)
    return lambda points: w @ _powers(points, degree)


def _solve(A, Y):
    """Weights of least squares; so weak a pull to 0 that a flexible model can still follow every point."""
    return np.linalg.solve(A @ A.T + 1e-6 * A.shape[1] * np.eye(len(A)), A @ (2.0 * Y - 1))


def _powers(X, degree):
    """All products of powers up to a degree, of coordinates brought to about -1 to 1 (the moons' box)."""
    x1, x2 = (X[0] - 0.5) / 1.6, (X[1] - 0.25) / 1.0
    return np.array([x1**i * x2**j for i in range(degree + 1) for j in range(degree + 1 - i)])


def _polynomial_errors(X, Y, splits, n, degree):
    """Training and dev error with the first n training examples, averaged over the splits."""
    errors, A = [], _powers(X, degree)
    for train, dev, _ in splits:
        used = train[:n]
        wrong = (_solve(A[:, used], Y[used]) @ A > 0) != Y
        errors.append([wrong[used].mean(), wrong[dev].mean()])
    return np.mean(errors, axis=0)


def _model_name(degree):
    return "a line" if degree == 1 else "a curve"


def _finding(diagnose, train_error, dev_error, bayes_error):
    found = diagnose(float(train_error), float(dev_error), bayes_error, TOLERANCE)
    return " and ".join(sorted(found)) or "neither"


def _learning_pages(X, Y, train, sizes, degrees, errors, bayes_error, found, said):
    pages = []
    grid = np.meshgrid(np.linspace(-1.6, 2.6, 90), np.linspace(-1.2, 1.7, 65))
    powers = {degree: _powers(np.vstack([g.ravel() for g in grid]), degree) for degree in degrees}
    powers_of_X = {degree: _powers(X, degree) for degree in degrees}
    colours = [plots.COLOURS["blue"], plots.COLOURS["orange"]]
    with plots.unshown(rows=2, columns=2, width=8.4, height=5.2) as (fig, axes):
        dots = [_learning_curves(axes[1, i], sizes, errors[i], bayes_error, i == 0) for i in range(2)]
        for ax in axes[0]:
            ax.set(xlim=(-1.6, 2.6), ylim=(-1.2, 1.7), xticks=[], yticks=[])
        for j, n in enumerate(sizes):
            used, drawn = train[:n], []
            for i, degree in enumerate(degrees):
                ax = axes[0, i]
                score = (_solve(powers_of_X[degree][:, used], Y[used]) @ powers[degree]).reshape(
                    grid[0].shape
                )
                drawn += [
                    ax.contourf(*grid, score, levels=[-np.inf, 0, np.inf], colors=["#D6E6F2", "#FAEBCF"]),
                    ax.contour(*grid, score, levels=[0], colors=[plots.INK], linewidths=1.4),
                ]
                for c in (0, 1):
                    look = {"color": colours[c], "markeredgecolor": "white"}
                    drawn += ax.plot(*X[:, used[Y[used] == c]], plots.MARKERS[c], **look)
                    dots[i][c].set_data([n], [errors[i, j, c]])
                ax.set_title(f"{_model_name(degree)}: {found[j][i]}")
            pages.append(plots.png(fig, f"With {said[j]}.", dpi=100, colours=64))
            fig.set_layout_engine("none")
            for artist in drawn:
                artist.remove()
    return pages


def _learning_curves(ax, sizes, errors, bayes_error, first):
    """Draw training and dev error against the number of examples; return the two dots that will move."""
    ax.axhline(bayes_error, color=plots.MUTED, linewidth=1, linestyle="--")
    ax.text(sizes[0], bayes_error + 0.006, "best possible", color=plots.MUTED, va="bottom")
    dots = []
    for k, (name, colour) in enumerate((("training", "green"), ("dev", "vermillion"))):
        ax.plot(sizes, errors[:, k], label=name, color=plots.COLOURS[colour])
        dots.append(ax.plot(sizes[:1], errors[:1, k], "o", color=plots.COLOURS[colour], ms=9, zorder=5)[0])
    ax.set(xlabel="training examples", ylabel="error" if first else "", ylim=(-0.01, 0.45))
    plots.label_line_ends(ax)
    for dot in dots:
        dot.set_label("_")
    return dots


# --- why normalize? ----------------------------------------------------------------------------------------


def contour_explorer(fit_normalizer, normalize, ratios=RATIOS, seed=4):
    """Show a cost of two weights and gradient descent on it, before and after normalizing the features.

    The cost of least squares lies ``d' H d / 2`` above its minimum at a distance d, with ``H = X X' / m``:
    its rings are ellipses, drawn around the minimum. Each side walks with its best constant learning rate,
    2 over the sum of the largest and the smallest curvature.

    Parameters
    ----------
    fit_normalizer : function (X) -> (mu, sigma)
    normalize : function (X, mu, sigma) -> array, shape of X
    ratios : increasing sequence of float
        How many times as far the second feature spreads as the first one.
    seed : int

    Returns
    -------
    widget : PageSlider
    """
    drawn = np.random.default_rng(seed).standard_normal((2, 300))
    drawn -= drawn.mean(axis=1, keepdims=True)
    sides, said = [], []
    for ratio in ratios:
        X = drawn * np.array([[1.0], [ratio]])
        mu, sigma = fit_normalizer(X.copy())
        ready = np.asarray(normalize(X.copy(), np.copy(mu), np.copy(sigma)), dtype=float)
        if ready.shape != X.shape or not np.isfinite(ready).all():
            raise ValueError(
                f"normalize should return finite numbers of shape {X.shape}, got shape {ready.shape}"
            )
        pair = [_descent(X), _descent(ready)]
        sides.append(pair)
        said.append(
            f"as it comes: rings {_longer(pair[0])}, {_steps(pair[0])}; "
            f"normalized by you: rings {_longer(pair[1])}, {_steps(pair[1])}"
        )
    pages = _contour_pages(ratios, sides, said)
    return page_slider(
        "spread of feature 2 / spread of feature 1 =", ratios, pages, said, min(4, len(ratios) - 1)
    )


def _descent(X):
    """The curvatures of the cost, their directions, the path of gradient descent and its number of steps."""
    H = X @ X.T / X.shape[1]
    curvatures, directions = np.linalg.eigh(H)
    rate = 2 / (curvatures[0] + curvatures[1])
    path = [np.array(START)]
    near = 0.01 * np.hypot(*START)
    while np.hypot(*path[-1]) > near and len(path) <= LIMIT:
        path.append(path[-1] - rate * H @ path[-1])
    return curvatures, directions, np.array(path)


def _longer(side):
    return f"{np.sqrt(side[0][1] / side[0][0]):.1f} times as long as wide"


def _steps(side):
    n = len(side[2]) - 1
    return f"{n} steps" if n < LIMIT else f"more than {LIMIT} steps"


def _contour_pages(ratios, sides, said):
    shades = plots.loss_map()(np.linspace(0.0, 1, len(LEVELS)))
    pages = []
    with plots.unshown(columns=2, width=8, height=3.0, sharey=True) as (fig, axes):
        walks = []
        for ax in axes:
            ax.set_facecolor(shades[-1])
            ax.set(xlim=(-3.2, 3.2), ylim=(-2.0, 2.0), aspect="equal", xlabel="$w_1$ from the minimum")
            walks += ax.plot([], [], color=plots.COLOURS["blue"], lw=1.6, marker="o", ms=3.5)
            ax.plot(*START, "s", color=plots.INK, markeredgecolor="white", ms=8)
            ax.plot(0, 0, "*", color=plots.INK, markeredgecolor="white", ms=13)
        axes[0].set_ylabel("$w_2$ from the minimum")
        for ratio, pair, words in zip(ratios, sides, said, strict=True):
            drawn = []
            for ax, walk, side, name in zip(
                axes, walks, pair, ("as it comes", "normalized by you"), strict=True
            ):
                curvatures, directions, path = side
                angle = np.degrees(np.arctan2(directions[1, 0], directions[0, 0]))
                for level, shade in zip(LEVELS[::-1], shades[::-1], strict=True):
                    width, height = 2 * np.sqrt(2 * level / curvatures)
                    ring = {"facecolor": shade, "edgecolor": "white", "linewidth": 0.4}
                    drawn.append(ax.add_patch(Ellipse((0, 0), width, height, angle=angle, **ring)))
                walk.set_data(*path.T)
                ax.set_title(f"{name}: {_steps(side)}")
            alt = (
                "Rings of equal cost and a path of gradient descent, where feature 2 spreads "
                f"{ratio:g} times as far as feature 1; {words}."
            )
            pages.append(plots.png(fig, alt, dpi=100, colours=64))
            fig.set_layout_engine("none")
            for artist in drawn:
                artist.remove()
    return pages


def _percent(share):
    return f"{100 * share:.1f} %"
