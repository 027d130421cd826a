"""The tape differentiates with the functions that it is handed, and says so where they answer wrongly."""

from functools import partial

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from autograder.exercises import find
from course_utils import tape as t
from course_utils.reference import frameworks as reference

VARIANTS = [f for f in find("backpropagate").variants if f.__name__ != "backpropagate_forwards"]


def walk(output, parents, local_gradients):
    order = reference.topological_order(output, parents)
    gradients = dict.fromkeys(order, 0.0) | {output: 1.0}
    for node in reversed(order):
        for parent, slope in zip(parents[node], local_gradients[node], strict=True):
            gradients[parent] = gradients[parent] + gradients[node] * slope
    return gradients


Tape = partial(
    t.GradientTape,
    unbroadcast=reference.unbroadcast,
    multiply_gradients=reference.multiply_gradients,
    matmul_gradients=reference.matmul_gradients,
    backpropagate=walk,
)


def parabola(w):
    return w**2 - 10 * w + 25


def gradient(cost, variables, **functions):
    with Tape(**functions) as tape:
        J = cost()
    return tape.gradient(J, variables)


@pytest.mark.parametrize("backpropagate", VARIANTS, ids=lambda f: f.__name__)
def test_any_right_walk_over_numbers_walks_over_arrays(backpropagate):
    """Nothing but * and + is asked of slopes: a walk that is right for numbers is right here."""
    rng = np.random.default_rng(0)
    W, b, X = (
        t.Variable(rng.normal(size=(3, 4))),
        t.Variable(rng.normal(size=(3, 1))),
        rng.normal(size=(4, 5)),
    )
    found = gradient(lambda: t.mean(t.tanh(W @ X + b) ** 2), [W, b], backpropagate=backpropagate)
    expected = autograd.grad(lambda W, b: anp.mean(anp.tanh(W @ X + b) ** 2), (0, 1))(W.value, b.value)
    for g, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-12)


OPERATIONS = {
    "sums": (lambda a, b: t.total(a + b - 2.0 + (1.0 - a)), lambda a, b: anp.sum(a + b - 2.0 + (1.0 - a))),
    "products": (lambda a, b: t.total(a * b * 3.0 * -b), lambda a, b: anp.sum(a * b * 3.0 * -b)),
    "quotients": (lambda a, b: t.total(a / b + 1.0 / a), lambda a, b: anp.sum(a / b + 1.0 / a)),
    "powers": (lambda a, b: t.total(a**3 + b**0.5), lambda a, b: anp.sum(a**3) + 3 * anp.sum(b**0.5)),
    "exp and log": (lambda a, b: t.total(t.exp(a) * t.log(b)), lambda a, b: anp.sum(anp.exp(a) * anp.log(b))),
    "means": (
        lambda a, b: t.total(t.mean(a, axis=1) * t.total(a, axis=0) * b),
        lambda a, b: anp.sum(anp.mean(a, axis=1, keepdims=True) * anp.sum(a, axis=0, keepdims=True) * b),
    ),
    "relu": (lambda a, b: t.total(t.relu(a - 1.0) * b), lambda a, b: anp.sum(anp.maximum(a - 1.0, 0) * b)),
    "array on the left": (
        lambda a, b: t.total(np.ones((2, 3)) @ a + np.array([[2.0], [3.0]]) * t.total(b)),
        lambda a, b: anp.sum(np.ones((2, 3)) @ a + np.array([[2.0], [3.0]]) * anp.sum(b)),
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_agrees_with_a_second_library(name):
    """autograd differentiates the same expression on its own."""
    ours, theirs = OPERATIONS[name]
    rng = np.random.default_rng(1)
    a, b = (t.Variable(rng.uniform(0.5, 2, size=size)) for size in ((3, 4), (3, 1)))
    if name == "powers":  # a has four columns, b one: broadcasting is not what is tested here
        theirs = lambda a, b: anp.sum(a**3) + anp.sum(b**0.5)  # noqa: E731
        ours = lambda a, b: t.total(a**3) + t.total(b**0.5)  # noqa: E731
    found = gradient(lambda: ours(a, b), [a, b])
    for g, e in zip(found, autograd.grad(theirs, (0, 1))(a.value, b.value), strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-10)


def test_the_parabola_ends_at_five():
    """w^2 - 10w + 25 = (w - 5)^2; its slope at 0 is -10."""
    w = t.Variable(0.0)
    assert gradient(lambda: parabola(w), w) == -10
    step = t.Descent(0.1)
    for _ in range(200):
        step.apply([gradient(lambda: parabola(w), w)], [w])
    assert w.value == pytest.approx(5)


def test_adagrad_first_moves_by_the_learning_rate():
    """The first gradient divided by its own size is its sign."""
    w = t.Variable([3.0, -0.001, 0.0])
    t.Adagrad(0.5).apply([np.array([7.0, -1e-6, 0.0])], [w])
    np.testing.assert_allclose(w.value, [2.5, 0.499, 0.0])


def test_an_update_with_state_keeps_it_between_steps():
    """Velocity of a constant gradient 1: 1, then 1.5 with friction 0.5, so w falls by 0.1 and 0.15."""

    def momentum(parameters, grads, velocity, learning_rate, beta):
        velocity = {k: beta * velocity[k] + grads[k] for k in grads}
        return {k: parameters[k] - learning_rate * velocity["d" + k] for k in parameters}, velocity

    w, rule = t.Variable(np.zeros((2, 3))), t.Yours(momentum, 0.1, state=1, beta=0.5)
    for _ in range(2):
        rule.apply([np.ones((2, 3))], [w])
    np.testing.assert_allclose(w.value, np.full((2, 3), -0.25))


def test_an_update_that_counts_is_told_the_step():
    """t starts at 1."""
    seen = []

    def counts(parameters, grads, t, learning_rate):
        seen.append(t)
        return parameters

    rule = t.Yours(counts, 0.1)
    for _ in range(3):
        rule.apply([np.array(1.0)], [t.Variable(0.0)])
    assert seen == [1, 2, 3]


def test_measuring_is_exact_for_a_cubic_and_leaves_the_variable_alone():
    """The rule with four costs has no error below fifth powers."""
    w = t.Variable([1.0, 2.0])
    np.testing.assert_allclose(t.nudged(lambda: t.total(w**3), w), [3.0, 12.0], rtol=1e-10)
    np.testing.assert_array_equal(w.value, [1.0, 2.0])


def test_data_are_no_nodes():
    """Nobody asks for the gradient of data, so the walk skips them."""
    w = t.Variable(2.0, "w")
    with Tape() as tape:
        J = w * 3.0 + t.Tensor(1.0, is_data=True) * 2.0
    leaves = [node for node, made_from in tape.parents().items() if not made_from]
    assert leaves == [w] and tape.gradient(J, w) == 3


def test_what_the_output_does_not_need_gets_zeros():
    """A weight that moves nothing has slope 0, in its own shape."""
    w, idle = t.Variable(2.0), t.Variable(np.ones((2, 3)))
    np.testing.assert_array_equal(gradient(lambda: w * w, idle), np.zeros((2, 3)))


def test_a_power_is_written_with_two_stars():
    """w ^ 2 would be something else in Python, so it is refused with advice."""
    with pytest.raises(TypeError, match=r"w\*\*2"):
        t.Variable(5.0) ^ 2


def test_outputs_that_have_no_gradient_are_refused():
    """One number, computed while the tape was open."""
    w = t.Variable([1.0, 2.0])
    with pytest.raises(t.TapeError, match="sum it up"):
        gradient(lambda: w * 2.0, w)
    with Tape() as tape:
        pass
    with pytest.raises(t.TapeError, match="inside the with block"):
        tape.gradient(t.total(w), w)


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"unbroadcast": lambda gradient, shape: gradient}, r"shape \(3, 1\) got .* \(3, 5\)"),
        ({"matmul_gradients": lambda upstream, A, B: None}, "NoneType"),
        ({"backpropagate": lambda *_: None}, "must return a dict"),
        ({"backpropagate": lambda output, parents, slopes: dict.fromkeys(parents, np.ones(7))}, "own shape"),
    ],
)
def test_a_function_that_answers_wrongly_is_named_in_words(functions, message):
    """The learner hears what came back, not where NumPy gave up."""
    W, b = t.Variable(np.ones((3, 4))), t.Variable(np.ones((3, 1)))
    with pytest.raises((t.TapeError, ValueError), match=message):
        gradient(lambda: t.total(t.tanh(W @ np.ones((4, 5)) + b)), [W, b], **functions)


def test_a_missing_framework_is_a_sentence(capsys):
    """No traceback where TensorFlow is not installed, and other errors are told as what they are."""
    with t.framework("TensorFlow", "tensorflow"):
        raise ModuleNotFoundError("No module named 'tensorflow'")
    assert "not installed" in capsys.readouterr().out
    with t.framework("TensorFlow", "tensorflow"):
        raise RuntimeError("no device")
    assert "no device" in capsys.readouterr().out
