"""Optimizers: mini-batches, running averages, the four update rules, decays, critical points."""

import functools
import inspect
import itertools

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from course_utils import properties
from course_utils.calls import Call
from course_utils.examine import HABITS, Finding
from course_utils.plain import Draws
from course_utils.reference import optimizers as reference

RTOL_32, ATOL_32 = 1e-4, 1e-5  # of float32 seven digits arrive, a few of them are lost on the way


# --- what inputs are made of -------------------------------------------------------------------------------


def weights(rng, sizes, digits=None):
    """Return parameters of the layers sizes[0] -> sizes[1] -> ..., rounded where people shall read them."""
    arrays = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        arrays[f"W{layer}"] = rng.normal(size=(n_out, n_in))
        arrays[f"b{layer}"] = rng.normal(size=(n_out, 1))
    return arrays if digits is None else {name: np.round(a, digits) for name, a in arrays.items()}


def slopes(rng, parameters, digits=None):
    """Return gradients for these parameters, no entry near 0."""
    signs = {name: rng.choice([-1.0, 1.0], size=W.shape) for name, W in parameters.items()}
    sizes = {name: rng.uniform(0.3, 3.0, size=W.shape) for name, W in parameters.items()}
    grads = {f"d{name}": signs[name] * sizes[name] for name in parameters}
    return grads if digits is None else {name: np.round(a, digits) for name, a in grads.items()}


def zeros(grads):
    return {name: np.zeros_like(g) for name, g in grads.items()}


def squared(grads):
    """Return running squares that fit to gradients of this size, all above 0."""
    return {name: np.round(0.5 * g**2 + 0.1, 3) for name, g in grads.items()}


def shuffled(rng, arrays):
    return {name: arrays[name] for name in rng.permutation(list(arrays)).tolist()}


def backwards(arguments):
    """Return the arguments with their parameters filled in last layer first, the gradients not."""
    return {**arguments, "parameters": dict(reversed(arguments["parameters"].items()))}


def as_type(dtype, arguments, scale=1):
    """Return the arguments with every array of every dict in another number type; integers are rounded."""

    def convert(a):
        return (np.round(scale * a) if np.issubdtype(dtype, np.integer) else scale * a).astype(dtype)

    return {
        name: {key: convert(a) for key, a in value.items()} if isinstance(value, dict) else value
        for name, value in arguments.items()
    }


def state_of(rng, states, grads, *, at_rest, digits=None):
    """Return the running averages: zeros before the first step, else some that fit to the gradients."""
    made = {}
    for name in states:
        if at_rest:
            made[name] = zeros(grads)
        elif name == "velocity":
            made[name] = {key: np.round(rng.normal(size=g.shape), digits or 6) for key, g in grads.items()}
        else:
            made[name] = squared(grads)
    return made


def step(rng, states, sizes, *, at_rest=False, digits=None, whole=False, **hyper):
    """Return the arguments of one step of an update rule, none of whose results is a rounding error."""
    while True:
        parameters = weights(rng, sizes, digits)
        grads = slopes(rng, parameters, digits)
        given = state_of(rng, states, grads, at_rest=at_rest, digits=digits)
        arguments = {"parameters": parameters, "grads": grads, **given, **hyper}
        if whole:
            arguments = as_type(np.int64, arguments, scale=3)
        if is_steady(arguments):
            return arguments


def is_steady(arguments):
    """Tell whether no array of the result is what is left where two numbers cancel.

    Where 0.9 * v + 0.1 * g is 0 on paper, each right way of writing it gives another 1e-17.
    """
    beta = arguments.get("beta", arguments.get("beta1", 0.0))
    states = [name for name in ("velocity", "squares") if name in arguments]
    update = {
        (): reference.gradient_descent_update,
        ("velocity",): reference.momentum_update,
        ("squares",): reference.rmsprop_update,
        ("velocity", "squares"): reference.adam_update,
    }[tuple(states)]
    timed = {"t": 1, **arguments} if update is reference.adam_update else arguments
    new, *state = update(**timed) if states else (update(**timed),)
    ratios = []
    for name, W in arguments["parameters"].items():
        ratios.append(np.abs(new[name]).max() / (np.abs(W).max() + np.abs(new[name] - W).max()))
        if "velocity" in states:
            v, g = arguments["velocity"]["d" + name], arguments["grads"]["d" + name]
            largest = (beta * np.abs(v) + (1 - beta) * np.abs(g)).max()
            ratios.append(np.abs(state[0]["d" + name]).max() / largest if largest else 0.0)
    return min(ratios) > 0.01


def walk(rng, update, states, sizes, n_steps, **hyper):
    """Return the arguments of each step of a walk that the reference takes from rest."""
    arguments = step(rng, states, sizes, at_rest=True, **hyper)
    path = []
    for t in range(1, n_steps + 1):
        now = {**arguments, "t": t} if update is reference.adam_update else dict(arguments)
        now["grads"] = slopes(rng, now["parameters"])
        while not is_steady(now):
            now["grads"] = slopes(rng, now["parameters"])
        path.append(now)
        result = update(**now)
        result = result if states else (result,)
        arguments.update(zip(("parameters", *states), result, strict=True))
    return path


def twelve_layers(rng, states, **hyper):
    """Return one step of a network of twelve layers whose dicts were each filled in another order."""
    arguments = step(rng, states, [3, 2, 4, 1, 2, 3, 1, 2, 5, 2, 3, 2, 1], **hyper)
    return {
        name: shuffled(rng, value) if isinstance(value, dict) else value for name, value in arguments.items()
    }


def other_numbers(rng, states, **hyper):
    """Return one step in whole numbers, then one in float32."""
    single = as_type(np.float32, step(rng, states, [3, 2, 2], **hyper))
    return [step(rng, states, [2, 3, 1], whole=True, **hyper), single]


def mixed_sizes(rng, states, **hyper):
    """Return a step whose gradients spread over six powers of ten within each array."""
    arguments = step(rng, states, [5, 4, 2], at_rest=True, **hyper)
    arguments["parameters"] = zeros(arguments["parameters"])
    arguments["grads"] = {
        n: g * 10.0 ** rng.integers(-4, 3, size=g.shape) for n, g in arguments["grads"].items()
    }
    return arguments


def common_cases(update, states, **hyper):
    """Return the cases that every update rule has to pass beside its own."""
    first = "one layer, one step"
    return (
        Case(
            name="twelve layers, dicts in any order",
            why="Fixed layer numbers, W10 read as W1 and pairing by position in the dict fail here.",
            inputs=lambda rng: twelve_layers(rng, states, **hyper),
            public=not states,
            after=(first,),
            ask="Does each parameter meet the gradient of its own name, whatever the order of the dict?",
        ),
        Case(
            name="one unit with one input",
            why="Shapes (1, 1): squeezing and shape tricks fail.",
            inputs=lambda rng: [step(rng, states, [1, 1], **hyper), step(rng, states, [1, 1, 1], **hyper)],
            after=(first,),
        ),
        Case(
            name="six steps along one path",
            why="State that is dropped, scaled or swapped between steps shows from the second step on.",
            inputs=lambda rng: walk(
                rng, update, states, [4, 3, 1], 6, **{k: v for k, v in hyper.items() if k != "t"}
            ),
            after=(first,),
            ask="Which of the running values does the next step start from?",
            rtol=1e-9,
        ),
        Case(
            name="whole numbers and float32 arrive too",
            why="np.zeros_like of an integer array truncates, -= on one raises.",
            inputs=lambda rng: other_numbers(rng, states, **hyper),
            after=(first,),
            rtol=RTOL_32,
            atol=ATOL_32,
        ),
    )


# --- mistakes that every update rule can have --------------------------------------------------------------


def bound(update):
    """Turn a function of (update, arguments) into a wrong update with the signature of the right one."""

    def decorate(body):
        @functools.wraps(update)
        def wrong(*args, **kwargs):
            return body(update, dict(inspect.signature(update).bind(*args, **kwargs).arguments))

        return wrong

    return decorate


def split(result):
    """Return (parameters, the rest) of what an update rule returned."""
    return (result[0], tuple(result[1:])) if isinstance(result, tuple) else (result, ())


def together(parameters, state):
    return (parameters, *state) if state else parameters


def stops_early(update, arguments):
    """`for layer in range(1, L)`: the last layer is left out of the result."""
    last = f"{max(int(name[1:]) for name in arguments['parameters'])}"
    parameters, state = split(update(**arguments))
    kept = {name: W for name, W in parameters.items() if name[1:] != last}
    return together(kept, tuple({n: a for n, a in part.items() if n[2:] != last} for part in state))


def last_layer_unmoved(update, arguments):
    """`for layer in range(1, L)` over copies: the last layer keeps its old values."""
    last = f"{max(int(name[1:]) for name in arguments['parameters'])}"
    parameters, state = split(update(**arguments))
    old = [arguments[name] for name in ("velocity", "squares") if name in arguments]
    kept = {n: np.array(arguments["parameters"][n]) if n[1:] == last else W for n, W in parameters.items()}
    state = [
        {n: np.array(before[n]) if n[2:] == last else a for n, a in part.items()}
        for part, before in zip(state, old, strict=True)
    ]
    return together(kept, tuple(state))


def last_digit(update, arguments):
    """`name[-1]` as the number of the layer."""
    aligned = dict(arguments)
    for part in ("grads", "velocity", "squares"):
        if part in aligned:
            found = aligned[part]
            aligned[part] = {f"d{n}": found["d" + n[0] + n[-1]] for n in arguments["parameters"]}
    return update(**aligned)


def biases_stay(update, arguments):
    """Only the weight matrices learn."""
    parameters, state = split(update(**arguments))
    old = arguments["parameters"]
    kept = {name: np.array(old[name]) if name[0] == "b" else W for name, W in parameters.items()}
    return together(kept, state)


def pairs_by_position(update, arguments):
    """`zip(parameters, grads)`: the first parameter meets the first gradient, whatever they are called."""
    if update is reference.gradient_descent_update:  # which would refuse the shapes that NumPy broadcasts
        pairs = zip(arguments["parameters"].items(), arguments["grads"].values(), strict=True)
        return {name: W - arguments["learning_rate"] * dW for (name, W), dW in pairs}
    names = [f"d{name}" for name in arguments["parameters"]]
    aligned = dict(arguments)
    for part in ("grads", "velocity", "squares"):
        if part in aligned:
            aligned[part] = dict(zip(names, aligned[part].values(), strict=True))
    return update(**aligned)


def in_place(update, arguments):
    """Writes the new values into the dicts that were handed in."""
    parameters, state = split(update(**arguments))
    arguments["parameters"].update(parameters)
    for part, new in zip([name for name in ("velocity", "squares") if name in arguments], state, strict=True):
        arguments[part].update(new)
    names = [name for name in ("velocity", "squares") if name in arguments]
    return together(arguments["parameters"], tuple(arguments[name] for name in names))


def state_in_place(update, arguments):
    """Writes the new averages, but not the parameters, into the dicts that were handed in."""
    parameters, state = split(update(**arguments))
    held = [arguments[name] for name in ("velocity", "squares") if name in arguments]
    for part, new in zip(held, state, strict=True):
        part.update(new)
    return together(parameters, tuple(held))


def uphill(update, arguments):
    """W + step."""
    parameters, state = split(update(**arguments))
    return together({name: 2 * arguments["parameters"][name] - W for name, W in parameters.items()}, state)


def common_misconceptions(update, prefix):
    layers = "twelve layers, dicts in any order"

    def a(key, body, belief, exposed_by, hint):
        return Misconception(f"{prefix}-{key}", belief, bound(update)(body), exposed_by, hint)

    own_state = (
        a(
            "state-in-place",
            state_in_place,
            "the running averages belong to the update rule",
            HABITS,
            "The caller's dict of averages has changed as well: whoever repeats the step starts from another "
            "state. Put the new averages into a new dict.",
        ),
    )
    if update is reference.gradient_descent_update:
        own_state = ()
    return (
        a(
            "uphill",
            uphill,
            "the gradient points to where the cost gets smaller",
            "one layer, one step",
            "The gradient points to where the cost grows fastest. Which sign takes you down?",
        ),
        a(
            "last-layer-left-out",
            stops_early,
            "range(1, L) counts up to L",
            "one layer, one step",
            "Print the layer numbers that your loop visits: range(1, L) ends at L - 1.",
        ),
        a(
            "last-layer-unmoved",
            last_layer_unmoved,
            "range(1, L) reaches layer L",
            "one layer, one step",
            "Print the layer numbers that your loop visits: range(1, L) ends at L - 1.",
        ),
        a(
            "last-digit",
            last_digit,
            "the last character is the layer",
            layers,
            'The tenth layer is called W10. "d" + name works for a name of any length.',
        ),
        a(
            "biases-stay",
            biases_stay,
            "only the weight matrices learn",
            "one layer, one step",
            "The cost has a slope in b as well, and db is among the gradients: move every parameter.",
        ),
        a(
            "pairs-by-position",
            pairs_by_position,
            "two dicts list their entries in the same order",
            layers,
            "A dict keeps the order in which it was filled, and another may have been filled otherwise. "
            'Look a gradient up by its name: grads["d" + name].',
        ),
        a(
            "in-place",
            in_place,
            "an update has to write into the parameters it was given",
            HABITS,
            'Whoever called you still holds that dict. Fill a new one: new["W1"] = W - ..., without -= .',
        ),
        *own_state,
    )


# --- random_mini_batches -----------------------------------------------------------------------------------


def examples(rng, n_x, m, n_classes=1, dtype=np.float64):
    """Return X whose columns all differ, and Y that a learner cannot guess from the position."""
    X = np.arange(n_x * m).reshape(n_x, m) + rng.integers(1, 10_000)  # never the columns of another draw
    X = rng.permutation(X.T).T.astype(dtype)
    if n_classes == 1:
        return {
            "X": X,
            "Y": np.round(rng.normal(size=(1, m)), 6) if m > 8 else np.arange(1.0, m + 1)[None] * 10,
        }
    return {"X": X, "Y": np.eye(n_classes)[:, rng.integers(n_classes, size=m)]}


def deal(rng, n_x, m, batch_size, n_classes=1, dtype=np.float64, name="rng"):
    seed = int(rng.integers(2**31))
    return {**examples(rng, n_x, m, n_classes, dtype), "batch_size": batch_size, "rng": Draws(seed, name)}


def again(arguments, name="rng"):
    """Return the same call, with the same generator or with a second one in the same first state."""
    return {**arguments, "rng": Draws(arguments["rng"].seed, name)}


def twice_and_another(rng, n_x, m, batch_size):
    first = deal(rng, n_x, m, batch_size, name="first")
    other = {**first, "rng": Draws(int(rng.integers(2**31)), "other")}
    return [
        Call(first, {"compare": ""}),
        Call(again(first, "second"), {"compare": "equal"}),
        Call(again(first, "first"), {"compare": "new"}),
        Call(other, {"compare": "new"}),
    ]


def batches_in(X, Y, order, batch_size):
    """Return the batches of a given order; the last one is smaller where it must be."""
    starts = range(0, len(order), batch_size)
    return [(X[:, order[s : s + batch_size]], Y[:, order[s : s + batch_size]]) for s in starts]


def with_twins(rng, n_x, m, batch_size):
    """Return a call in which each example, label and all, is there twice."""
    once = deal(rng, n_x, m, batch_size)
    return {**once, "X": np.repeat(once["X"], 2, axis=1), "Y": np.repeat(once["Y"], 2, axis=1)}


def any_place_will_do(calls, observations):
    """Over many orders no example always keeps its old place, and some example does so now and then.

    Of 30 orders of 6 examples, a random one fails less than once in 1e12.
    """
    found = properties.every_example_once(calls, observations)
    if found:
        return found
    stays = np.zeros((len(calls), calls[0].arguments["X"].shape[1]), dtype=bool)
    for kept, call, seen in zip(stays, calls, observations, strict=True):
        kept[:] = (np.hstack([batch[0] for batch in seen.value]) == call.arguments["X"]).all(axis=0)
    if stays.all(axis=0).any():
        return [Finding("place:kept", "an example keeps its old place whatever the generator")]
    if not stays.any():
        return [Finding("place:never kept", "no example ever comes out at its old place: orders are missing")]
    return []


def drops_the_rest(X, Y, batch_size, rng):
    order = rng.permutation(X.shape[1])
    batches = batches_in(X, Y, order, batch_size)
    return batches[: X.shape[1] // batch_size]


def empty_last_batch(X, Y, batch_size, rng):
    order = rng.permutation(X.shape[1])
    whole = X.shape[1] // batch_size
    chosen = [order[k * batch_size : (k + 1) * batch_size] for k in range(whole + 1)]
    return [(X[:, columns], Y[:, columns]) for columns in chosen]


def shuffles_X_alone(X, Y, batch_size, rng):
    order = rng.permutation(X.shape[1])
    return batches_in(X[:, order], Y, np.arange(X.shape[1]), batch_size)


def shuffles_each_by_itself(X, Y, batch_size, rng):
    return batches_in(
        X[:, rng.permutation(X.shape[1])],
        Y[:, rng.permutation(X.shape[1])],
        np.arange(X.shape[1]),
        batch_size,
    )


def deals_unshuffled(X, Y, batch_size, rng):
    return batches_in(X, Y, np.arange(X.shape[1]), batch_size)


def shuffles_rows(X, Y, batch_size, rng):
    return batches_in(rng.permutation(X), Y, np.arange(X.shape[1]), batch_size)


def examples_are_rows(X, Y, batch_size, rng):
    order = rng.permutation(X.shape[0])
    starts = range(0, X.shape[0], batch_size)
    return [(X[order[s : s + batch_size]], Y.T[order[s : s + batch_size]]) for s in starts]


def draws_with_replacement(X, Y, batch_size, rng):
    m = X.shape[1]
    return batches_in(X, Y, rng.integers(m, size=m), batch_size)


def draws_each_batch_by_itself(X, Y, batch_size, rng):
    m = X.shape[1]
    sizes = [min(batch_size, m - s) for s in range(0, m, batch_size)]
    chosen = [rng.choice(m, size, replace=False) for size in sizes]
    return [(X[:, columns], Y[:, columns]) for columns in chosen]


def evens_out(X, Y, batch_size, rng):
    m = X.shape[1]
    parts = np.array_split(rng.permutation(m), -(-m // batch_size))
    return [(X[:, columns], Y[:, columns]) for columns in parts]


def joins_the_rest(X, Y, batch_size, rng):
    m = X.shape[1]
    parts = np.split(rng.permutation(m), np.arange(batch_size, m - batch_size + 1, batch_size))
    return [(X[:, columns], Y[:, columns]) for columns in parts]


def shuffles_inside_batches(X, Y, batch_size, rng):
    m = X.shape[1]
    order = np.concatenate([s + rng.permutation(min(batch_size, m - s)) for s in range(0, m, batch_size)])
    return batches_in(X, Y, order, batch_size)


def shuffles_the_batches(X, Y, batch_size, rng):
    m = X.shape[1]
    batches = batches_in(X, Y, np.arange(m), batch_size)
    whole = m // batch_size
    return [batches[k] for k in rng.permutation(whole)] + batches[whole:]


def uses_a_generator_of_its_own(X, Y, batch_size, rng):
    return batches_in(X, Y, np.random.default_rng(0).permutation(X.shape[1]), batch_size)


def uses_the_global_generator(X, Y, batch_size, rng):
    return batches_in(X, Y, np.random.permutation(X.shape[1]), batch_size)  # noqa: NPY002


def counts_batches(X, Y, batch_size, rng):
    parts = np.array_split(rng.permutation(X.shape[1]), min(batch_size, X.shape[1]))
    return [(X[:, columns], Y[:, columns]) for columns in parts]


def deal_by_popping(X, Y, batch_size, rng):
    left, batches = rng.permutation(X.shape[1]).tolist(), []
    while left:
        now, left = left[:batch_size], left[batch_size:]
        batches.append([np.stack([X[:, i] for i in now], axis=1), np.stack([Y[:, i] for i in now], axis=1)])
    return batches


def deal_slices(X, Y, batch_size, rng):
    order = np.argsort(rng.random(X.shape[1]))
    X, Y = X[:, order], Y[:, order]
    cuts = np.arange(batch_size, X.shape[1], batch_size)
    return list(zip(np.split(X, cuts, axis=1), np.split(Y, cuts, axis=1), strict=True))


def deal_stacked(X, Y, batch_size, rng):
    both = np.vstack([X, Y]).T.copy()
    rng.shuffle(both)
    return [
        (both[s : s + batch_size, : len(X)].T, both[s : s + batch_size, len(X) :].T)
        for s in range(0, len(both), batch_size)
    ]


ONCE = "every example comes exactly once"
PAIRED = "each example keeps its label"
MIXED = "the examples are mixed"

random_mini_batches = Exercise(
    reference=reference.random_mini_batches,
    cases=(
        Case(
            name=ONCE,
            why="Sizes that divide m and that do not; four rows or more hardly ever stay in order.",
            inputs=lambda rng: [deal(rng, 5, 7, 3), deal(rng, 4, 6, 2), deal(rng, 4, 5, 5)],
            public=True,
            verify=properties.every_example_once,
            ask="How many columns do all your batches hold together, and which are they?",
        ),
        Case(
            name=PAIRED,
            why="X and Y must be permuted by the same order, all rows of Y with it.",
            inputs=lambda rng: [deal(rng, 2, 24, 7), deal(rng, 3, 40, 8, n_classes=5)],
            public=True,
            verify=properties.labels_follow_examples,
            after=(ONCE,),
            ask="Do X and Y get their columns in one and the same order?",
        ),
        Case(
            name=MIXED,
            why="Six generators, 43 = 4 * 10 + 3 examples: no old order, batch or tail may survive them all.",
            inputs=lambda rng: [deal(rng, 2, 43, 10, name=f"rng {k}") for k in range(6)],
            public=True,
            verify=properties.examples_are_mixed,
            after=(ONCE,),
            ask="Write down which original columns your first batch holds. Could they be any?",
        ),
        Case(
            name="the order comes from rng",
            why="A generator of one's own or np.random is not reproducible for whoever hands in rng.",
            inputs=lambda rng: twice_and_another(rng, 2, 30, 8),
            public=True,
            verify=properties.order_follows_rng,
            after=(ONCE,),
            ask="Which generator makes your order, and who chose its state?",
        ),
        Case(
            name="batch sizes at their ends",
            why="1, m - 1, m, more than m; one example; exact multiples; equal examples, which both count.",
            inputs=lambda rng: [
                deal(rng, 2, 9, 1),
                deal(rng, 3, 9, 8),
                deal(rng, 3, 9, 9),
                deal(rng, 4, 9, 10),
                deal(rng, 2, 9, 1000),
                deal(rng, 3, 1, 1),
                deal(rng, 3, 1, 64, n_classes=3),
                deal(rng, 1, 64, 16),
                deal(rng, 5, 65, 16, n_classes=4),
                with_twins(rng, 2, 6, 5),
            ],
            verify=properties.every_example_once,
            after=(ONCE,),
        ),
        Case(
            name="any example may come at any place",
            why="A last example that stays, or orders in which none stays, hide in a large set.",
            inputs=lambda rng: [deal(rng, 2, 6, 4, name=f"rng {k}") for k in range(30)],
            verify=any_place_will_do,
            after=(ONCE,),
        ),
        Case(
            name="one batch of all is mixed too",
            why="Handing back X and Y as they came is no mini-batch pass.",
            inputs=lambda rng: [deal(rng, 2, 40, size, name=f"rng {size}") for size in (40, 41, 500)],
            verify=properties.examples_are_mixed,
            after=(ONCE,),
        ),
        Case(
            name="many examples",
            why="Orders that only look mixed in a small set: runs, near moves, a fixed rest.",
            inputs=lambda rng: [deal(rng, 1, 999, 128, name=f"rng {k}") for k in range(3)],
            verify=properties.examples_are_mixed,
            after=(ONCE,),
        ),
        Case(
            name="whole numbers and float32 arrive too",
            why="Buffers made with np.zeros or of the wrong type change values.",
            inputs=lambda rng: [
                deal(rng, 2, 20, 6, n_classes=3, dtype=np.int64),
                deal(rng, 3, 33, 32, dtype=np.float32),
            ],
            verify=properties.labels_follow_examples,
            after=(ONCE,),
        ),
    ),
    misconceptions=(
        Misconception(
            "batches-rest-dropped",
            "m // batch_size is the number of batches",
            drops_the_rest,
            ONCE,
            "7 examples by 3 make two full batches and one example that is left. It wants to be learned from "
            "too: let the last batch be smaller.",
        ),
        Misconception(
            "batches-empty-last",
            "there is always a smaller batch at the end",
            empty_last_batch,
            ONCE,
            "When batch_size divides m nothing is left over. What does your code append then?",
        ),
        Misconception(
            "batches-only-X-shuffled",
            "shuffling the inputs is enough",
            shuffles_X_alone,
            PAIRED,
            "Each example took its place with the label of another. Use one order for the columns of both.",
        ),
        Misconception(
            "batches-shuffled-separately",
            "X and Y may each be shuffled",
            shuffles_each_by_itself,
            PAIRED,
            "Two calls of the generator give two orders. Draw the order once and index X and Y with it.",
        ),
        Misconception(
            "batches-not-shuffled",
            "cutting is enough, the data have no order",
            deals_unshuffled,
            MIXED,
            "Data sets come sorted more often than not, and then a batch shows a single class. "
            "Draw a random order of the columns first.",
        ),
        Misconception(
            "batches-rows-shuffled",
            "shuffling an array shuffles its examples",
            shuffles_rows,
            ONCE,
            "rng.permutation(X) and rng.shuffle(X) move rows, which are features here. "
            "Permute column numbers and index with X[:, order].",
        ),
        Misconception(
            "batches-examples-in-rows",
            "examples stand in rows",
            examples_are_rows,
            ONCE,
            "In this course a column is an example: m is X.shape[1].",
        ),
        Misconception(
            "batches-with-replacement",
            "each batch may pick its examples at random",
            draws_with_replacement,
            ONCE,
            "rng.integers may pick one example twice and leave another out; rng.permutation(m) does not.",
        ),
        Misconception(
            "batches-drawn-by-themselves",
            "each batch is a sample of its own",
            draws_each_batch_by_itself,
            ONCE,
            "Within a batch nothing is repeated, but the next one draws from all examples again: some come "
            "twice in a pass and others never. How often is the order of all examples to be drawn?",
        ),
        Misconception(
            "batches-evened-out",
            "batches should be as equal as possible",
            evens_out,
            ONCE,
            "7 examples by 3 make batches of 3, 3 and 1. Where do you cut if every batch but the last is "
            "full?",
        ),
        Misconception(
            "batches-rest-joined",
            "a small rest joins the batch before",
            joins_the_rest,
            ONCE,
            "Then the last batch holds more than batch_size examples. What should hold those that are left "
            "over?",
        ),
        Misconception(
            "batches-mixed-inside-only",
            "shuffling each batch is enough",
            shuffles_inside_batches,
            MIXED,
            "Each batch holds the examples that stood together before. Mix all columns first, then cut.",
        ),
        Misconception(
            "batches-only-their-order",
            "shuffling the batches is enough",
            shuffles_the_batches,
            MIXED,
            "Neighbours stay neighbours in every epoch. Mix all columns first, then cut.",
        ),
        Misconception(
            "batches-own-generator",
            "a seed inside the function makes it reproducible",
            uses_a_generator_of_its_own,
            "the order comes from rng",
            "Now every epoch sees the same batches. The caller owns the randomness: use rng.",
        ),
        Misconception(
            "batches-global-generator",
            "np.random is as good as rng",
            uses_the_global_generator,
            "the order comes from rng",
            "Nobody can repeat your order by handing in an equal rng. Draw from rng, not from np.random.",
        ),
        Misconception(
            "batches-size-is-their-number",
            "batch_size is the number of batches",
            counts_batches,
            ONCE,
            "batch_size counts the examples in a batch. np.array_split takes the number of parts.",
        ),
    ),
    variants=(deal_by_popping, deal_slices, deal_stacked),
)


# --- exponentially_weighted_average ------------------------------------------------------------------------


def series(rng, T, digits=None):
    """Return a year-like series: a wave and noise, no entry near 0."""
    days = np.arange(T)
    values = 12 + 8 * np.sin(days / 58 + rng.uniform(0, 6)) + rng.normal(size=T)
    return values if digits is None else np.round(values, digits)


def average(theta, beta, bias_correction):
    return {"theta": theta, "beta": beta, "bias_correction": bias_correction}


def ewa_recursion(theta, weigh, finish):
    """Run v = weigh(v, theta_t) and return finish(v, t) of each step."""
    v, averages = 0.0, []
    for t, value in enumerate(np.asarray(theta, dtype=float), start=1):
        v = weigh(v, value)
        averages.append(finish(v, t))
    return np.array(averages)


def ewa_betas_swapped(theta, beta, bias_correction):
    finish = (lambda v, t: v / (1 - beta**t)) if bias_correction else (lambda v, t: v)
    return ewa_recursion(theta, lambda v, x: (1 - beta) * v + beta * x, finish)


def ewa_without_the_factor(theta, beta, bias_correction):
    finish = (lambda v, t: v / (1 - beta**t)) if bias_correction else (lambda v, t: v)
    return ewa_recursion(theta, lambda v, x: beta * v + x, finish)


def ewa_corrects_always(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, False)
    with np.errstate(all="ignore"):  # 0 / 0 where beta is 1
        return v / (1 - float(beta) ** np.arange(1, len(v) + 1))


def ewa_corrects_by_the_last(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, False)
    return v / (1 - beta ** len(v)) if bias_correction else v


def ewa_multiplies(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, False)
    return v * (1 - float(beta) ** np.arange(1, len(v) + 1)) if bias_correction else v


def ewa_of_yesterday(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, bias_correction)
    return np.concatenate([[0.0], v[:-1]])


def ewa_fixed_beta(theta, beta, bias_correction):
    return reference.exponentially_weighted_average(theta, 0.9, bias_correction)


def ewa_in_place(theta, beta, bias_correction):
    v = 0.0
    for t in range(len(theta)):
        v = beta * v + (1 - beta) * theta[t]
        theta[t] = v / (1 - beta ** (t + 1)) if bias_correction else v
    return theta


def ewa_corrects_never(theta, beta, bias_correction):
    return reference.exponentially_weighted_average(theta, beta, False)


def ewa_correction_kept(theta, beta, bias_correction):
    v, averages = 0.0, []
    for t, value in enumerate(theta, start=1):
        v = beta * v + (1 - beta) * value
        if bias_correction:
            v = v / (1 - beta**t)
        averages.append(v)
    return np.array(averages)


def ewa_counts_from_0(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, False)
    with np.errstate(all="ignore"):
        return v / (1 - float(beta) ** np.arange(len(v))) if bias_correction else v


def ewa_counts_from_2(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, False)
    return v / (1 - float(beta) ** np.arange(2, len(v) + 2)) if bias_correction else v


def ewa_beta_times_t(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, False)
    with np.errstate(all="ignore"):
        return v / (1 - beta * np.arange(1, len(v) + 1)) if bias_correction else v


def ewa_divides_by_one_minus_beta(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, False)
    return v / (1 - beta) if bias_correction else v


def ewa_starts_at_first(theta, beta, bias_correction):
    v, averages = float(theta[0]), []
    for t, value in enumerate(theta, start=1):
        v = value if t == 1 else beta * v + (1 - beta) * value
        averages.append(v / (1 - beta**t) if bias_correction else v)
    return np.array(averages, dtype=float)


def ewa_starts_at_first_uncorrected(theta, beta, bias_correction):
    return ewa_starts_at_first(theta, beta, False)


def ewa_corrects_from_the_second(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, False)
    with np.errstate(all="ignore"):
        later = v[1:] / (1 - float(beta) ** np.arange(1, len(v)))
    return np.concatenate([v[:1], later]) if bias_correction else v


def ewa_of_a_window(theta, beta, bias_correction):
    width = round(1 / (1 - beta))
    return np.array([np.mean(theta[max(0, t - width) : t]) for t in range(1, len(theta) + 1)])


def ewa_of_two_days(theta, beta, bias_correction):
    theta = np.asarray(theta, dtype=float)
    v = beta * np.concatenate([[0.0], theta[:-1]]) + (1 - beta) * theta
    with np.errstate(all="ignore"):
        return v / (1 - float(beta) ** np.arange(1, len(v) + 1)) if bias_correction else v


def ewa_truncates(theta, beta, bias_correction):
    v = np.zeros_like(theta)
    before = 0.0
    for t, value in enumerate(theta, start=1):
        before = beta * before + (1 - beta) * value
        v[t - 1] = before / (1 - beta**t) if bias_correction else before
    return v


def ewa_with_v0(theta, beta, bias_correction):
    v = reference.exponentially_weighted_average(theta, beta, bias_correction)
    return np.concatenate([[0.0], v])


def ewa_last_only(theta, beta, bias_correction):
    return float(reference.exponentially_weighted_average(theta, beta, bias_correction)[-1])


def ewa_as_matrix(theta, beta, bias_correction):
    theta = np.asarray(theta, dtype=float)
    ages = np.subtract.outer(np.arange(len(theta)), np.arange(len(theta)))
    kernel = np.where(ages >= 0, (1 - beta) * float(beta) ** np.maximum(ages, 0), 0.0)
    v = np.einsum("ti,i->t", kernel, theta)
    return v / (1 - float(beta) ** (np.arange(len(theta)) + 1)) if bias_correction else v


def ewa_as_list(theta, beta, bias_correction):
    averages = []
    for value in theta:
        averages.append(beta * (averages[-1] if averages else 0) + (1 - beta) * value)
    if bias_correction:
        averages = [v / (1 - beta ** (i + 1)) for i, v in enumerate(averages)]
    return np.array(averages, dtype=np.float64)


def ewa_by_correction(theta, beta, bias_correction):
    # v + (1 - beta) (theta - v): one multiplication instead of two
    v, weight, out = 0.0, 0.0, np.zeros(len(theta))
    for t in range(len(theta)):
        v += (1 - beta) * (theta[t] - v)
        weight += (1 - beta) * (1 - weight)
        out[t] = v / weight if bias_correction else v
    return out


PLAIN = "four days without correction"
CORRECTED = "four days with bias correction"

exponentially_weighted_average = Exercise(
    reference=reference.exponentially_weighted_average,
    cases=(
        Case(
            name=PLAIN,
            why="Small enough to follow by hand; v starts at 0, not at the first value.",
            inputs=lambda rng: [
                average(np.array([10.0, 20.0, 40.0, 20.0]), 0.5, False),
                average(series(rng, 4, 1), 0.9, False),
            ],
            public=True,
            ask="Work out v_1 and v_2 on paper, from v_0 = 0. Which of the two differs from yours?",
        ),
        Case(
            name=CORRECTED,
            why="beta 0.98 and two days: v_2 corrected is 0.495 theta_1 + 0.505 theta_2.",
            inputs=lambda rng: [
                average(np.array([10.0, 20.0, 40.0, 20.0]), 0.5, True),
                average(series(rng, 4, 1), 0.98, True),
            ],
            public=True,
            after=(PLAIN,),
            ask="After one day the corrected average is that day itself. What do you divide by at t = 1?",
        ),
        Case(
            name="with beta 0 every day stands for itself",
            why="0**0 and division by 1 - beta**0 show here; beta may be the integer 0.",
            inputs=lambda rng: (
                [average(series(rng, 5, 1), 0, c) for c in (False, True)]
                + [average(series(rng, 6), 0.0, c) for c in (True, False)]
            ),
            public=True,
            after=(PLAIN,),
        ),
        Case(
            name="a single day",
            why="T = 1: loops that start from the second entry fail.",
            inputs=lambda rng: [
                average(series(rng, 1), beta, c) for beta in (0.3, 0.98) for c in (False, True)
            ],
            after=(PLAIN,),
        ),
        Case(
            name="hundreds of days",
            why="Betas near 1 and far from it; beta**-t overflows. No deeper than a recursion can go.",
            inputs=lambda rng: [
                average(series(rng, 480), 0.9, True),
                average(series(rng, 450), 0.98, False),
                average(series(rng, 400), 0.999, True),
                average(rng.normal(size=300), 0.5, True),
                average(series(rng, 400), 0.1, False),
            ],
            after=(PLAIN,),
        ),
        Case(
            name="with beta 1 nothing is ever learned",
            why="Legal without correction: all averages stay 0.",
            inputs=lambda rng: [average(series(rng, 6), 1.0, False), average(series(rng, 3), 1, False)],
            after=(PLAIN,),
        ),
        Case(
            name="whole numbers and float32 arrive too",
            why="np.zeros_like(theta) of integers truncates every average.",
            inputs=lambda rng: [
                average(rng.integers(-9, 30, size=40), 0.9, True),
                average(rng.integers(1, 30, size=12), 0.7, False),
                average(series(rng, 60).astype(np.float32), 0.95, True),
            ],
            public=True,
            after=(PLAIN,),
            ask="What number type has the array that you write your averages into?",
            rtol=RTOL_32,
            atol=ATOL_32,
        ),
    ),
    misconceptions=(
        Misconception(
            "ewa-betas-swapped",
            "beta is the weight of the new value",
            ewa_betas_swapped,
            PLAIN,
            "beta is the weight of the past; the new value gets what is left of 1.",
        ),
        Misconception(
            "ewa-no-one-minus-beta",
            "the past fades and the new value is simply added",
            ewa_without_the_factor,
            PLAIN,
            "The weights of an average add up to 1: beta for the past, 1 - beta for today.",
        ),
        Misconception(
            "ewa-correction-written-back",
            "the corrected average is what the next day starts from",
            ewa_correction_kept,
            CORRECTED,
            "Keep v as it is and correct a copy: the next day goes on from the uncorrected v.",
        ),
        Misconception(
            "ewa-always-corrected",
            "the correction never hurts, so it needs no switch",
            ewa_corrects_always,
            PLAIN,
            "Divide only where bias_correction is true.",
        ),
        Misconception(
            "ewa-never-corrected",
            "the first days do not matter",
            ewa_corrects_never,
            CORRECTED,
            "With beta 0.98 the first average is a fiftieth of the first day. What should you divide by?",
        ),
        Misconception(
            "ewa-t-from-0",
            "the first day has t = 0",
            ewa_counts_from_0,
            CORRECTED,
            "1 - beta**0 is 0, and you divide by it. The first value has t = 1.",
        ),
        Misconception(
            "ewa-t-from-2",
            "one day has passed before the first correction",
            ewa_counts_from_2,
            CORRECTED,
            "After the first value t is 1: v_1 / (1 - beta) is that value itself.",
        ),
        Misconception(
            "ewa-beta-times-t",
            "the correction is 1 - beta t",
            ewa_beta_times_t,
            CORRECTED,
            "beta is raised to the power t, for the start fades by the factor beta every day: beta**t.",
        ),
        Misconception(
            "ewa-divided-by-one-minus-beta",
            "the correction is the same every day",
            ewa_divides_by_one_minus_beta,
            CORRECTED,
            "1 - beta is right on day 1 only. The correction fades with beta**t.",
        ),
        Misconception(
            "ewa-starts-at-first-value",
            "the average starts at the first value",
            ewa_starts_at_first,
            PLAIN,
            "A sensible idea, but another one: here v_0 = 0, and the bias that this brings is corrected.",
        ),
        Misconception(
            "ewa-starts-at-first-uncorrected",
            "starting at the first value makes the correction needless",
            ewa_starts_at_first_uncorrected,
            PLAIN,
            "Then the first value weighs far more than any other. Here v_0 = 0: what is v_1, and which "
            "switch corrects it?",
        ),
        Misconception(
            "ewa-second-day-is-t-1",
            "the correction starts on the second day",
            ewa_corrects_from_the_second,
            CORRECTED,
            "A guard against dividing by 0 at t = 0 hides that the first value has t = 1. What is v_1 / (1 "
            "- beta**1)?",
        ),
        Misconception(
            "ewa-window",
            "the average is the mean of the last 1 / (1 - beta) days",
            ewa_of_a_window,
            PLAIN,
            "1 / (1 - beta) only tells how far back the weights matter. Which weights has the day before "
            "yesterday in v = beta v + (1 - beta) theta, and when do they become 0?",
        ),
        Misconception(
            "ewa-of-two-days",
            "yesterday's value is all of the past",
            ewa_of_two_days,
            PLAIN,
            "beta multiplies the average so far, not yesterday's value. Where would the day before "
            "yesterday be remembered?",
        ),
        Misconception(
            "ewa-corrected-by-the-last-day",
            "one correction serves all days",
            ewa_corrects_by_the_last,
            CORRECTED,
            "Only the last average comes out right. Each day has a t of its own: v_t / (1 - beta**t).",
        ),
        Misconception(
            "ewa-correction-multiplies",
            "the correction multiplies",
            ewa_multiplies,
            CORRECTED,
            "The first averages are too small, and 1 - beta**t is below 1: does multiplying help?",
        ),
        Misconception(
            "ewa-of-yesterday",
            "an average is recorded before the new value enters",
            ewa_of_yesterday,
            PLAIN,
            "Your first entry is v_0. Update v with theta[0] first, then write it down.",
        ),
        Misconception(
            "ewa-fixed-beta",
            "beta is 0.9",
            ewa_fixed_beta,
            PLAIN,
            "0.9 is a good default, but the caller decides: use the argument beta.",
        ),
        Misconception(
            "ewa-in-place",
            "theta may hold the averages",
            ewa_in_place,
            HABITS,
            "The measurements are gone, and integers lose the fractions of their averages. Write into a new "
            "array of floats.",
        ),
        Misconception(
            "ewa-truncated",
            "np.zeros_like(theta) makes an array for averages",
            ewa_truncates,
            "whole numbers and float32 arrive too",
            "zeros_like copies the number type: averages of integers lose their fractions. Use float zeros.",
        ),
        Misconception(
            "ewa-keeps-v0",
            "v_0 is part of the result",
            ewa_with_v0,
            PLAIN,
            "One average for each value: the result has the shape of theta, v_0 = 0 stays outside.",
        ),
        Misconception(
            "ewa-last-only",
            "only the newest average counts",
            ewa_last_only,
            PLAIN,
            "Return the whole course, one average for each value of theta.",
        ),
    ),
    variants=(ewa_as_matrix, ewa_as_list, ewa_by_correction),
)


# --- gradient_descent_update -------------------------------------------------------------------------------


def gd_normalised(parameters, grads, learning_rate):
    return {
        name: W - learning_rate * grads["d" + name] / (np.linalg.norm(grads["d" + name]) or 1)
        for name, W in parameters.items()
    }


def gd_scales_both(parameters, grads, learning_rate):
    return {name: learning_rate * (W - grads["d" + name]) for name, W in parameters.items()}


def gd_forgets_the_rate(parameters, grads, learning_rate):
    return {name: W - grads["d" + name] for name, W in parameters.items()}


def gd_returns_steps(parameters, grads, learning_rate):
    return {name: -learning_rate * grads["d" + name] for name in parameters}


def gd_two_layers(parameters, grads, learning_rate):
    return {name: parameters[name] - learning_rate * grads["d" + name] for name in ("W1", "b1", "W2", "b2")}


def gd_truncates(parameters, grads, learning_rate):
    return {name: (W - learning_rate * grads["d" + name]).astype(W.dtype) for name, W in parameters.items()}


def gd_names_with_d(parameters, grads, learning_rate):
    return {"d" + name: W - learning_rate * grads["d" + name] for name, W in parameters.items()}


def gd_by_layer(parameters, grads, learning_rate):
    new = {}
    for layer in range(1, len(parameters) // 2 + 1):
        for kind in "Wb":
            step = np.multiply(learning_rate, grads[f"d{kind}{layer}"])
            new[f"{kind}{layer}"] = np.subtract(parameters[f"{kind}{layer}"], step)
    return new


def gd_entry_by_entry(parameters, grads, learning_rate):
    new = {name: np.array(W, dtype=float) for name, W in parameters.items()}
    for name, W in new.items():
        for i, j in np.ndindex(W.shape):
            W[i, j] -= learning_rate * grads["d" + name][i, j]
    return new


def gd_from_copies(parameters, grads, learning_rate):
    new = {name: W.astype(np.float64) for name, W in parameters.items()}
    for name in reversed(list(grads)):
        new[name[1:]] += -learning_rate * grads[name]
    return new


gradient_descent_update = Exercise(
    reference=reference.gradient_descent_update,
    cases=(
        Case(
            name="one layer, one step",
            why="One decimal each, so that the learner can follow by hand.",
            inputs=lambda rng: step(rng, (), [2, 3], digits=1, learning_rate=0.1),
            public=True,
            ask="Take one entry: what are W, dW and learning_rate, and what comes out by hand?",
        ),
        Case(
            name="every layer moves",
            why="Three layers, filled in another order than their gradients.",
            inputs=lambda rng: [
                {**a, "grads": dict(reversed(a["grads"].items()))}
                for a in [step(rng, (), [2, 3, 2, 1], digits=1, learning_rate=0.5)]
            ],
            public=True,
            after=("one layer, one step",),
            ask="Which names does your loop visit, and which are in parameters?",
        ),
        Case(
            name="learning rates 0 and 1",
            why="0, or a gradient of 0, keeps every value but returns new arrays; 1 may be an integer.",
            inputs=lambda rng: [
                step(rng, (), [2, 3, 1], learning_rate=0),
                step(rng, (), [3, 2], learning_rate=0.0),
                step(rng, (), [3, 1, 2], learning_rate=1),
                step(rng, (), [3, 1, 2], learning_rate=np.float64(1e-3)),
                with_zero_gradients(rng, (), learning_rate=0.1),
            ],
            after=("one layer, one step",),
        ),
        Case(
            name="gradients of mixed size",
            why="A step is as long as the slope is steep: clipping and normalising show.",
            inputs=lambda rng: mixed_sizes(rng, (), learning_rate=0.07),
            after=("one layer, one step",),
        ),
        *common_cases(reference.gradient_descent_update, (), learning_rate=0.07),
    ),
    misconceptions=(
        *common_misconceptions(reference.gradient_descent_update, "gradient-descent"),
        Misconception(
            "gradient-descent-normalised",
            "a step has the length learning_rate",
            gd_normalised,
            "one layer, one step",
            "On a steep slope the step is longer: multiply by dW itself, not by its direction.",
        ),
        Misconception(
            "gradient-descent-rate-outside",
            "the learning rate scales the new weights",
            gd_scales_both,
            "one layer, one step",
            "Mind the brackets: only the step is scaled, W - (learning_rate * dW).",
        ),
        Misconception(
            "gradient-descent-no-rate",
            "the step is the gradient",
            gd_forgets_the_rate,
            "one layer, one step",
            "Where does learning_rate enter?",
        ),
        Misconception(
            "gradient-descent-returns-the-step",
            "the function returns by how much the weights change",
            gd_returns_steps,
            "one layer, one step",
            "Return where the weights are after the step, not the step.",
        ),
        Misconception(
            "gradient-descent-two-layers",
            "a network has two layers",
            gd_two_layers,
            "one layer, one step",
            "Let the dict tell you which parameters there are: for name in parameters.",
        ),
        Misconception(
            "gradient-descent-truncated",
            "np.zeros_like(W) makes room for the new weights",
            gd_truncates,
            "whole numbers and float32 arrive too",
            "zeros_like copies the number type: weights that arrive as integers lose their fractions. "
            "W - learning_rate * dW makes an array of the right type by itself.",
        ),
        Misconception(
            "gradient-descent-named-like-gradients",
            "the new parameters are called like their gradients",
            gd_names_with_d,
            "one layer, one step",
            "The result goes into the next forward pass, which looks for W1, not for dW1.",
        ),
    ),
    variants=(gd_by_layer, gd_entry_by_entry, gd_from_copies),
)


# --- momentum_update ---------------------------------------------------------------------------------------


def each(make, like):
    """Return {name: make(name)} for every name of a dict."""
    return {name: make(name) for name in like}


def stepped(parameters, learning_rate, direction):
    """Return W - learning_rate * direction["dW"] for every parameter."""
    return {name: W - learning_rate * direction["d" + name] for name, W in parameters.items()}


def momentum_without_the_factor(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] + grads[n], grads)
    return stepped(parameters, learning_rate, velocity), velocity


def momentum_velocity_unused(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] + (1 - beta) * grads[n], grads)
    return stepped(parameters, learning_rate, grads), velocity


def momentum_betas_swapped(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: (1 - beta) * velocity[n] + beta * grads[n], grads)
    return stepped(parameters, learning_rate, velocity), velocity


def momentum_old_velocity(parameters, grads, velocity, learning_rate, beta):
    new = each(lambda n: beta * velocity[n] + (1 - beta) * grads[n], grads)
    return stepped(parameters, learning_rate, velocity), new


def momentum_forgets_the_past(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: (1 - beta) * grads[n], grads)
    return stepped(parameters, learning_rate, velocity), velocity


def momentum_rate_in_velocity(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] - learning_rate * grads[n], grads)
    return {name: W + velocity["d" + name] for name, W in parameters.items()}, velocity


def momentum_step_as_velocity(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] + learning_rate * grads[n], grads)
    return stepped(parameters, 1, velocity), velocity


def momentum_weighted_step_as_velocity(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] + learning_rate * (1 - beta) * grads[n], grads)
    return stepped(parameters, 1, velocity), velocity


def momentum_downhill(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] - (1 - beta) * grads[n], grads)
    return stepped(parameters, -learning_rate, velocity), velocity


def momentum_bias_corrected(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] + (1 - beta) * grads[n], grads)
    with np.errstate(all="ignore"):
        fair = each(lambda n: velocity[n] / (1 - np.float64(beta)), grads)
    return stepped(parameters, learning_rate, fair), velocity


def momentum_adds_gradient_twice(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] + (1 - beta) * grads[n], grads)
    ahead = each(lambda n: beta * velocity[n] + (1 - beta) * grads[n], grads)
    return stepped(parameters, learning_rate, ahead), velocity


def momentum_beside_the_gradient(parameters, grads, velocity, learning_rate, beta):
    velocity = each(lambda n: beta * velocity[n] + (1 - beta) * grads[n], grads)
    return stepped(parameters, learning_rate, each(lambda n: grads[n] + velocity[n], grads)), velocity


def momentum_old_velocity_returned(parameters, grads, velocity, learning_rate, beta):
    new = each(lambda n: beta * velocity[n] + (1 - beta) * grads[n], grads)
    return stepped(parameters, learning_rate, new), {n: np.array(v) for n, v in velocity.items()}


def momentum_named_like_parameters(parameters, grads, velocity, learning_rate, beta):
    parameters, velocity = reference.momentum_update(parameters, grads, velocity, learning_rate, beta)
    return parameters, {name[1:]: v for name, v in velocity.items()}


def momentum_parameters_only(parameters, grads, velocity, learning_rate, beta):
    return reference.momentum_update(parameters, grads, velocity, learning_rate, beta)[0]


def momentum_fixed_beta(parameters, grads, velocity, learning_rate, beta):
    return reference.momentum_update(parameters, grads, velocity, learning_rate, 0.9)


def momentum_by_layer(parameters, grads, velocity, learning_rate, beta):
    new, v = {}, {}
    for layer in range(1, len(parameters) // 2 + 1):
        for name in (f"W{layer}", f"b{layer}"):
            v["d" + name] = np.add(beta * velocity["d" + name], (1 - beta) * grads["d" + name])
            new[name] = parameters[name] - learning_rate * v["d" + name]
    return new, v


def momentum_as_correction(parameters, grads, velocity, learning_rate, beta):
    v = {n: old + (1 - beta) * (grads[n] - old) for n, old in velocity.items()}
    return [{n[1:]: parameters[n[1:]] - learning_rate * v[n] for n in v}, v]


def momentum_entry_by_entry(parameters, grads, velocity, learning_rate, beta):
    new = {n: np.array(W, dtype=float) for n, W in parameters.items()}
    v = {n: np.array(a, dtype=float) for n, a in velocity.items()}
    for n, W in new.items():
        for at in np.ndindex(W.shape):
            v["d" + n][at] = beta * v["d" + n][at] + (1 - beta) * grads["d" + n][at]
            W[at] -= learning_rate * v["d" + n][at]
    return new, v


ROLLING = "a velocity carries on"

momentum_update = Exercise(
    reference=reference.momentum_update,
    cases=(
        Case(
            name="one layer, one step",
            why="From rest, one decimal each; beta 0.8 keeps beta and 1 - beta apart.",
            inputs=lambda rng: step(
                rng, ("velocity",), [2, 3], at_rest=True, digits=1, learning_rate=0.1, beta=0.8
            ),
            public=True,
            ask="From rest, v is (1 - beta) dW. Is yours? Compare v first, then W.",
        ),
        Case(
            name=ROLLING,
            why="A velocity that is not 0: dropped, late or unused ones differ here.",
            inputs=lambda rng: [
                step(rng, ("velocity",), [2, 3], digits=1, learning_rate=0.1, beta=0.8),
                backwards(step(rng, ("velocity",), [3, 2, 1], digits=1, learning_rate=0.5, beta=0.9)),
            ],
            public=True,
            ask="Which velocity goes into the step, and which one is returned?",
        ),
        Case(
            name="with beta 0 it is plain gradient descent",
            why="beta = 0 forgets the past, also as an integer.",
            inputs=lambda rng: [
                step(rng, ("velocity",), [2, 1], digits=1, learning_rate=0.1, beta=0.0),
                step(rng, ("velocity",), [3, 1, 2], learning_rate=1, beta=0),
            ],
            public=True,
            after=("one layer, one step",),
        ),
        Case(
            name="betas near and at 1",
            why="Without friction (beta 1) the gradient has no say; 0.999 hardly any.",
            inputs=lambda rng: [
                step(rng, ("velocity",), [3, 2], learning_rate=0.3, beta=1.0),
                step(rng, ("velocity",), [2, 2, 1], learning_rate=0.3, beta=0.999),
                step(rng, ("velocity",), [2, 2, 1], learning_rate=0.0, beta=0.5),
            ],
            after=("one layer, one step",),
        ),
        Case(
            name="gradients of mixed size",
            why="A step is as long as the slope is steep: clipping and normalising show.",
            inputs=lambda rng: mixed_sizes(rng, ("velocity",), learning_rate=0.07, beta=0.85),
            after=("one layer, one step",),
        ),
        *common_cases(reference.momentum_update, ("velocity",), learning_rate=0.07, beta=0.85),
    ),
    misconceptions=(
        *common_misconceptions(reference.momentum_update, "momentum"),
        Misconception(
            "momentum-no-one-minus-beta",
            "the new gradient is added in full",
            momentum_without_the_factor,
            "one layer, one step",
            "That is the other common form; it takes steps 1 / (1 - beta) times as long. "
            "Here the velocity is an average: the gradient enters with weight 1 - beta.",
        ),
        Misconception(
            "momentum-velocity-unused",
            "the velocity is kept for the record",
            momentum_velocity_unused,
            "one layer, one step",
            "Your velocity is right, but the step still follows the raw gradient. Step along v.",
        ),
        Misconception(
            "momentum-betas-swapped",
            "beta is the weight of the new gradient",
            momentum_betas_swapped,
            "one layer, one step",
            "With beta 0.9 the past counts 0.9 and the new gradient 0.1.",
        ),
        Misconception(
            "momentum-old-velocity-used",
            "the step comes before the velocity",
            momentum_old_velocity,
            "one layer, one step",
            "Your step follows the velocity that came in. First update v, then step along the new v.",
        ),
        Misconception(
            "momentum-past-forgotten",
            "each step starts from rest",
            momentum_forgets_the_past,
            ROLLING,
            "Right from rest, wrong once rolling: where does the old velocity enter?",
        ),
        Misconception(
            "momentum-rate-in-velocity",
            "the velocity is the step itself, rate and sign included",
            momentum_rate_in_velocity,
            "one layer, one step",
            "Some libraries do so. Here v is an average of gradients, and the rate waits until the step.",
        ),
        Misconception(
            "momentum-step-as-velocity",
            "the velocity is the step itself, rate included",
            momentum_step_as_velocity,
            "one layer, one step",
            "Some libraries do so. Here v is an average of gradients: weight them with 1 - beta, and let the "
            "rate wait until the step.",
        ),
        Misconception(
            "momentum-velocity-downhill",
            "the velocity points the way the weights go",
            momentum_downhill,
            "one layer, one step",
            "Some texts do so. Here v is an average of gradients, added with plus; the step has the minus.",
        ),
        Misconception(
            "momentum-rate-averaged",
            "the learning rate is averaged along with the gradient",
            momentum_weighted_step_as_velocity,
            "one layer, one step",
            "The first steps come out the same, until the rate changes. Here v is an average of gradients, "
            "and the rate waits until the step.",
        ),
        Misconception(
            "momentum-bias-corrected",
            "every average needs the correction",
            momentum_bias_corrected,
            ROLLING,
            "Plain momentum corrects nothing: step along v as it is. Adam corrects, with 1 - beta1**t, and "
            "only Adam is told t.",
        ),
        Misconception(
            "momentum-averaged-twice",
            "the step averages once more with the gradient",
            momentum_adds_gradient_twice,
            "one layer, one step",
            "That looks ahead, like Nesterov's variant. Plain momentum steps along v.",
        ),
        Misconception(
            "momentum-beside-the-gradient",
            "momentum comes on top of the gradient",
            momentum_beside_the_gradient,
            "one layer, one step",
            "The gradient is in the velocity already, with weight 1 - beta. How often does it count in your "
            "step?",
        ),
        Misconception(
            "momentum-velocity-not-kept",
            "the velocity need not be handed on",
            momentum_old_velocity_returned,
            "one layer, one step",
            "The step is right, but you return the velocity that came in: the next step will know nothing "
            "of this one.",
        ),
        Misconception(
            "momentum-named-like-parameters",
            "the velocity of W1 is called W1",
            momentum_named_like_parameters,
            "one layer, one step",
            "A velocity is an average of gradients and has their names: dW1, db1.",
        ),
        Misconception(
            "momentum-parameters-only",
            "an optimizer returns parameters",
            momentum_parameters_only,
            "one layer, one step",
            "Momentum has a memory: return (parameters, velocity), or the next step starts from rest.",
        ),
        Misconception(
            "momentum-fixed-beta",
            "beta is 0.9",
            momentum_fixed_beta,
            "one layer, one step",
            "0.9 is a good default, but the caller decides: use the argument beta.",
        ),
    ),
    variants=(momentum_by_layer, momentum_as_correction, momentum_entry_by_entry),
)


# --- rmsprop_update ----------------------------------------------------------------------------------------


def scaled(parameters, learning_rate, grads, divide):
    """Return W - learning_rate * dW / divide("dW") for every parameter."""
    with np.errstate(all="ignore"):
        return {
            name: W - learning_rate * grads["d" + name] / divide("d" + name) for name, W in parameters.items()
        }


def running_squares(grads, squares, beta2):
    return {n: beta2 * squares[n] + (1 - beta2) * g**2 for n, g in grads.items()}


def rmsprop_without_root(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, beta2)
    return scaled(parameters, learning_rate, grads, lambda n: s[n] + epsilon), s


def rmsprop_epsilon_inside(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, beta2)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n] + epsilon)), s


def rmsprop_without_epsilon(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, beta2)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n])), s


def rmsprop_betas_swapped(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, 1 - beta2)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]) + epsilon), s


def rmsprop_sums(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = each(lambda n: beta2 * squares[n] + grads[n] ** 2, grads)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]) + epsilon), s


def rmsprop_adds_up(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = each(lambda n: squares[n] + grads[n] ** 2, grads)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]) + epsilon), s


def rmsprop_of_absolutes(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = each(lambda n: beta2 * squares[n] + (1 - beta2) * np.abs(grads[n]), grads)
    return scaled(parameters, learning_rate, grads, lambda n: s[n] + epsilon), s


def rmsprop_not_squared(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = each(lambda n: beta2 * squares[n] + (1 - beta2) * np.abs(grads[n]), grads)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]) + epsilon), s


def rmsprop_of_weights(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = each(lambda n: beta2 * squares[n] + (1 - beta2) * parameters[n[1:]] ** 2, grads)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]) + epsilon), s


def rmsprop_old_squares(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, beta2)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(squares[n]) + epsilon), s


def rmsprop_one_scale(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = each(lambda n: beta2 * squares[n] + (1 - beta2) * np.mean(grads[n] ** 2), grads)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]) + epsilon), s


def rmsprop_root_returned(parameters, grads, squares, learning_rate, beta2, epsilon):
    new, s = reference.rmsprop_update(parameters, grads, squares, learning_rate, beta2, epsilon)
    return new, {n: np.sqrt(a) for n, a in s.items()}


def rmsprop_bias_corrected(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, beta2)
    root = {n: np.sqrt(a / (1 - beta2)) if beta2 < 1 else np.sqrt(a) for n, a in s.items()}
    return scaled(parameters, learning_rate, grads, lambda n: root[n] + epsilon), s


def rmsprop_multiplies(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, beta2)
    return scaled(parameters, learning_rate, grads, lambda n: 1 / (np.sqrt(s[n]) + epsilon)), s


def rmsprop_past_forgotten(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = each(lambda n: (1 - beta2) * grads[n] ** 2, grads)
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]) + epsilon), s


def rmsprop_by_layer(parameters, grads, squares, learning_rate, beta2, epsilon):
    new, s = {}, {}
    for layer in range(1, len(parameters) // 2 + 1):
        for name in (f"W{layer}", f"b{layer}"):
            g = np.asarray(grads["d" + name], dtype=float)
            s["d" + name] = beta2 * squares["d" + name] + (1 - beta2) * np.square(g)
            new[name] = parameters[name] - g * (learning_rate / (s["d" + name] ** 0.5 + epsilon))
    return new, s


def rmsprop_einsum(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = {n: squares[n] * beta2 + (1 - beta2) * np.einsum("ij,ij->ij", g, g) for n, g in grads.items()}
    steps = {n: learning_rate * g / (np.sqrt(s[n]) + epsilon) for n, g in grads.items()}
    return [{n: parameters[n] - steps[f"d{n}"] for n in sorted(parameters)}, s]


def rmsprop_entry_by_entry(parameters, grads, squares, learning_rate, beta2, epsilon):
    new = {n: np.array(W, dtype=float) for n, W in parameters.items()}
    s = {n: np.array(a, dtype=float) for n, a in squares.items()}
    for n, W in new.items():
        for at in np.ndindex(W.shape):
            g = float(grads["d" + n][at])
            s["d" + n][at] += (1 - beta2) * (g * g - s["d" + n][at])
            W[at] -= learning_rate * g / (float(s["d" + n][at]) ** 0.5 + epsilon)
    return new, s


def tiny(rng, states, size, **hyper):
    """Return a first step with gradients of this size, from weights 0, so that a step of any size shows."""
    arguments = step(rng, states, [3, 2], at_rest=True, **hyper)
    arguments["parameters"] = zeros(arguments["parameters"])
    arguments["grads"] = {n: size * g for n, g in arguments["grads"].items()}
    return arguments


def with_zero_gradients(rng, states, **hyper):
    """Return a first step in which some entries, and one whole array, have no slope."""
    arguments = step(rng, states, [3, 2, 2], at_rest=True, **hyper)
    arguments["grads"]["dW1"][0] = 0.0
    arguments["grads"]["db2"][:] = 0.0
    return arguments


def rmsprop_fixed_epsilon(parameters, grads, squares, learning_rate, beta2, epsilon):
    return reference.rmsprop_update(parameters, grads, squares, learning_rate, beta2, 1e-8)


def rmsprop_epsilon_outside(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, beta2)
    new = scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]))
    return {name: W + epsilon for name, W in new.items()}, s


def rmsprop_gradient_missing(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = running_squares(grads, squares, beta2)
    return stepped(parameters, learning_rate, each(lambda n: 1 / (np.sqrt(s[n]) + epsilon), grads)), s


def rmsprop_weight_squared(parameters, grads, squares, learning_rate, beta2, epsilon):
    s = {n: beta2 * squares[n] + ((1 - beta2) * g) ** 2 for n, g in grads.items()}
    return scaled(parameters, learning_rate, grads, lambda n: np.sqrt(s[n]) + epsilon), s


EPSILON = "an epsilon large enough to see"
NO_SLOPE = "where the gradient is 0 the weight stays"
TINY = "tiny gradients"
UNSEEN = 1e-7  # absolute: what an epsilon of 1e-8 does at a wrong place, until a case asks about its place

rmsprop_update = Exercise(
    reference=reference.rmsprop_update,
    cases=(
        Case(
            name="one layer, one step",
            why="From rest; beta2 0.75 keeps beta2 and 1 - beta2 apart.",
            inputs=lambda rng: step(
                rng,
                ("squares",),
                [2, 3],
                at_rest=True,
                digits=1,
                learning_rate=0.1,
                beta2=0.75,
                epsilon=1e-8,
            ),
            public=True,
            atol=UNSEEN,
            ask="Compare s first: from rest it is (1 - beta2) dW**2, entry by entry. Then the step.",
        ),
        Case(
            name="the squares carry on",
            why="Squares that are not 0: dropped or late ones differ here.",
            inputs=lambda rng: [
                step(rng, ("squares",), [2, 3], digits=1, learning_rate=0.1, beta2=0.9, epsilon=1e-8),
                backwards(
                    step(rng, ("squares",), [3, 2, 1], digits=1, learning_rate=0.01, beta2=0.99, epsilon=1e-8)
                ),
            ],
            public=True,
            atol=UNSEEN,
            ask="Which squares does the step divide by, and which are returned?",
        ),
        Case(
            name=EPSILON,
            why="At epsilon 0.1 inside and outside the root differ by far more than the tolerance.",
            inputs=lambda rng: [
                step(rng, ("squares",), [2, 2], digits=1, learning_rate=0.1, beta2=0.9, epsilon=0.1),
                step(rng, ("squares",), [3, 1, 2], learning_rate=0.1, beta2=0.9, epsilon=1.0),
            ],
            public=True,
            after=("the squares carry on",),
            ask="Where exactly does epsilon stand: sqrt(s) + epsilon or sqrt(s + epsilon)?",
        ),
        Case(
            name=NO_SLOPE,
            why="0 / 0 without epsilon.",
            inputs=lambda rng: with_zero_gradients(
                rng, ("squares",), learning_rate=0.1, beta2=0.9, epsilon=1e-8
            ),
            public=True,
            after=("one layer, one step",),
            ask="What is sqrt(0), and what do you divide by there?",
        ),
        Case(
            name=TINY,
            why="Gradients of the size of epsilon: nothing about epsilon can hide behind the tolerance.",
            inputs=lambda rng: [
                tiny(rng, ("squares",), size, learning_rate=0.1, beta2=0.9, epsilon=1e-8)
                for size in (1e-5, 1e-7, 1e-8)
            ],
            after=("one layer, one step",),
        ),
        Case(
            name="gradients of mixed size",
            why="Each entry has a scale of its own; one scale for an array fails.",
            inputs=lambda rng: mixed_sizes(rng, ("squares",), learning_rate=0.1, beta2=0.9, epsilon=1e-8),
            after=("one layer, one step",),
        ),
        Case(
            name="beta2 at its ends",
            why="0: a step of learning_rate whatever the slope; 1: the squares stay.",
            inputs=lambda rng: [
                step(rng, ("squares",), [2, 3], learning_rate=0.1, beta2=0, epsilon=1e-6),
                step(rng, ("squares",), [3, 2], learning_rate=1, beta2=1.0, epsilon=1e-6),
                step(rng, ("squares",), [2, 1, 2], learning_rate=0.1, beta2=0.9999, epsilon=1e-3),
            ],
            after=("one layer, one step",),
        ),
        *common_cases(reference.rmsprop_update, ("squares",), learning_rate=0.07, beta2=0.9, epsilon=1e-4),
    ),
    misconceptions=(
        *common_misconceptions(reference.rmsprop_update, "rmsprop"),
        Misconception(
            "rmsprop-root-missing",
            "the average of the squares is the size of the gradient",
            rmsprop_without_root,
            "one layer, one step",
            "s has the unit of a squared gradient. What must you do before you divide a gradient by it?",
        ),
        Misconception(
            "rmsprop-epsilon-inside-root",
            "epsilon only prevents 0/0, so it may stand anywhere in the denominator",
            rmsprop_epsilon_inside,
            EPSILON,
            "Some texts do so; here it stands outside: sqrt(s) + epsilon. With s = 1e-12 and epsilon = 1e-8 "
            "the two differ a hundredfold.",
        ),
        Misconception(
            "rmsprop-epsilon-missing",
            "no gradient is ever exactly 0",
            rmsprop_without_epsilon,
            NO_SLOPE,
            "A silent ReLU has slope exactly 0, and 0 / 0 is not a number. Add epsilon to the root.",
        ),
        Misconception(
            "rmsprop-fixed-epsilon",
            "epsilon is 1e-8",
            rmsprop_fixed_epsilon,
            EPSILON,
            "A good default, but the caller decides: use the argument epsilon.",
        ),
        Misconception(
            "rmsprop-epsilon-outside-fraction",
            "a / b + c is a / (b + c)",
            rmsprop_epsilon_outside,
            EPSILON,
            "Division binds more tightly than +: put the root and epsilon together in brackets.",
        ),
        Misconception(
            "rmsprop-gradient-missing",
            "the running squares hold all there is to know about the gradient",
            rmsprop_gradient_missing,
            "one layer, one step",
            "A root has no sign, so every weight moves the same way. What stands in the numerator?",
        ),
        Misconception(
            "rmsprop-weight-squared",
            "the weight 1 - beta2 is squared with the gradient",
            rmsprop_weight_squared,
            "one layer, one step",
            "Mind the brackets: (1 - beta2) * dW**2. Only the gradient is squared.",
        ),
        Misconception(
            "rmsprop-betas-swapped",
            "beta2 is the weight of the new square",
            rmsprop_betas_swapped,
            "one layer, one step",
            "With beta2 0.9 the past counts 0.9 and the new square 0.1.",
        ),
        Misconception(
            "rmsprop-no-one-minus-beta2",
            "the new square is added in full",
            rmsprop_sums,
            "one layer, one step",
            "Then s is a sum and no average, too large by far: weigh the new square with 1 - beta2.",
        ),
        Misconception(
            "rmsprop-adds-up",
            "the squares of all steps add up",
            rmsprop_adds_up,
            "one layer, one step",
            "That is AdaGrad, whose steps become ever shorter. Which factor lets RMSprop forget old "
            "squares, and which one keeps s an average?",
        ),
        Misconception(
            "rmsprop-of-absolutes",
            "the absolute value serves as well as square and root",
            rmsprop_of_absolutes,
            "one layer, one step",
            "Take gradients 1 and 7: their mean size is 4, the root of their mean square 5. Which one does "
            "the name RMSprop promise?",
        ),
        Misconception(
            "rmsprop-not-squared",
            "the root makes up for the missing square",
            rmsprop_not_squared,
            "one layer, one step",
            "Square first, average, then take the root: that order gives its name to the root mean square.",
        ),
        Misconception(
            "rmsprop-squares-of-weights",
            "it damps where the weights are big",
            rmsprop_of_weights,
            "one layer, one step",
            "It damps where the gradients are big: average dW**2, not W**2.",
        ),
        Misconception(
            "rmsprop-old-squares-used",
            "the step comes before the average",
            rmsprop_old_squares,
            "the squares carry on",
            "Your step divides by the squares that came in. First update s, then divide by the new root.",
        ),
        Misconception(
            "rmsprop-one-scale-for-all",
            "each layer has one scale",
            rmsprop_one_scale,
            "one layer, one step",
            "Every entry of W has its own s: square entry by entry, and take no mean over them.",
        ),
        Misconception(
            "rmsprop-root-returned",
            "the root is what is averaged next time",
            rmsprop_root_returned,
            "one layer, one step",
            "The step is right. Hand on s itself; its root is for this step only.",
        ),
        Misconception(
            "rmsprop-bias-corrected",
            "every average needs the correction",
            rmsprop_bias_corrected,
            "one layer, one step",
            "RMSprop corrects nothing; Adam does, with 1 - beta2**t, and only that one knows t.",
        ),
        Misconception(
            "rmsprop-multiplies",
            "steep directions deserve longer steps",
            rmsprop_multiplies,
            "one layer, one step",
            "The root stands in the denominator: steep directions are damped.",
        ),
        Misconception(
            "rmsprop-past-forgotten",
            "each step starts from squares 0",
            rmsprop_past_forgotten,
            "the squares carry on",
            "Right at first, wrong later: where do the squares that came in enter?",
        ),
    ),
    variants=(rmsprop_by_layer, rmsprop_einsum, rmsprop_entry_by_entry),
)


# --- adam_update -------------------------------------------------------------------------------------------


def running_velocity(grads, velocity, beta1):
    return {n: beta1 * velocity[n] + (1 - beta1) * g for n, g in grads.items()}


def adam_like(parameters, learning_rate, v, s, denominator):
    """Return W - learning_rate * v / denominator(s) for every parameter."""
    with np.errstate(all="ignore"):
        return {
            name: W - learning_rate * v["d" + name] / denominator(s["d" + name])
            for name, W in parameters.items()
        }


def divided(arrays, by):
    with np.errstate(all="ignore"):
        return {n: a / np.float64(by) for n, a in arrays.items()}


def adam_uncorrected(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
    return adam_like(parameters, learning_rate, v, s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_velocity_corrected_only(
    parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon
):
    v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
    fair_v = divided(v, 1 - beta1**t)
    return adam_like(parameters, learning_rate, fair_v, s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_squares_corrected_only(
    parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon
):
    v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
    fair_s = divided(s, 1 - beta2**t)
    return adam_like(parameters, learning_rate, v, fair_s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_corrected_returned(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v = divided(running_velocity(grads, velocity, beta1), 1 - beta1**t)
    s = divided(running_squares(grads, squares, beta2), 1 - beta2**t)
    return adam_like(parameters, learning_rate, v, s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_corrects_by(power_of_v, power_of_s):
    """Return an Adam whose corrections are these functions of (beta, t)."""

    def wrong(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
        v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
        fair_v, fair_s = divided(v, 1 - power_of_v(beta1, t)), divided(s, 1 - power_of_s(beta2, t))
        return adam_like(parameters, learning_rate, fair_v, fair_s, lambda s: np.sqrt(s) + epsilon), v, s

    return wrong


adam_t_late = adam_corrects_by(lambda beta, t: beta ** (t + 1), lambda beta, t: beta ** (t + 1))
adam_t_early = adam_corrects_by(lambda beta, t: beta ** (t - 1), lambda beta, t: beta ** (t - 1))
adam_beta_times_t = adam_corrects_by(lambda beta, t: beta * t, lambda beta, t: beta * t)
adam_t_ignored = adam_corrects_by(lambda beta, t: beta, lambda beta, t: beta)


def adam_one_correction(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
    fair_v, fair_s = divided(v, 1 - beta1**t), divided(s, 1 - beta1**t)
    return adam_like(parameters, learning_rate, fair_v, fair_s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_corrects_the_root(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
    fair_v, c2 = divided(v, 1 - beta1**t), np.float64(1 - beta2**t)
    return adam_like(parameters, learning_rate, fair_v, s, lambda s: np.sqrt(s) / c2 + epsilon), v, s


def adam_denominator(make):
    """Return an Adam with another denominator, a function of (corrected squares, epsilon)."""

    def wrong(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
        v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
        fair_v, fair_s = divided(v, 1 - beta1**t), divided(s, 1 - beta2**t)
        return adam_like(parameters, learning_rate, fair_v, fair_s, lambda s: make(s, epsilon)), v, s

    return wrong


adam_epsilon_inside = adam_denominator(lambda s, epsilon: np.sqrt(s + epsilon))
adam_without_root = adam_denominator(lambda s, epsilon: s + epsilon)
adam_without_epsilon = adam_denominator(lambda s, epsilon: np.sqrt(s))


def adam_epsilon_uncorrected(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
    rate = learning_rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return adam_like(parameters, rate, v, s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_squares_of_velocity(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v = running_velocity(grads, velocity, beta1)
    s = running_squares(v, squares, beta2)
    fair_v, fair_s = divided(v, 1 - beta1**t), divided(s, 1 - beta2**t)
    return adam_like(parameters, learning_rate, fair_v, fair_s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_betas_exchanged(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    return reference.adam_update(
        parameters, grads, velocity, squares, t, learning_rate, beta2, beta1, epsilon
    )


def adam_weights_swapped(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v, s = running_velocity(grads, velocity, 1 - beta1), running_squares(grads, squares, 1 - beta2)
    fair_v, fair_s = divided(v, 1 - beta1**t), divided(s, 1 - beta2**t)
    return adam_like(parameters, learning_rate, fair_v, fair_s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_steps_along_gradient(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
    fair_s = divided(s, 1 - beta2**t)
    return adam_like(parameters, learning_rate, grads, fair_s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_fixed_betas(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    return reference.adam_update(parameters, grads, velocity, squares, t, learning_rate, 0.9, 0.999, epsilon)


def adam_not_squared(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v = running_velocity(grads, velocity, beta1)
    s = each(lambda n: beta2 * squares[n] + (1 - beta2) * grads[n], grads)
    fair_v, fair_s = divided(v, 1 - beta1**t), divided(s, 1 - beta2**t)
    return adam_like(parameters, learning_rate, fair_v, fair_s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_past_forgotten(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    return reference.adam_update(
        parameters, grads, zeros(velocity), zeros(squares), t, learning_rate, beta1, beta2, epsilon
    )


def adam_first_layer_only(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    def first(arrays):
        return {n: a for n, a in arrays.items() if n.endswith(("W1", "b1"))}

    return reference.adam_update(
        first(parameters),
        first(grads),
        first(velocity),
        first(squares),
        t,
        learning_rate,
        beta1,
        beta2,
        epsilon,
    )


def adam_two_results(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    return reference.adam_update(
        parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon
    )[0]


def adam_by_layer(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    new, v, s = {}, {}, {}
    for layer in range(1, len(parameters) // 2 + 1):
        for name in (f"W{layer}", f"b{layer}"):
            d = "d" + name
            v[d] = beta1 * velocity[d] + (1 - beta1) * grads[d]
            s[d] = beta2 * squares[d] + (1 - beta2) * np.square(grads[d])
            direction = (v[d] / (1 - beta1**t)) / (np.sqrt(s[d] / (1 - beta2**t)) + epsilon)
            new[name] = parameters[name] - learning_rate * direction
    return new, v, s


def adam_folded(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    # both corrections and epsilon folded into one rate, as at the end of section 2 of the paper
    root = np.sqrt(1 - beta2**t)
    rate = learning_rate * root / (1 - beta1**t)
    v = {n: old + (1 - beta1) * (grads[n] - old) for n, old in velocity.items()}
    s = {n: old + (1 - beta2) * (grads[n] * grads[n] - old) for n, old in squares.items()}
    new = {n: W - rate * v["d" + n] / (s["d" + n] ** 0.5 + epsilon * root) for n, W in parameters.items()}
    return [new, v, s]


def adam_entry_by_entry(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    new = {n: np.array(W, dtype=float) for n, W in parameters.items()}
    v = {n: np.array(a, dtype=float) for n, a in velocity.items()}
    s = {n: np.array(a, dtype=float) for n, a in squares.items()}
    for n, W in new.items():
        d = "d" + n
        for at in np.ndindex(W.shape):
            g = float(grads[d][at])
            v[d][at] = beta1 * v[d][at] + (1 - beta1) * g
            s[d][at] = beta2 * s[d][at] + (1 - beta2) * g**2
            fair_v, fair_s = float(v[d][at]) / (1 - beta1**t), float(s[d][at]) / (1 - beta2**t)
            W[at] = W[at] - learning_rate * fair_v / (fair_s**0.5 + epsilon)
    return new, v, s


def adam_fixed_epsilon(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    return reference.adam_update(
        parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon=1e-8
    )


def adam_epsilon_outside(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    new, v, s = adam_without_epsilon(
        parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon
    )
    return {name: W + epsilon for name, W in new.items()}, v, s


def adam_states_exchanged(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    new, v, s = reference.adam_update(
        parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon
    )
    return new, s, v


def adam_old_averages(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
    old_v, old_s = divided(velocity, 1 - beta1**t), divided(squares, 1 - beta2**t)
    return adam_like(parameters, learning_rate, old_v, old_s, lambda s: np.sqrt(s) + epsilon), v, s


def adam_sums(sum_velocity, sum_squares):
    """Return an Adam that adds the gradient, its square or both in full."""

    def wrong(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
        v, s = running_velocity(grads, velocity, beta1), running_squares(grads, squares, beta2)
        if sum_velocity:
            v = {n: beta1 * velocity[n] + g for n, g in grads.items()}
        if sum_squares:
            s = {n: beta2 * squares[n] + g**2 for n, g in grads.items()}
        fair_v, fair_s = divided(v, 1 - beta1**t), divided(s, 1 - beta2**t)
        return adam_like(parameters, learning_rate, fair_v, fair_s, lambda s: np.sqrt(s) + epsilon), v, s

    return wrong


ADAM = ("velocity", "squares")
LATER = "a later step"

adam_update = Exercise(
    reference=reference.adam_update,
    cases=(
        Case(
            name="one layer, one step",
            why="From rest at t = 1 every weight moves by learning_rate; betas far from the defaults.",
            inputs=lambda rng: step(
                rng,
                ADAM,
                [2, 3],
                at_rest=True,
                digits=1,
                t=1,
                learning_rate=0.1,
                beta1=0.8,
                beta2=0.95,
                epsilon=1e-8,
            ),
            public=True,
            atol=UNSEEN,
            ask="At t = 1 the corrected averages are dW and dW**2 themselves. Are yours?",
        ),
        Case(
            name=LATER,
            why="t = 4 from averages that are not 0: every part of the recursion has a say.",
            inputs=lambda rng: [
                step(
                    rng,
                    ADAM,
                    [2, 3],
                    digits=1,
                    t=4,
                    learning_rate=0.1,
                    beta1=0.9,
                    beta2=0.999,
                    epsilon=1e-8,
                ),
                backwards(
                    step(
                        rng,
                        ADAM,
                        [3, 2, 1],
                        digits=1,
                        t=2,
                        learning_rate=0.5,
                        beta1=0.7,
                        beta2=0.9,
                        epsilon=1e-8,
                    )
                ),
            ],
            public=True,
            atol=UNSEEN,
            ask="Compare in this order: velocity, squares, then the weights. Which differs first?",
        ),
        Case(
            name=EPSILON,
            why="At epsilon 0.1 its place (inside, outside, before correction) shows in the first digits.",
            inputs=lambda rng: [
                step(rng, ADAM, [2, 2], digits=1, t=3, learning_rate=0.1, beta1=0.9, beta2=0.99, epsilon=0.1),
                step(rng, ADAM, [3, 1, 2], t=7, learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1.0),
            ],
            public=True,
            after=(LATER,),
            ask="Where does epsilon stand: sqrt(s_corrected) + epsilon, or sqrt(s_corrected + epsilon)?",
        ),
        Case(
            name=NO_SLOPE,
            why="0 / 0 without epsilon.",
            inputs=lambda rng: with_zero_gradients(
                rng, ADAM, t=1, learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8
            ),
            public=True,
            after=("one layer, one step",),
            ask="What is sqrt(0), and what do you divide by there?",
        ),
        Case(
            name=TINY,
            why="Gradients of the size of epsilon: only here can 1e-8 not hide behind the tolerance.",
            inputs=lambda rng: [
                tiny(rng, ADAM, size, t=1, learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8)
                for size in (1e-5, 1e-7, 1e-8)
            ],
            after=("one layer, one step",),
        ),
        Case(
            name="after thousands of steps",
            why="beta**t is practically 0: the correction must fade away without overflow.",
            inputs=lambda rng: [
                step(rng, ADAM, [3, 2], t=t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8)
                for t in (100, 5000, 1_000_000)
            ],
            after=(LATER,),
        ),
        Case(
            name="betas at their ends",
            why="beta1 0: RMSprop with correction; beta2 0: the sign of the gradient; 0.9999: a long memory.",
            inputs=lambda rng: [
                step(rng, ADAM, [2, 3], t=3, learning_rate=0.1, beta1=0, beta2=0.9, epsilon=1e-6),
                step(rng, ADAM, [3, 2], t=2, learning_rate=1, beta1=0.5, beta2=0.0, epsilon=1e-3),
                step(rng, ADAM, [2, 1, 2], t=1, learning_rate=0.1, beta1=0, beta2=0, epsilon=1e-3),
                step(rng, ADAM, [2, 1], t=2, learning_rate=0.1, beta1=0.999, beta2=0.9999, epsilon=1e-8),
            ],
            after=("one layer, one step",),
        ),
        Case(
            name="gradients of mixed size",
            why="Each entry has a scale of its own.",
            inputs=lambda rng: mixed_sizes(
                rng, ADAM, t=1, learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8
            ),
            after=("one layer, one step",),
        ),
        *common_cases(
            reference.adam_update, ADAM, t=3, learning_rate=0.07, beta1=0.85, beta2=0.97, epsilon=1e-4
        ),
    ),
    misconceptions=(
        *common_misconceptions(reference.adam_update, "adam"),
        Misconception(
            "adam-no-bias-correction",
            "the averages can be used as they are",
            adam_uncorrected,
            "one layer, one step",
            "At first both averages are close to their start at 0, and s more so than v. With the usual "
            "betas the first step is three times too long. Divide v by 1 - beta1**t and s by 1 - beta2**t.",
        ),
        Misconception(
            "adam-squares-not-corrected",
            "only the velocity starts too small",
            adam_velocity_corrected_only,
            "one layer, one step",
            "Both averages start at 0. Divide s by 1 - beta2**t too.",
        ),
        Misconception(
            "adam-velocity-not-corrected",
            "only the squares start too small",
            adam_squares_corrected_only,
            "one layer, one step",
            "Both averages start at 0. Divide v by 1 - beta1**t too.",
        ),
        Misconception(
            "adam-correction-written-back",
            "the corrected averages are the new averages",
            adam_corrected_returned,
            "one layer, one step",
            "The step is right, the state is not: return v and s uncorrected, or they are corrected again "
            "and again.",
        ),
        Misconception(
            "adam-t-off-by-one-late",
            "the first step comes with t = 0",
            adam_t_late,
            "one layer, one step",
            "t is 1 at the first step already: use beta**t, not beta**(t + 1).",
        ),
        Misconception(
            "adam-t-off-by-one-early",
            "the correction belongs to the step before",
            adam_t_early,
            "one layer, one step",
            "At t = 1 you divide by 1 - beta**0 = 0. Use beta**t.",
        ),
        Misconception(
            "adam-beta-times-t",
            "the correction is 1 - beta t",
            adam_beta_times_t,
            LATER,
            "The start at 0 fades by beta with every step, so it is a power: beta**t.",
        ),
        Misconception(
            "adam-t-ignored",
            "the correction is the same at every step",
            adam_t_ignored,
            LATER,
            "1 - beta is right at t = 1 only; later the start is forgotten: 1 - beta**t.",
        ),
        Misconception(
            "adam-one-correction",
            "one correction serves both averages",
            adam_one_correction,
            "one layer, one step",
            "The two averages fade in at their own speeds. Which beta made s, and which one stands in its "
            "correction?",
        ),
        Misconception(
            "adam-root-corrected",
            "the root may be taken before the correction",
            adam_corrects_the_root,
            "one layer, one step",
            "With s = 0.04 and a correction of 0.01: compare sqrt(s / 0.01) with sqrt(s) / 0.01. Which is "
            "corrected first, s or its root?",
        ),
        Misconception(
            "adam-epsilon-inside-root",
            "epsilon only prevents 0/0, so it may stand anywhere in the denominator",
            adam_epsilon_inside,
            EPSILON,
            "Right for large gradients, far too small a step for tiny ones: compare sqrt(s) + epsilon with "
            "sqrt(s + epsilon) when s = 1e-12.",
        ),
        Misconception(
            "adam-epsilon-before-correction",
            "correcting the learning rate instead of the averages changes nothing",
            adam_epsilon_uncorrected,
            EPSILON,
            "It changes what epsilon is added to: here that is the root of the corrected squares.",
        ),
        Misconception(
            "adam-root-missing",
            "the average of the squares is the size of the gradient",
            adam_without_root,
            "one layer, one step",
            "s has the unit of a squared gradient. What must you do before you divide by it?",
        ),
        Misconception(
            "adam-epsilon-missing",
            "no gradient is ever exactly 0",
            adam_without_epsilon,
            NO_SLOPE,
            "A silent ReLU has slope exactly 0, and 0 / 0 is not a number. Add epsilon to the root.",
        ),
        Misconception(
            "adam-fixed-epsilon",
            "epsilon is 1e-8",
            adam_fixed_epsilon,
            EPSILON,
            "A good default, but the caller decides: use the argument epsilon.",
        ),
        Misconception(
            "adam-epsilon-outside-fraction",
            "a / b + c is a / (b + c)",
            adam_epsilon_outside,
            EPSILON,
            "Division binds more tightly than +: put the root and epsilon together in brackets.",
        ),
        Misconception(
            "adam-states-exchanged",
            "the order of what is returned does not matter",
            adam_states_exchanged,
            "one layer, one step",
            "The caller unpacks by position. Return the parameters, then velocity, then squares.",
        ),
        Misconception(
            "adam-old-averages-used",
            "the step comes before the averages",
            adam_old_averages,
            "one layer, one step",
            "Your step uses the averages that came in; at the first step they are 0 and nothing moves. First "
            "update v and s, then correct and step.",
        ),
        *(
            Misconception(
                f"adam-{name}",
                "what is new is added in full",
                adam_sums(*which),
                "one layer, one step",
                "The weights of an average add up to 1: " + weights_of,
            )
            for name, which, weights_of in (
                ("no-one-minus-beta1", (True, False), "beta1 for the past velocity, 1 - beta1 for dW."),
                ("no-one-minus-beta2", (False, True), "beta2 for the past squares, 1 - beta2 for dW**2."),
                ("no-one-minus-betas", (True, True), "dW enters with 1 - beta1, dW**2 with 1 - beta2."),
            )
        ),
        Misconception(
            "adam-squares-of-velocity",
            "Adam squares what momentum has smoothed",
            adam_squares_of_velocity,
            "one layer, one step",
            "Both averages are fed with the same raw gradient: s averages dW**2, not v**2.",
        ),
        Misconception(
            "adam-betas-exchanged",
            "beta1 belongs to the squares",
            adam_betas_exchanged,
            "one layer, one step",
            "beta1 is for the velocity, the first power of the gradient; beta2 for the second.",
        ),
        Misconception(
            "adam-weights-swapped",
            "a beta is the weight of the new gradient",
            adam_weights_swapped,
            "one layer, one step",
            "beta is the weight of the past, 1 - beta that of the new gradient.",
        ),
        Misconception(
            "adam-velocity-unused",
            "the step follows the gradient",
            adam_steps_along_gradient,
            LATER,
            "That is RMSprop with a correction. Adam steps along the corrected velocity.",
        ),
        Misconception(
            "adam-fixed-betas",
            "the betas are 0.9 and 0.999",
            adam_fixed_betas,
            "one layer, one step",
            "Good defaults, but the caller decides: use the arguments beta1 and beta2.",
        ),
        Misconception(
            "adam-not-squared",
            "the root makes up for the missing square",
            adam_not_squared,
            "one layer, one step",
            "Square the gradient before you average it; a root of negative numbers is nan.",
        ),
        Misconception(
            "adam-past-forgotten",
            "each step starts from averages 0",
            adam_past_forgotten,
            LATER,
            "Right at first, wrong later: where do the averages that came in enter?",
        ),
        Misconception(
            "adam-first-layer-only",
            "one layer stands for all",
            adam_first_layer_only,
            LATER,
            "Let the dict tell you which parameters there are: for name in parameters.",
        ),
        Misconception(
            "adam-parameters-only",
            "an optimizer returns parameters",
            adam_two_results,
            "one layer, one step",
            "Adam has a memory: return (parameters, velocity, squares).",
        ),
    ),
    variants=(adam_by_layer, adam_folded, adam_entry_by_entry),
)


# --- decays ------------------------------------------------------------------------------------------------


def one_of_each(names, rows):
    """Return one call for each row of values."""
    return [dict(zip(names, row, strict=True)) for row in rows]


def wrong_formula(key, belief, formula, exposed_by, hint):
    return Misconception(key, belief, formula, exposed_by, hint)


FIRST = "the first epochs"
EPOCH_0 = "epochs 0 and 1"
LATE = "late epochs"
KINDS = "numbers of other kinds"
INVERSE = ("alpha0", "decay_rate", "epoch")


def compounding_inverse(alpha0, decay_rate, epoch):
    alpha = alpha0
    for i in range(int(epoch) + 1):
        alpha = alpha / (1 + decay_rate * i)
    return float(alpha)


def inverse_in_steps(alpha0, decay_rate, epoch):
    denominator = 1.0
    for _ in range(epoch):
        denominator += decay_rate
    return np.array(alpha0 / denominator)


inverse_time_decay = Exercise(
    reference=reference.inverse_time_decay,
    cases=(
        Case(
            name=FIRST,
            why="The numbers of the lesson: 0.2, 0.1, 0.0667, 0.05, 0.04.",
            inputs=lambda rng: one_of_each(
                INVERSE, [*((0.2, 1.0, e) for e in (1, 2, 3, 4)), (rng.uniform(0.3, 0.9), 1.0, 2)]
            ),
            public=True,
            ask="With alpha0 = 0.2 and decay_rate = 1: what is the rate in epoch 1 by hand?",
        ),
        Case(
            name=EPOCH_0,
            why="Epochs count from 0, and the rate starts at alpha0.",
            inputs=lambda rng: one_of_each(
                INVERSE, [(0.2, 1.0, 0), (0.05, 0.3, 0), (0.05, 0.3, 1), (rng.uniform(), 2.0, 0)]
            ),
            public=True,
            ask="What should the rate be before anything has decayed?",
        ),
        Case(
            name="other decay rates",
            why="decay_rate 1 hides where it stands.",
            inputs=lambda rng: one_of_each(
                INVERSE, [(0.3, 0.5, 3), (1.0, 0.1, 7), (rng.uniform(0.1, 2), rng.uniform(0.1, 0.9), 5)]
            ),
            public=True,
            after=(FIRST,),
        ),
        Case(
            name=LATE,
            why="Large epochs, no overflow, no clipping.",
            inputs=lambda rng: one_of_each(
                INVERSE, [(0.1, 0.01, 1000), (0.7, 1.0, 123_456), (rng.uniform(), 3.7, 10**6)]
            ),
            after=(FIRST,),
        ),
        Case(
            name=KINDS,
            why="Integers for alpha0 and decay_rate, NumPy numbers, no decay at all.",
            inputs=lambda rng: one_of_each(
                INVERSE, [(1, 1, 2), (1, 2, 3), (0.4, 0, 9), (np.float64(0.4), 1, np.int64(4)), (0.4, 0.0, 0)]
            ),
            after=(FIRST,),
        ),
    ),
    misconceptions=(
        wrong_formula(
            "inverse-epoch-from-1",
            "the first epoch has number 1",
            lambda alpha0, decay_rate, epoch: alpha0 / (1 + decay_rate * (epoch + 1)),
            EPOCH_0,
            "Epochs count from 0, so the rate of the first one is alpha0 itself.",
        ),
        wrong_formula(
            "inverse-alpha0-at-epoch-1",
            "alpha0 is the rate at epoch 1",
            lambda alpha0, decay_rate, epoch: alpha0 / (1 + decay_rate * max(epoch - 1, 0)),
            FIRST,
            "alpha0 is the rate at epoch 0; at epoch 1 it has decayed once.",
        ),
        wrong_formula(
            "inverse-compounds",
            "each epoch divides the rate of the one before",
            compounding_inverse,
            FIRST,
            "The formula starts from alpha0 each time; dividing the last rate again is far too fast.",
        ),
        wrong_formula(
            "inverse-brackets-missing",
            "a / 1 + b is a / (1 + b)",
            lambda alpha0, decay_rate, epoch: alpha0 / 1 + decay_rate * epoch,
            FIRST,
            "Division binds more tightly than +: put 1 + decay_rate * epoch in brackets.",
        ),
        wrong_formula(
            "inverse-linear",
            "the rate falls along a straight line",
            lambda alpha0, decay_rate, epoch: alpha0 * (1 - decay_rate * epoch),
            FIRST,
            "That becomes negative. Divide by 1 + decay_rate * epoch.",
        ),
        wrong_formula(
            "inverse-is-exponential",
            "each epoch divides by 1 + decay_rate",
            lambda alpha0, decay_rate, epoch: alpha0 / (1 + decay_rate) ** epoch,
            FIRST,
            "That is exponential decay. Here the epoch multiplies decay_rate.",
        ),
        wrong_formula(
            "inverse-of-e",
            "decay means exp",
            lambda alpha0, decay_rate, epoch: float(alpha0 * np.exp(-decay_rate * epoch)),
            FIRST,
            "That is exponential decay. With decay_rate 1 the rate at epoch 1 should be alpha0 / 2: what is "
            "yours?",
        ),
        wrong_formula(
            "inverse-multiplies",
            "the decay multiplies the rate",
            lambda alpha0, decay_rate, epoch: alpha0 * (1 + decay_rate * epoch),
            FIRST,
            "1 + decay_rate * epoch grows, and so does your rate. On which side of the fraction makes it "
            "fall?",
        ),
        wrong_formula(
            "inverse-one-missing-later",
            "alpha0 at epoch 0, then alpha0 over the decayed epochs",
            lambda alpha0, decay_rate, epoch: (
                alpha0 / (decay_rate * epoch) if decay_rate * epoch else float(alpha0)
            ),
            FIRST,
            "The denominator is 1 + decay_rate * epoch at every epoch, and then epoch 0 is no exception.",
        ),
        wrong_formula(
            "inverse-rate-unused",
            "decay_rate is 1",
            lambda alpha0, decay_rate, epoch: alpha0 / (1 + epoch),
            "other decay rates",
            "With another decay_rate the rate falls faster or slower. Where does decay_rate enter?",
        ),
        wrong_formula(
            "inverse-alpha0-missing",
            "the rate starts at 1",
            lambda alpha0, decay_rate, epoch: 1 / (1 + decay_rate * epoch),
            EPOCH_0,
            "At epoch 0 the rate is alpha0. What does your function give there?",
        ),
        wrong_formula(
            "inverse-power",
            "decay_rate is raised to the power epoch",
            lambda alpha0, decay_rate, epoch: alpha0 / (1 + float(decay_rate) ** epoch),
            EPOCH_0,
            "The denominator grows by decay_rate in every epoch: which operation is that?",
        ),
        wrong_formula(
            "inverse-one-missing",
            "the rate is alpha0 over the decayed epochs",
            lambda alpha0, decay_rate, epoch: (
                float(np.float64(alpha0) / (decay_rate * epoch)) if decay_rate * epoch else float("inf")
            ),
            EPOCH_0,
            "At epoch 0 you divide by 0. The denominator starts at 1.",
        ),
    ),
    variants=(
        lambda alpha0, decay_rate, epoch: np.float64(alpha0) * (1.0 + epoch * decay_rate) ** -1.0,
        inverse_in_steps,
        lambda alpha0, decay_rate, epoch: 1 / (1 / alpha0 + decay_rate * epoch / alpha0),
    ),
)

EXPONENTIAL = ("alpha0", "base", "epoch")


def compounding_exponential(alpha0, base, epoch):
    alpha = alpha0
    for i in range(int(epoch) + 1):
        alpha = alpha * base**i
    return float(alpha)


def exponential_in_steps(alpha0, base, epoch):
    alpha = np.array(float(alpha0))
    for _ in range(epoch):
        alpha = alpha * base
    return alpha


exponential_decay = Exercise(
    reference=reference.exponential_decay,
    cases=(
        Case(
            name=FIRST,
            why="A base of 0.5 can be followed in the head.",
            inputs=lambda rng: one_of_each(
                EXPONENTIAL, [*((0.8, 0.5, e) for e in (1, 2, 3)), (rng.uniform(0.3, 0.7), 0.5, 2)]
            ),
            public=True,
            ask="Halve 0.8 once, twice, three times. Where does yours part from that?",
        ),
        Case(
            name=EPOCH_0,
            why="Epochs count from 0, and the rate starts at alpha0.",
            inputs=lambda rng: one_of_each(
                EXPONENTIAL, [(0.2, 0.95, 0), (0.05, 0.5, 0), (0.05, 0.5, 1), (rng.uniform(), 0.9, 0)]
            ),
            public=True,
            ask="What is any number to the power 0?",
        ),
        Case(
            name="other bases",
            why="0.95**14 = 0.488: halved after about 14 epochs.",
            inputs=lambda rng: one_of_each(
                EXPONENTIAL, [(1.0, 0.95, 14), (0.3, 0.9, 5), (rng.uniform(0.1, 2), rng.uniform(0.2, 0.9), 4)]
            ),
            public=True,
            after=(FIRST,),
        ),
        Case(
            name=LATE,
            why="Large epochs; values that are tiny but not 0. No deeper than a recursion can go.",
            inputs=lambda rng: one_of_each(
                EXPONENTIAL, [(0.1, 0.99, 480), (0.7, 0.9999, 500), (rng.uniform(0.1, 1), 0.25, 450)]
            ),
            after=(FIRST,),
        ),
        Case(
            name=KINDS,
            why="Base 1 decays nothing; integers and NumPy numbers.",
            inputs=lambda rng: one_of_each(
                EXPONENTIAL, [(0.3, 1, 8), (1, 0.5, 2), (2, 1.0, 3), (np.float64(0.4), 0.7, np.int64(4))]
            ),
            after=(FIRST,),
        ),
    ),
    misconceptions=(
        wrong_formula(
            "exponential-epoch-from-1",
            "the first epoch has number 1",
            lambda alpha0, base, epoch: alpha0 * base ** (epoch + 1),
            EPOCH_0,
            "Epochs count from 0, so the rate of the first one is alpha0 itself.",
        ),
        wrong_formula(
            "exponential-alpha0-at-epoch-1",
            "alpha0 is the rate at epoch 1",
            lambda alpha0, base, epoch: alpha0 * base ** max(epoch - 1, 0),
            FIRST,
            "alpha0 is the rate at epoch 0; at epoch 1 it has decayed once.",
        ),
        wrong_formula(
            "exponential-times-epoch",
            "base * epoch is base to the power epoch",
            lambda alpha0, base, epoch: alpha0 * base * epoch,
            FIRST,
            "In Python a power is written **: base**epoch.",
        ),
        wrong_formula(
            "exponential-power-of-product",
            "alpha0 is raised to the power as well",
            lambda alpha0, base, epoch: (alpha0 * base) ** epoch,
            FIRST,
            "Only base is raised to the power; alpha0 is multiplied once.",
        ),
        wrong_formula(
            "exponential-base-and-exponent-swapped",
            "the epoch is raised to the power base",
            lambda alpha0, base, epoch: alpha0 * float(epoch) ** base,
            FIRST,
            "base stays the same and the exponent counts the epochs: base**epoch.",
        ),
        wrong_formula(
            "exponential-of-e",
            "exponential means exp",
            lambda alpha0, base, epoch: alpha0 * float(np.exp(-base * epoch)),
            FIRST,
            "exp has base e. Here the base is given: base**epoch.",
        ),
        wrong_formula(
            "exponential-one-minus-base",
            "base is the share that is lost",
            lambda alpha0, base, epoch: alpha0 * (1 - base) ** epoch,
            "other bases",
            "A base of 0.95 keeps 95 %: multiply by base itself.",
        ),
        wrong_formula(
            "exponential-divides",
            "decay means dividing by the base",
            lambda alpha0, base, epoch: alpha0 / float(base) ** epoch,
            FIRST,
            "Dividing by a number below 1 makes the rate grow. Multiply by base once in each epoch.",
        ),
        wrong_formula(
            "exponential-alpha0-missing",
            "the rate starts at 1",
            lambda alpha0, base, epoch: float(base) ** epoch,
            EPOCH_0,
            "At epoch 0 the rate is alpha0. What does your function give there?",
        ),
        wrong_formula(
            "exponential-fixed-base",
            "the base is 0.95",
            lambda alpha0, base, epoch: alpha0 * 0.95**epoch,
            FIRST,
            "A usual choice, but the caller decides. Which argument does your function never read?",
        ),
        wrong_formula(
            "exponential-decays-once",
            "each call decays the rate once",
            lambda alpha0, base, epoch: alpha0 * base,
            FIRST,
            "alpha0 is the rate at the very start, in every call. How often has it decayed by epoch 3?",
        ),
        wrong_formula(
            "exponential-is-inverse",
            "the epoch divides the rate",
            lambda alpha0, base, epoch: alpha0 / (1 + base * epoch),
            FIRST,
            "That is inverse time decay. Here each epoch keeps the share `base` of the last rate: what are "
            "two of them worth?",
        ),
        wrong_formula(
            "exponential-compounds",
            "each epoch multiplies the last rate by base**epoch",
            compounding_exponential,
            FIRST,
            "base**epoch holds all the decay since the start: multiply alpha0 by it, not the last rate.",
        ),
    ),
    variants=(
        exponential_in_steps,
        lambda alpha0, base, epoch: alpha0 * np.exp(epoch * np.log(base)),
        lambda alpha0, base, epoch: float(np.prod(np.array([alpha0, *[base] * epoch], dtype=float))),
    ),
)

SQRT = ("alpha0", "k", "t")

sqrt_decay = Exercise(
    reference=reference.sqrt_decay,
    cases=(
        Case(
            name="steps with whole roots",
            why="t = 4, 9 and 16 can be followed in the head.",
            inputs=lambda rng: one_of_each(
                SQRT, [*((0.6, 2.0, t) for t in (4, 9, 16)), (rng.uniform(0.1, 0.5), 2.0, 25)]
            ),
            public=True,
            ask="With alpha0 = 0.6, k = 2 and t = 4: what is the rate by hand?",
        ),
        Case(
            name="steps 1 and 2",
            why="t counts from 1: the first rate is k * alpha0.",
            inputs=lambda rng: one_of_each(
                SQRT, [(0.2, 0.5, 1), (0.05, 3.0, 1), (0.05, 3.0, 2), (rng.uniform(0.1, 1), 0.7, 1)]
            ),
            public=True,
            rtol=1e-9,
            ask="What is sqrt(1)?",
        ),
        Case(
            name="other steps",
            why="Roots that are not whole; k away from 1.",
            inputs=lambda rng: one_of_each(
                SQRT, [(0.3, 0.9, 2), (1.5, 0.1, 7), (rng.uniform(0.1, 2), rng.uniform(0.1, 0.9), 5)]
            ),
            public=True,
            after=("steps with whole roots",),
        ),
        Case(
            name="late steps",
            why="Large t, no clipping.",
            inputs=lambda rng: one_of_each(
                SQRT, [(0.1, 1.0, 10**4), (0.7, 2.5, 123_456), (rng.uniform(0.1, 1), 0.3, 10**9)]
            ),
            after=("steps with whole roots",),
        ),
        Case(
            name=KINDS,
            why="Integers and NumPy numbers.",
            inputs=lambda rng: one_of_each(
                SQRT, [(1, 1, 2), (1, 3, 4), (2, 1, 3), (np.float64(0.4), 1, np.int64(5))]
            ),
            after=("steps with whole roots",),
        ),
    ),
    misconceptions=(
        wrong_formula(
            "sqrt-root-missing",
            "the rate falls like 1 / t",
            lambda alpha0, k, t: k * alpha0 / t,
            "steps with whole roots",
            "That falls much faster. Divide by the root of t.",
        ),
        wrong_formula(
            "sqrt-of-everything",
            "the root spans the whole fraction",
            lambda alpha0, k, t: float(np.sqrt(k * alpha0 / t)),
            "steps with whole roots",
            "Only t stands under the root.",
        ),
        wrong_formula(
            "sqrt-k-missing",
            "k is 1",
            lambda alpha0, k, t: alpha0 / float(np.sqrt(t)),
            "steps 1 and 2",
            "At step 1 the rate is k * alpha0. Where does k enter?",
        ),
        wrong_formula(
            "sqrt-k-under-the-root",
            "k counts steps",
            lambda alpha0, k, t: alpha0 / float(np.sqrt(k * t)),
            "steps 1 and 2",
            "k multiplies the rate, it does not stand under the root.",
        ),
        wrong_formula(
            "sqrt-k-divides",
            "k stands in the denominator",
            lambda alpha0, k, t: alpha0 / (k * float(np.sqrt(t))),
            "steps 1 and 2",
            "At step 1 the rate is k * alpha0, not alpha0 / k.",
        ),
        wrong_formula(
            "sqrt-t-from-0",
            "the first step has t = 0",
            lambda alpha0, k, t: k * alpha0 / float(np.sqrt(t + 1)),
            "steps 1 and 2",
            "t is 1 at the first step already, so nothing has to be added.",
        ),
        wrong_formula(
            "sqrt-t-before",
            "before the first step no time has passed",
            lambda alpha0, k, t: k * alpha0 / float(np.sqrt(max(t - 1, 1))),
            "steps with whole roots",
            "t is 1 at the first step already, so nothing has to be taken away.",
        ),
        wrong_formula(
            "sqrt-half-is-zero",
            "1 // 2 is one half",
            lambda alpha0, k, t: float(k * alpha0),
            "steps with whole roots",
            "Your rate does not fall at all. 1 // 2 is 0, and t**0 is 1: the root is the power one half.",
        ),
        wrong_formula(
            "sqrt-multiplies",
            "the root stands in the numerator",
            lambda alpha0, k, t: k * alpha0 * float(np.sqrt(t)),
            "steps with whole roots",
            "Then the rate grows. Divide by the root.",
        ),
        wrong_formula(
            "sqrt-half-without-brackets",
            "t ** 1 / 2 is the root",
            lambda alpha0, k, t: k * alpha0 / (t / 2),
            "steps with whole roots",
            "Type 16 ** 1 / 2: Python answers 8.0. Which comes first, ** or /, and where do brackets help?",
        ),
        wrong_formula(
            "sqrt-half-divides-again",
            "t ** 1 / 2 is a root below the line",
            lambda alpha0, k, t: k * alpha0 / t / 2,
            "steps with whole roots",
            "Type 1 / 16 ** 1 / 2: Python answers 0.03125. In which order does it work, and where do "
            "brackets help?",
        ),
        wrong_formula(
            "sqrt-of-k-too",
            "the root spans k / t",
            lambda alpha0, k, t: alpha0 * float(np.sqrt(k / t)),
            "steps 1 and 2",
            "At step 1 the rate is k * alpha0. What is yours with k = 4?",
        ),
        wrong_formula(
            "sqrt-one-too-many",
            "a denominator needs a 1, for the start",
            lambda alpha0, k, t: k * alpha0 / (1 + float(np.sqrt(t))),
            "steps 1 and 2",
            "In inverse time decay the 1 saves epoch 0. What does t start at here, and what is its root?",
        ),
        wrong_formula(
            "sqrt-like-inverse",
            "every decay has 1 + in its denominator",
            lambda alpha0, k, t: alpha0 / (1 + k * float(np.sqrt(t))),
            "steps 1 and 2",
            "Inverse time decay needs the 1 because its epochs start at 0. What does t start at, and where "
            "does k stand?",
        ),
        wrong_formula(
            "sqrt-is-square",
            "t**2 is the root of t",
            lambda alpha0, k, t: k * alpha0 / float(t) ** 2,
            "steps with whole roots",
            "A root is the power one half, not half of it.",
        ),
    ),
    variants=(
        lambda alpha0, k, t: np.array(k / np.sqrt(t) * alpha0),
        lambda alpha0, k, t: alpha0 * k * t**-0.5 if isinstance(t, int) else float(alpha0 * k / t**0.5),
        lambda alpha0, k, t: float(np.exp(np.log(k) + np.log(alpha0) - 0.5 * np.log(t))),
    ),
)

STAIRS = ("alpha0", "factor", "every", "epoch")
EDGE = "the edge of a stair"
TREAD = "on a stair the rate stays"


def staircase_in_steps(alpha0, factor, every, epoch):
    alpha = alpha0
    for e in range(1, epoch + 1):
        if e % every == 0:
            alpha = alpha * factor
    return alpha


def staircase_counts(alpha0, factor, every, epoch):
    stairs = 0
    while (stairs + 1) * every <= epoch:
        stairs += 1
    return np.array(alpha0 * np.float64(factor) ** stairs)


staircase_decay = Exercise(
    reference=reference.staircase_decay,
    cases=(
        Case(
            name=TREAD,
            why="Between the edges nothing changes; a missing floor shows.",
            inputs=lambda rng: one_of_each(
                STAIRS, [*((0.8, 0.5, 4, e) for e in (1, 2, 3, 5, 7, 11)), (rng.uniform(0.1, 0.7), 0.5, 4, 6)]
            ),
            public=True,
            ask="With every = 4: how many whole fours have passed at epoch 3, and at epoch 7?",
        ),
        Case(
            name=EDGE,
            why="epoch = every - 1, every, 2 * every - 1, 2 * every.",
            inputs=lambda rng: one_of_each(
                STAIRS,
                [(0.8, 0.5, 4, e) for e in (3, 4, 8)]
                + [(rng.uniform(0.3, 0.9), 0.1, 10, e) for e in (9, 10, 19, 20)],
            ),
            public=True,
            ask="The rate falls in the epoch when `every` whole epochs lie behind you. Which one is that?",
        ),
        Case(
            name=EPOCH_0,
            why="No stair has been taken yet.",
            inputs=lambda rng: one_of_each(
                STAIRS, [(0.8, 0.5, 4, 0), (rng.uniform(), 0.3, 1, 0), (rng.uniform(), 0.3, 1, 1)]
            ),
            public=True,
            ask="How many whole stairs have passed before the first epoch?",
        ),
        Case(
            name="a stair in every epoch",
            why="every = 1 is exponential decay.",
            inputs=lambda rng: one_of_each(STAIRS, [(0.8, 0.9, 1, e) for e in (1, 2, 6)]),
            after=(TREAD,),
        ),
        Case(
            name=LATE,
            why="Many stairs, no deeper than a recursion can go; one never reached; 49 * (1 / 49) < 1.",
            inputs=lambda rng: one_of_each(
                STAIRS,
                [
                    (0.7, 0.9, 30, 1000),
                    (rng.uniform(0.1, 1), rng.uniform(0.3, 0.8), 7, int(rng.integers(50, 90))),
                    (0.2, 0.5, 100_000, 99_999),
                    (0.2, 0.5, 100_000, 100_000),
                    (0.1, 0.99, 3, 1400),
                    (0.3, 0.6, 49, 49),
                    (0.3, 0.6, 49, 98),
                ],
            ),
            after=(TREAD,),
        ),
        Case(
            name=KINDS,
            why="Integers and NumPy numbers; factor 1 changes nothing, factor 0 leaves nothing.",
            inputs=lambda rng: one_of_each(
                STAIRS,
                [
                    (1, 0.5, 2, 5),
                    (0.3, 1, 2, 9),
                    (2, 0.1, np.int64(3), np.int64(6)),
                    (1, 0.25, 3, 2),
                    (0.3, 0.0, 2, 5),
                ],
            ),
            after=(TREAD,),
        ),
    ),
    misconceptions=(
        wrong_formula(
            "staircase-floor-missing",
            "a fraction of a stair counts",
            lambda alpha0, factor, every, epoch: alpha0 * float(factor) ** (epoch / every),
            TREAD,
            "epoch / every grows with every epoch. Count whole stairs: epoch // every.",
        ),
        wrong_formula(
            "staircase-rounds",
            "stairs are rounded",
            lambda alpha0, factor, every, epoch: alpha0 * float(factor) ** round(epoch / every),
            TREAD,
            "Half a stair is no stair: round down, with //.",
        ),
        wrong_formula(
            "staircase-rounds-up",
            "a stair counts as soon as it is begun",
            lambda alpha0, factor, every, epoch: alpha0 * float(factor) ** -(-epoch // every),
            TREAD,
            "The first `every` epochs run at alpha0: round down, with //.",
        ),
        wrong_formula(
            "staircase-epoch-from-1",
            "the first epoch has number 1",
            lambda alpha0, factor, every, epoch: alpha0 * float(factor) ** ((epoch + 1) // every),
            EDGE,
            "At epoch every - 1 only every - 1 whole epochs have passed: the edge comes one epoch later.",
        ),
        wrong_formula(
            "staircase-edge-late",
            "the epoch at the edge still belongs to the old stair",
            lambda alpha0, factor, every, epoch: alpha0 * float(factor) ** (max(epoch - 1, 0) // every),
            EDGE,
            "At epoch `every`, exactly `every` whole epochs lie behind: the rate falls there, not one later.",
        ),
        wrong_formula(
            "staircase-falls-once",
            "the rate falls a single time",
            lambda alpha0, factor, every, epoch: alpha0 * factor if epoch >= every else alpha0,
            TREAD,
            "It falls again at 2 * every, 3 * every, and so on: count the stairs.",
        ),
        wrong_formula(
            "staircase-only-at-edges",
            "only the epochs at the edge run at a lower rate",
            lambda alpha0, factor, every, epoch: alpha0 * factor if epoch % every == 0 and epoch else alpha0,
            TREAD,
            "% tells whether you stand at an edge; // tells how many edges lie behind you.",
        ),
        wrong_formula(
            "staircase-one-minus-factor",
            "factor is the share that is lost",
            lambda alpha0, factor, every, epoch: alpha0 * (1.0 - factor) ** (epoch // every),
            EDGE,
            "A factor of 0.1 leaves a tenth of the rate. How much does yours leave?",
        ),
        wrong_formula(
            "staircase-divides",
            "decay means dividing by the factor",
            lambda alpha0, factor, every, epoch: alpha0 / float(factor) ** (epoch // every),
            TREAD,
            "Dividing by a number below 1 makes the rate grow. Multiply by factor once for each stair.",
        ),
        wrong_formula(
            "staircase-always-halves",
            "a stair halves the rate",
            lambda alpha0, factor, every, epoch: alpha0 * 0.5 ** (epoch // every),
            EDGE,
            "Only where factor is 0.5. The caller decides: use the argument factor.",
        ),
        wrong_formula(
            "staircase-times-stairs",
            "each stair adds a factor instead of multiplying",
            lambda alpha0, factor, every, epoch: alpha0 * factor * (epoch // every),
            TREAD,
            "Two stairs multiply by factor twice: factor ** (number of stairs).",
        ),
        wrong_formula(
            "staircase-no-stairs",
            "the factor applies to every epoch",
            lambda alpha0, factor, every, epoch: alpha0 * float(factor) ** epoch,
            TREAD,
            "That is exponential decay. Where does `every` enter?",
        ),
        wrong_formula(
            "staircase-remainder",
            "% counts whole stairs",
            lambda alpha0, factor, every, epoch: alpha0 * float(factor) ** (epoch % every),
            TREAD,
            "% is what is left after the whole stairs; // is their number.",
        ),
    ),
    variants=(
        staircase_in_steps,
        staircase_counts,
        lambda alpha0, factor, every, epoch: float(
            np.float64(alpha0) * np.power(float(factor), np.floor(epoch / every))
        ),
    ),
)


# --- critical_point ----------------------------------------------------------------------------------------


def curved(rng, eigenvalues, turned=True):
    """Return a symmetric matrix with these eigenvalues, turned away from the axes unless told not to."""
    eigenvalues = np.asarray(eigenvalues, dtype=float)
    if not turned or len(eigenvalues) == 1:
        return np.diag(eigenvalues)
    Q, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    H = Q @ np.diag(eigenvalues) @ Q.T
    return (H + H.T) / 2


def points(rng, *spectra, turned=True, **options):
    return [{"hessian": curved(rng, e, turned), **options} for e in spectra]


def signed(rng, *signs):
    """Return eigenvalues of these signs, their sizes between 1 and 5, all different."""
    return [np.asarray(s) * (1 + rng.permutation(4)[: len(s)] + rng.uniform(0.1, 0.9, len(s))) for s in signs]


def by_signs(positive, negative, zero):
    """Return the kind for counts of eigenvalues above, below and at 0."""
    if positive and negative:
        return "saddle"
    if zero:
        return "degenerate"
    return "minimum" if positive else "maximum"


def counted(values, tolerance):
    values = np.asarray(values)
    return (
        int(np.sum(values > tolerance)),
        int(np.sum(values < -tolerance)),
        int(np.sum(np.abs(values) <= tolerance)),
    )


def critical_from_diagonal(hessian, tolerance=1e-8):
    return by_signs(*counted(np.diag(hessian), tolerance))


def critical_from_entries(hessian, tolerance=1e-8):
    return by_signs(*counted(np.asarray(hessian).ravel(), tolerance))


def critical_from_determinant(hessian, tolerance=1e-8):
    determinant = np.linalg.det(hessian)
    if abs(determinant) <= tolerance:
        return "degenerate"
    if determinant < 0:
        return "saddle"
    return "minimum" if hessian[0, 0] > 0 else "maximum"


def critical_from_trace(hessian, tolerance=1e-8):
    trace = np.trace(hessian)
    if abs(trace) <= tolerance:
        return "degenerate"
    return "minimum" if trace > 0 else "maximum"


def critical_flat_first(hessian, tolerance=1e-8):
    positive, negative, zero = counted(np.linalg.eigvalsh(hessian), tolerance)
    return "degenerate" if zero else by_signs(positive, negative, zero)


def critical_flat_never(hessian, tolerance=1e-8):
    positive, negative, _ = counted(np.linalg.eigvalsh(hessian), tolerance)
    return by_signs(positive, negative, 0) if positive or negative else "degenerate"


def critical_no_way_down(hessian, tolerance=1e-8):
    values = np.linalg.eigvalsh(hessian)
    if (values >= -tolerance).all():
        return "minimum"
    return "maximum" if (values <= tolerance).all() else "saddle"


def critical_else_saddle(hessian, tolerance=1e-8):
    values = np.linalg.eigvalsh(hessian)
    if (values > tolerance).all():
        return "minimum"
    return "maximum" if (values < -tolerance).all() else "saddle"


def critical_from_minors(hessian, tolerance=1e-8):
    minors = np.array([np.linalg.det(hessian[:k, :k]) for k in range(1, len(hessian) + 1)])
    if (np.abs(minors) <= tolerance).any():
        return "degenerate"
    return "minimum" if (minors > 0).all() else "maximum" if (minors < 0).all() else "saddle"


def critical_no_tolerance(hessian, tolerance=1e-8):
    return by_signs(*counted(np.linalg.eigvalsh(hessian), 0.0))


def critical_abs_missing(hessian, tolerance=1e-8):
    values = np.linalg.eigvalsh(hessian)
    if values.min() < -tolerance and values.max() > tolerance:
        return "saddle"
    return "degenerate" if values.min() <= tolerance else "minimum"


def critical_other_words(hessian, tolerance=1e-8):
    kind = reference.critical_point(hessian, tolerance)
    return {"saddle": "saddle point"}.get(kind, kind)


def critical_own_tolerance(hessian, tolerance=1e-8):
    return by_signs(*counted(np.linalg.eigvalsh(hessian), 1e-8))


def critical_relative_tolerance(hessian, tolerance=1e-8):
    values = np.linalg.eigvalsh(hessian)
    return by_signs(*counted(values, tolerance * np.abs(values).max()))


def critical_names_swapped(hessian, tolerance=1e-8):
    kind = reference.critical_point(hessian, tolerance)
    return {"minimum": "maximum", "maximum": "minimum"}.get(kind, kind)


def critical_saddle_signs_ignore_tolerance(hessian, tolerance=1e-8):
    values = np.linalg.eigvalsh(hessian)
    if values.min() < 0 < values.max():
        return "saddle"
    return by_signs(*counted(values, tolerance))


def critical_largest_only(hessian, tolerance=1e-8):
    values = np.linalg.eigvalsh(hessian)
    return by_signs(*counted(values[np.argmax(np.abs(values))], tolerance))


def critical_by_loop(hessian, tolerance=1e-8):
    up = down = flat = 0
    for value in np.linalg.eigvals(np.asarray(hessian, dtype=float)).real:
        if abs(value) <= tolerance:
            flat += 1
        elif value > 0:
            up += 1
        else:
            down += 1
    if up > 0 and down > 0:
        return "saddle"
    if flat > 0:
        return "degenerate"
    return "minimum" if up == len(hessian) else "maximum"


def critical_by_ends(hessian, tolerance=1e-8):
    values = np.linalg.eigvalsh(hessian)
    lowest, highest = values[0], values[-1]
    if lowest < -tolerance and highest > tolerance:
        return "saddle"
    return "minimum" if lowest > tolerance else "maximum" if highest < -tolerance else "degenerate"


def critical_by_sets(hessian, tolerance=1e-8):
    values, _ = np.linalg.eigh(hessian)
    signs = set(np.where(np.abs(values) <= tolerance, 0, np.sign(values)).astype(int).tolist())
    if {1, -1} <= signs:
        return "saddle"
    return "degenerate" if 0 in signs else {1: "minimum", -1: "maximum"}[signs.pop()]


AXES = "curvatures along the axes"
TURNED = "curvatures that do not lie along the axes"
FLAT = "a flat direction"
TOLERANCE = "the tolerance is the caller's"

critical_point = Exercise(
    reference=reference.critical_point,
    cases=(
        Case(
            name=AXES,
            why="Diagonal matrices: the eigenvalues can be read off.",
            inputs=lambda rng: points(
                rng,
                *([2, 5], [-1, -3], [4, -1], [-2, 3, 1], [1, 2, 3], [-3, 2, 2]),
                *signed(rng, [1, 1], [-1, -1], [-1, 1]),
                turned=False,
            ),
            public=True,
            ask="A diagonal matrix shows its curvatures. Which signs do they have, and which of the words "
            '"minimum", "maximum", "saddle" and "degenerate" says so?',
        ),
        Case(
            name=TURNED,
            why="[[1, 2], [2, 1]] has a positive diagonal and is a saddle; 3 x 3 fools the determinant.",
            inputs=lambda rng: [
                {"hessian": np.array([[1.0, 2.0], [2.0, 1.0]])},
                {"hessian": np.array([[2.0, -1.0], [-1.0, 2.0]])},
                {"hessian": np.array([[-1.0, 3.0], [3.0, -2.0]])},
                {"hessian": np.array([[-3.0, 1.0], [1.0, -2.0]])},
                {"hessian": np.array([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0], [2.0, 0.0, 1.0]])},
                {"hessian": -np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])},
                *points(rng, *signed(rng, [1, 1, 1], [-1, -1], [1, -1, 1])),
            ],
            public=True,
            after=(AXES,),
            ask="What does the surface do along (1, -1)? The diagonal cannot tell, the eigenvalues can.",
        ),
        Case(
            name=FLAT,
            why="Zero beside one sign is degenerate, zero beside both signs is a saddle.",
            inputs=lambda rng: [
                *points(rng, [0, 2], [0, -2], [0, 1, -3], [0, 0], [1e-9, 3, 1], turned=False),
                *points(rng, *signed(rng, [0, 1], [-1, 0, -1], [1, 0, -1]), turned=False),
                {"hessian": np.array([[1.0, 1.0], [1.0, 1.0]])},
            ],
            public=True,
            after=(AXES,),
            ask="Is there a way up and a way down? Then it is a saddle, whatever else is flat.",
        ),
        Case(
            name=TOLERANCE,
            why="Eigenvalues between the default and the given tolerance, on both sides of it.",
            inputs=lambda rng: (
                points(rng, [1e-3, 2.0], [2.0, -1e-3], [-1e-3, -1.0], turned=False, tolerance=0.01)
                + points(rng, [1e-3, 2.0], [2.0, -1e-3], turned=False, tolerance=1e-4)
                + points(rng, [50.0, 0.2], [-50.0, 0.2], turned=False, tolerance=0.1)
                + points(rng, *signed(rng, [1, -1], [1, 1]), turned=False, tolerance=0.5)
            ),
            public=True,
            after=(FLAT,),
            ask="Which eigenvalues count as 0 here? Does your function use its argument tolerance for that?",
        ),
        Case(
            name="the tolerance does not depend on the scale",
            why="Small curvatures beside huge ones, and all small: both above 1e-8.",
            inputs=lambda rng: (
                points(
                    rng,
                    [1e6, 1e-4],
                    [1e-6, 3e-6],
                    [-1e-6, -2e-5],
                    [1e-5, -1e-6],
                    [1e-2] * 10,
                    [-1e-3] * 4,
                    turned=False,
                )
                + points(rng, [1e-9, 5.0], [-1e-9, -5.0], [1e-9, -1e-9], turned=False)
            ),
            after=(AXES,),
        ),
        Case(
            name="one weight",
            why="1 x 1: no opposite signs are possible.",
            inputs=lambda rng: (
                points(rng, [3.0], [-0.2], [0.0], [0.5]) + points(rng, [0.05], [-0.05], tolerance=0.1)
            ),
            after=(AXES,),
        ),
        Case(
            name="many weights",
            why="Turned at random: one negative among many, one zero among many, two zeros in a saddle.",
            inputs=lambda rng: points(
                rng,
                [1, 2, 3, 4, 5],
                [1, 2, 3, 4, -0.5],
                [1, 2, 3, 4, 0],
                [-1, -2, -3, -4, -5],
                [-1, -2, -3, 0, -5],
                [0, 0.3, 2, -1, 0],
                [-1, -2, 3, 4, 2.5],
                [0.7, 1, 2, 3, 4, 5, 6, 7, 8, 9, -0.1, -0.2],
                [-4, -3, -2, -1.5],
            ),
            after=(TURNED,),
        ),
        Case(
            name="whole numbers and float32 arrive too",
            why="Integers are exact; float32 with a tolerance that its rounding does not reach.",
            inputs=lambda rng: [
                {"hessian": np.array([[2, 1], [1, 2]])},
                {"hessian": np.array([[1, 2, 0], [2, 1, 0], [0, 0, 5]])},
                {"hessian": np.array([[0, 0], [0, -3]])},
                {"hessian": curved(rng, [1, 2, -3]).astype(np.float32), "tolerance": 1e-3},
                {"hessian": curved(rng, [-1, -2, -3]).astype(np.float32), "tolerance": 1e-3},
                {"hessian": curved(rng, [1, 0, 3]).astype(np.float32), "tolerance": 1e-3},
            ],
            after=(TURNED,),
        ),
    ),
    misconceptions=(
        Misconception(
            "critical-diagonal-only",
            "the diagonal holds the curvatures",
            critical_from_diagonal,
            TURNED,
            "Only along the axes. [[1, 2], [2, 1]] bends down along (1, -1): use np.linalg.eigvalsh.",
        ),
        Misconception(
            "critical-entries",
            "the signs of the entries decide",
            critical_from_entries,
            AXES,
            "An entry off the diagonal is no curvature. The eigenvalues are: np.linalg.eigvalsh.",
        ),
        Misconception(
            "critical-determinant",
            "a negative determinant is a saddle, a positive one is not",
            critical_from_determinant,
            TURNED,
            "True for two weights only. With three, (-)(-)(-) is negative and no saddle: look at each one.",
        ),
        Misconception(
            "critical-trace",
            "the sum of the curvatures decides",
            critical_from_trace,
            AXES,
            "A steep way up hides a gentle way down in the sum: look at each eigenvalue.",
        ),
        Misconception(
            "critical-flat-first",
            "one flat direction makes a point degenerate",
            critical_flat_first,
            FLAT,
            "With a way up and a way down it is a saddle, whatever is flat besides: ask for these first.",
        ),
        Misconception(
            "critical-flat-never",
            "a flat direction does not matter",
            critical_flat_never,
            FLAT,
            "Along a flat direction the surface may still bend down, like w**3. Curvature alone cannot tell.",
        ),
        Misconception(
            "critical-no-way-down",
            "where no direction bends down there is a minimum",
            critical_no_way_down,
            FLAT,
            "Take w**3 at 0: its curvature is 0, which is not negative. Is that a minimum? Which word "
            "stands for what curvature cannot decide?",
        ),
        Misconception(
            "critical-else-saddle",
            "what is neither minimum nor maximum is a saddle",
            critical_else_saddle,
            FLAT,
            "A saddle needs a way up and a way down. For eigenvalues 0 and 2, which of the two have you "
            "found?",
        ),
        Misconception(
            "critical-minors",
            "the leading minors show the signs of the eigenvalues",
            critical_from_minors,
            AXES,
            "For -1 and -3 the minors are -1 and 3, and yet both directions bend down. Which numbers are "
            "the curvatures themselves?",
        ),
        Misconception(
            "critical-no-tolerance",
            "flat is exactly 0",
            critical_no_tolerance,
            FLAT,
            "Computed eigenvalues are hardly ever exactly 0: compare abs(e) with tolerance.",
        ),
        Misconception(
            "critical-abs-missing",
            "e <= tolerance says that e is 0",
            critical_abs_missing,
            AXES,
            "-3 <= 1e-8 is true as well. A zero lies between -tolerance and tolerance: compare abs(e).",
        ),
        Misconception(
            "critical-other-words",
            "any name for the place will do",
            critical_other_words,
            AXES,
            'A saddle point is called "saddle" here; the other words are "minimum", "maximum", "degenerate".',
        ),
        Misconception(
            "critical-own-tolerance",
            "1e-8 is the tolerance",
            critical_own_tolerance,
            TOLERANCE,
            "That is only the default. Use the argument.",
        ),
        Misconception(
            "critical-relative-tolerance",
            "the tolerance is relative to the largest eigenvalue",
            critical_relative_tolerance,
            TOLERANCE,
            "A good idea in numerical work, but here abs(e) <= tolerance is asked for as it stands.",
        ),
        Misconception(
            "critical-signs-beyond-tolerance",
            "an eigenvalue within tolerance still has a sign",
            critical_saddle_signs_ignore_tolerance,
            TOLERANCE,
            "What counts as 0 has no sign: a saddle needs e > tolerance and e < -tolerance.",
        ),
        Misconception(
            "critical-names-swapped",
            "a positive curvature is the top of a hill",
            critical_names_swapped,
            AXES,
            "w**2 has the positive second derivative 2 and a minimum.",
        ),
        Misconception(
            "critical-steepest-only",
            "the largest curvature decides",
            critical_largest_only,
            AXES,
            "One way down is enough to leave. Ask about all eigenvalues.",
        ),
    ),
    variants=(critical_by_loop, critical_by_ends, critical_by_sets),
)


EXERCISES = (
    random_mini_batches,
    exponentially_weighted_average,
    gradient_descent_update,
    momentum_update,
    rmsprop_update,
    adam_update,
    inverse_time_decay,
    exponential_decay,
    sqrt_decay,
    staircase_decay,
    critical_point,
)
