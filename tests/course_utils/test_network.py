"""The network computes what it says, whatever is handed to it, and says clearly when it cannot."""

import io
import itertools
import sys
from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from course_utils.data import load
from course_utils.network import (
    BatchNorm,
    Dropout,
    Network,
    Optimizer,
    Output,
    Penalty,
    PluggedFunctionError,
)
from course_utils.reference import batch_normalization as bn
from course_utils.reference import dropout, initialization, optimizers, regularization, softmax

DROPOUT = Dropout(dropout.dropout_forward, dropout.dropout_backward, keep_prob=0.7)
L2 = Penalty(regularization.l2_cost, lambd=0.9, backward=regularization.linear_backward_l2)
L1 = Penalty(regularization.l1_cost, lambd=0.9, gradient=lambda W, lambd, m: lambd / (2 * m) * np.sign(W))
BATCHNORM = BatchNorm(
    bn.batchnorm_forward, bn.batchnorm_backward, bn.update_running, bn.batchnorm_predict, epsilon=1e-3
)
ADAM = dict(state=("velocity", "squares"), beta1=0.9, beta2=0.999, epsilon=1e-8)


def one_hot(labels, n_classes):
    return np.eye(n_classes)[:, labels]


@pytest.mark.parametrize(
    ("hidden", "output", "batchnorm", "drop", "penalty"),
    [
        *itertools.product(
            ["relu", "tanh"],
            ["sigmoid", "softmax", Output(softmax.softmax, softmax.cross_entropy, softmax.softmax_backward)],
            [None, BATCHNORM],
            [None, DROPOUT],
            [None, L2, L1],
        )
    ],
)
def test_gradients_agree_with_finite_differences(hidden, output, batchnorm, drop, penalty):
    """Every combination of what can be handed in yields the slope of the very cost that it reports."""
    rng = np.random.default_rng(5)
    classes = 1 if output == "sigmoid" else 3
    net = Network(
        [3, 5, 4, classes], hidden=hidden, output=output, batchnorm=batchnorm, dropout=drop,
        penalty=penalty, initialize=partial(initialization.initialize_random, scale=0.7), rng=rng,
    )  # fmt: skip
    for values in net.parameters.values():
        values += 0.1 * rng.standard_normal(values.shape)
    X = rng.standard_normal((3, 7))
    Y = (rng.random((1, 7)) > 0.5) * 1.0 if classes == 1 else one_hot(rng.integers(3, size=7), 3)

    def evaluate():
        return net.cost_and_gradients(X, Y, rng=np.random.default_rng(9))  # the same masks each time

    _, grads = evaluate()
    assert grads.keys() == {"d" + name for name in net.parameters}
    analytic, numeric = [], []
    for name, values in net.parameters.items():
        for place in np.ndindex(values.shape):
            kept = values[place]
            costs = []
            for nudge in (1e-5, -1e-5):
                values[place] = kept + nudge
                costs.append(evaluate()[0])
            values[place] = kept
            analytic.append(grads["d" + name][place])
            numeric.append((costs[0] - costs[1]) / 2e-5)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_costs_are_those_of_scikit_learn(scale):
    """Mean cross-entropy, also where probabilities round to 0 and 1."""
    rng = np.random.default_rng(1)
    X, labels = scale * rng.standard_normal((6, 40)), rng.integers(4, size=40)
    net = Network([6, 8, 4], output="softmax", rng=rng)
    A = net.probabilities(X)
    np.testing.assert_allclose(A.sum(axis=0), 1.0)
    if scale == 1.0:
        assert net.cost(X, one_hot(labels, 4)) == pytest.approx(log_loss(labels, A.T, labels=range(4)))
    assert np.isfinite(net.cost(X, one_hot(labels, 4)))
    assert net.accuracy(X, one_hot(labels, 4)) == (A.argmax(axis=0) == labels).mean()

    net, y = Network([6, 8, 1], hidden="tanh", rng=rng), labels[None] > 1
    A = net.probabilities(X)
    assert net.cost(X, y) == pytest.approx(log_loss(y[0], A[0]))
    assert net.accuracy(X, y) == ((A > 0.5) == y).mean()


def test_one_unit_with_l2_is_scikit_learns_logistic_regression():
    """lambd/(2m) on the average is 1/(2C) on the sum with C = 1/lambd: both find the same line."""
    blobs = load("blobs")
    net = Network([2, 1], penalty=Penalty(L2.cost, lambd=5.0, backward=L2.backward))
    net.train(blobs.X_train, blobs.Y_train, epochs=2000, learning_rate=1.0, progress=False)
    sklearn = LogisticRegression(C=1 / 5.0, tol=1e-10).fit(blobs.X_train.T, blobs.Y_train[0])
    np.testing.assert_allclose(net.parameters["W1"], sklearn.coef_, rtol=1e-5)
    np.testing.assert_allclose(net.parameters["b1"][0], sklearn.intercept_, rtol=1e-4)


@pytest.mark.parametrize("entrywise", [False, True])
def test_adams_first_step_moves_every_weight_by_the_learning_rate(entrywise):
    """On the first step both corrected averages equal the gradient and its square, by name or as one."""
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((40, 30)), one_hot(rng.integers(3, size=30), 3)
    net = Network([40, 500, 3], hidden="tanh", output="softmax", batchnorm=BATCHNORM, rng=rng)
    before = {name: values.copy() for name, values in net.parameters.items()}
    _, grads = net.cost_and_gradients(X, Y)
    adam = Optimizer(optimizers.adam_update, entrywise=entrywise, **ADAM | {"epsilon": 1e-30})
    net.train(X, Y, epochs=1, learning_rate=0.01, optimizer=adam, progress=False)
    for name, values in net.parameters.items():
        if name != "b1":  # no gradient but rounding: batch norm takes it out again
            moved = values - before[name]
            np.testing.assert_allclose(moved, -0.01 * np.sign(grads["d" + name]), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("batchnorm", [None, BATCHNORM])
def test_entrywise_is_only_a_faster_way(batchnorm):
    """Handing over blocks or named layers gives the same network."""
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((64, 50)), one_hot(rng.integers(10, size=50), 10)
    nets = []
    for entrywise in (False, True):
        net = Network([64, 300, 10], output="softmax", batchnorm=batchnorm)  # more than one block
        net.train(
            X, Y, epochs=3, learning_rate=0.01, batch_size=20, progress=False,
            optimizer=Optimizer(optimizers.adam_update, entrywise=entrywise, **ADAM),
        )  # fmt: skip
        nets.append(net)
    for name, values in nets[0].parameters.items():
        np.testing.assert_allclose(values, nets[1].parameters[name], rtol=1e-9, atol=1e-12)


def layer_by_layer(parameters, grads, learning_rate):
    new = {}
    for layer in range(1, len(parameters) // 2 + 1):
        for kind in "Wb":
            new[f"{kind}{layer}"] = parameters[f"{kind}{layer}"] - learning_rate * grads[f"d{kind}{layer}"]
    return new


@pytest.mark.parametrize("entrywise", [False, True])
def test_an_update_that_counts_layers_moves_gamma_and_beta_too(entrywise):
    """Right answers differ in style: this one takes the step that the network takes by itself."""
    moons = load("moons")
    nets = [Network([2, 6, 6, 1], batchnorm=BATCHNORM) for _ in range(2)]
    for net, optimizer in zip(nets, [None, Optimizer(layer_by_layer, entrywise=entrywise)], strict=True):
        net.train(
            moons.X_train, moons.Y_train, epochs=5, learning_rate=0.5, optimizer=optimizer, progress=False
        )
    assert not np.allclose(nets[0].parameters["gamma1"], 1.0)
    for name, values in nets[0].parameters.items():
        np.testing.assert_allclose(values, nets[1].parameters[name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("mini_batches", [None, optimizers.random_mini_batches])
def test_epoch_costs_weigh_a_smaller_last_batch_less(mini_batches):
    """At rate 0 nothing moves, so 128 + 128 + 44 examples must average to the cost of all 300."""
    moons = load("moons")
    net = Network([2, 5, 1], hidden="tanh", rng=np.random.default_rng(4))
    whole = net.cost(moons.X_train, moons.Y_train)
    history = net.train(
        moons.X_train, moons.Y_train, epochs=2, learning_rate=0.0, batch_size=128,
        mini_batches=mini_batches, progress=False,
    )  # fmt: skip
    assert history.batch_sizes == [128, 128, 44] * 2
    assert history.epoch_costs == pytest.approx([whole, whole], rel=1e-12)
    assert abs(np.mean(history.step_costs[:3]) - whole) > 1e-6


def test_dev_costs_are_those_of_the_network_in_use():
    """After each epoch, without penalty and dropout, with running averages."""
    blobs = load("blobs")
    net = Network([2, 8, 1], dropout=DROPOUT, penalty=L2, batchnorm=BATCHNORM)
    history = net.train(
        blobs.X_train, blobs.Y_train, epochs=4, learning_rate=0.1, batch_size=50,
        X_dev=blobs.X_dev, Y_dev=blobs.Y_dev, progress=False,
    )  # fmt: skip
    assert len(history.dev_costs) == len(history.dev_accuracies) == len(history.epoch_costs) == 4
    A = net.probabilities(blobs.X_dev)
    assert history.dev_costs[-1] == pytest.approx(log_loss(blobs.Y_dev[0], A[0]))
    assert history.dev_accuracies[-1] == ((A > 0.5) == blobs.Y_dev).mean()
    assert "4 whole epochs" in repr(history)


def test_schedules_count_epochs_from_0_and_steps_from_1():
    """0.2 / (1 + epoch) for three steps an epoch, and 0.2 / sqrt(t)."""
    moons = load("moons")
    rates = {}
    for schedule in (
        partial(optimizers.inverse_time_decay, decay_rate=1.0),
        partial(optimizers.sqrt_decay, k=1.0),
    ):
        history = Network([2, 3, 1]).train(
            moons.X_train, moons.Y_train, epochs=2, learning_rate=0.2, batch_size=100,
            schedule=schedule, progress=False,
        )  # fmt: skip
        rates[schedule.func.__name__] = history.learning_rates
    assert rates["inverse_time_decay"] == pytest.approx([0.2] * 3 + [0.1] * 3)
    assert rates["sqrt_decay"] == pytest.approx([0.2 / t**0.5 for t in range(1, 7)])


@pytest.mark.parametrize(
    ("plugs", "training"),
    [
        ({}, {"learning_rate": 0.5}),
        (
            {"initialize": initialization.initialize_he},
            {
                "learning_rate": 0.003,
                "optimizer": Optimizer(optimizers.adam_update, **ADAM),
                "mini_batches": optimizers.random_mini_batches,
            },
        ),
        (
            {"hidden": "tanh", "batchnorm": BATCHNORM, "dropout": DROPOUT, "penalty": L2},
            {"learning_rate": 0.3, "mini_batches": optimizers.random_mini_batches},
        ),
    ],
)
def test_real_digits_are_learned(plugs, training):
    """At least 95 % of unseen digits within seconds, with its own parts and with those handed in."""
    digits = load("digits")
    net = Network([64, 64, 10], output="softmax", **plugs)
    history = net.train(digits.X_train, digits.Y_train, epochs=25, batch_size=64, progress=False, **training)
    assert net.accuracy(digits.X_dev, digits.Y_dev) >= 0.95
    assert history.stopped == "" and history.epoch_costs[-1] < history.epoch_costs[0] / 2


def test_running_averages_serve_a_single_example():
    """After enough steps they are the statistics of the data, and one column alone is normalised by them."""
    moons = load("moons")
    net = Network([2, 4, 1], batchnorm=BATCHNORM)
    net.train(moons.X_train, moons.Y_train, epochs=200, learning_rate=0.0, progress=False)
    Z = net.parameters["W1"] @ moons.X_train + net.parameters["b1"]
    np.testing.assert_allclose(net.running["mean1"], Z.mean(axis=1, keepdims=True), atol=1e-8)
    np.testing.assert_allclose(net.running["var1"], Z.var(axis=1, keepdims=True), atol=1e-8)
    together = net.probabilities(moons.X_dev)
    np.testing.assert_allclose(net.probabilities(moons.X_dev[:, 7:8]), together[:, 7:8], rtol=1e-12)


def test_dropout_is_fresh_in_every_step_and_off_in_use():
    """Each pass draws its own mask; predictions draw none."""
    masks = []

    def spy(A, keep_prob, rng):
        A_dropped, mask = dropout.dropout_forward(A, keep_prob, rng)
        masks.append((keep_prob, mask))
        return A_dropped, mask

    moons = load("moons")
    net = Network([2, 20, 10, 1], dropout=Dropout(spy, dropout.dropout_backward, keep_prob=[0.5, 0.9]))
    net.train(moons.X_train, moons.Y_train, epochs=2, learning_rate=0.1, progress=False)
    assert [keep_prob for keep_prob, _ in masks] == [0.5, 0.9] * 2
    assert (masks[0][1] != masks[2][1]).mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(net.probabilities(moons.X_dev), net.probabilities(moons.X_dev))
    assert len(masks) == 4


def test_training_stops_when_the_cost_is_not_finite(capsys):
    """The message says when, why and what next; what was recorded and learned is kept."""
    moons = load("moons")
    net = Network([2, 10, 10, 1])
    history = net.train(1e3 * moons.X_train, moons.Y_train, epochs=50, learning_rate=1e200, batch_size=100)
    assert not np.isfinite(history.step_costs[-1]) and np.isfinite(history.step_costs[0])
    t = len(history.step_costs)
    assert t < 150 and len(history.epoch_costs) == (t - 1) // 3
    shown = capsys.readouterr()
    assert shown.out.strip() == history.stopped and shown.err == ""
    for part in (f"epoch {(t - 1) // 3}", f"step {t}", "1e+200", "learning rate 10 times smaller"):
        assert part in history.stopped
    assert history.stopped in repr(history)


def test_a_cost_of_nan_is_laid_at_the_door_of_what_was_handed_in(capsys):
    """Where every parameter is still finite, the functions are the place to look."""
    moons = load("moons")
    net = Network([2, 3, 1], penalty=Penalty(lambda *_: float("nan"), 0.1, backward=L2.backward))
    before = net.parameters["W1"].copy()
    history = net.train(moons.X_train, moons.Y_train, epochs=3, learning_rate=0.1)
    assert len(history.step_costs) == 1 and history.epoch_costs == []
    assert "functions handed in" in capsys.readouterr().out
    np.testing.assert_array_equal(net.parameters["W1"], before)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_shows_in_a_terminal_only_and_can_be_switched_off(monkeypatch):
    """A log file gets no bar; a terminal gets one with the cost."""
    moons = load("moons")

    def seen_by(stream, **options):
        monkeypatch.setattr(sys, "stderr", stream)
        Network([2, 3, 1]).train(moons.X_train, moons.Y_train, epochs=5, learning_rate=0.1, **options)
        return stream.getvalue()

    assert seen_by(io.StringIO()) == ""
    assert seen_by(Terminal(), progress=False) == ""
    assert "5 [" in seen_by(Terminal())


def nothing(*arguments, **options):
    return None


def flat(Z, *arguments, **options):
    return Z.ravel()


def renamed(parameters, grads, learning_rate):
    return {name.lower(): values for name, values in parameters.items()}


def forgets_state(parameters, grads, velocity, learning_rate):
    return parameters


@pytest.mark.parametrize(
    ("name", "plugs", "training"),
    [
        ("nothing", {"initialize": nothing}, {}),
        ("flat", {"batchnorm": BatchNorm(flat, bn.batchnorm_backward, bn.update_running, nothing)}, {}),
        ("nothing", {"batchnorm": BatchNorm(bn.batchnorm_forward, nothing, bn.update_running, nothing)}, {}),
        (
            "nothing",
            {"batchnorm": BatchNorm(bn.batchnorm_forward, bn.batchnorm_backward, nothing, nothing)},
            {},
        ),
        ("nothing", {"dropout": Dropout(nothing, nothing, 0.5)}, {}),
        ("flat", {"dropout": Dropout(dropout.dropout_forward, flat, 0.5)}, {}),
        ("nothing", {"penalty": Penalty(nothing, 0.1, backward=L2.backward)}, {}),
        ("nothing", {"penalty": Penalty(L2.cost, 0.1, backward=nothing)}, {}),
        ("flat", {"penalty": Penalty(L2.cost, 0.1, gradient=flat)}, {}),
        ("flat", {"output": Output(flat, nothing, nothing)}, {}),
        ("nothing", {}, {"optimizer": Optimizer(nothing)}),
        ("renamed", {}, {"optimizer": Optimizer(renamed)}),
        ("renamed", {}, {"optimizer": Optimizer(renamed, entrywise=True)}),
        ("forgets_state", {}, {"optimizer": Optimizer(forgets_state, ("velocity",))}),
        ("nothing", {}, {"mini_batches": nothing}),
        ("nothing", {}, {"schedule": nothing}),
        ("nothing", {}, {"schedule": partial(nothing, decay_rate=1.0)}),
    ],
)
def test_a_function_that_returns_something_else_is_named(name, plugs, training):
    """The learner reads which of the functions it was, what came back and what was expected."""
    moons = load("moons")
    with pytest.raises(PluggedFunctionError) as caught:
        Network([2, 4, 1], **plugs).train(
            moons.X_train, moons.Y_train, epochs=1, learning_rate=0.1, progress=False, **training
        )
    first, returned, expected, _ = str(caught.value).splitlines()
    assert first.startswith(name + " ") and returned.startswith("  returned") and "expected" in expected
    if name == "nothing":
        assert "None (does it end with a return?)" in returned


def test_data_that_do_not_fit_are_refused_with_the_shape_that_would():
    """Rows for columns, class numbers for one-hot, half a dev set, NaN in the data."""
    net = Network([4, 3], output="softmax")
    X, Y = np.zeros((4, 6)), one_hot(np.arange(6) % 3, 3)
    train = partial(net.train, epochs=1, learning_rate=0.1, progress=False)
    with pytest.raises(ValueError, match=r"X must have shape \(4, m\).*got \(6, 4\)"):
        train(X.T, Y)
    with pytest.raises(ValueError, match="one-hot"):
        train(X, np.arange(6) % 3)
    with pytest.raises(ValueError, match="belong together"):
        train(X, Y, X_dev=X)
    with pytest.raises(ValueError, match="NaN"):
        train(X * np.nan, Y)
    with pytest.raises(ValueError, match="rng="):
        Network([4, 5, 3], output="softmax", dropout=DROPOUT).cost_and_gradients(X, Y)
    for wrong in ({"hidden": "sigmoid"}, {"output": "relu"}, {"layer_dims": [4]}):
        with pytest.raises(ValueError, match=r"must"):
            Network(**{"layer_dims": [4, 3], **wrong})
    with pytest.raises(ValueError, match="backward= or gradient="):
        Penalty(L2.cost, 0.1)


def test_training_leaves_its_data_as_they_were():
    """No step writes into X or Y, also where batches are views of them."""
    digits = load("digits")
    X, Y = digits.X_train.copy(), digits.Y_train.copy()
    Network([64, 8, 10], output="softmax").train(
        X, Y, epochs=2, learning_rate=0.1, batch_size=100, progress=False
    )
    np.testing.assert_array_equal(X, digits.X_train)
    np.testing.assert_array_equal(Y, digits.Y_train)
