"""Adam steps of the course's network against PyTorch on one CPU thread, float64.

    python bench/training.py            (also `make bench`)

Both train the same sizes on the same numbers: shuffle, deal into mini-batches, forward, backward, Adam.
They take turns within one run, and the clock counts processor time, so that whatever else the machine does
meets both alike. The figure is the RATIO of their speeds, steps a second of ours over PyTorch's, for each
pair of turns; printed are its median and its spread over the pairs.

Ours runs with every place for a learner's functions in it. Handed in, and called for real, are the
initialization, the mini-batches, a schedule and Adam. "reference" is the reference's adam_update, which
checks its arguments on each call; "as a learner writes it" is Adam without those checks. "one unit" is
`Optimizer(..., entrywise=True)`, "by name" the default. A second table hands in dropout and batch norm too.
"""

import os

for _library in ("OPENBLAS", "OMP", "MKL"):  # before NumPy is loaded
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import argparse
import itertools
import platform
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from course_utils.network import BatchNorm, Dropout, Network, Optimizer
from course_utils.reference import batch_normalization, dropout, initialization, optimizers

SIZES = [  # layers, batch size, steps in an epoch, epochs in a turn, the least ratio we want
    ([64, 64, 10], 64, 20, 10, 3.0),  # the size of the digits: 1280 examples
    ([64, 512, 512, 10], 256, 5, 3, 1.0),
]
ADAM = dict(beta1=0.9, beta2=0.999, epsilon=1e-8)
LEARNING_RATE = 1e-3


def learners_adam(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    """Adam as a learner writes it: the equation, no checks."""
    new, v, s = {}, {}, {}
    for name, W in parameters.items():
        g = grads["d" + name]
        v["d" + name] = beta1 * velocity["d" + name] + (1 - beta1) * g
        s["d" + name] = beta2 * squares["d" + name] + (1 - beta2) * g**2
        v_hat = v["d" + name] / (1 - beta1**t)
        s_hat = s["d" + name] / (1 - beta2**t)
        new[name] = W - learning_rate * v_hat / (np.sqrt(s_hat) + epsilon)
    return new, v, s


def ours(layer_dims, batch_size, epochs, X, Y, optimizer, everything):
    """Return a function that trains for one turn."""
    rng = np.random.default_rng(1)
    extras = {}
    if everything:
        extras["dropout"] = Dropout(dropout.dropout_forward, dropout.dropout_backward, keep_prob=0.8)
        extras["batchnorm"] = BatchNorm(
            batch_normalization.batchnorm_forward,
            batch_normalization.batchnorm_backward,
            batch_normalization.update_running,
            batch_normalization.batchnorm_predict,
        )
    net = Network(layer_dims, output="softmax", initialize=initialization.initialize_he, rng=rng, **extras)
    return partial(
        net.train, X, Y, epochs=epochs, batch_size=batch_size, learning_rate=LEARNING_RATE,
        mini_batches=optimizers.random_mini_batches, optimizer=optimizer, rng=rng, progress=False,
        schedule=partial(optimizers.inverse_time_decay, decay_rate=0.01),
    )  # fmt: skip


def theirs(torch, layer_dims, batch_size, epochs, X, labels, everything):
    """Return a function that trains for one turn with PyTorch."""
    parts = []
    for n_prev, n in itertools.pairwise(layer_dims[:-1]):
        parts.append(torch.nn.Linear(n_prev, n))
        parts += [torch.nn.BatchNorm1d(n)] if everything else []
        parts += [torch.nn.ReLU()]
        parts += [torch.nn.Dropout(0.2)] if everything else []
    net = torch.nn.Sequential(*parts, torch.nn.Linear(*layer_dims[-2:]))
    adam = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8)
    X, labels = torch.from_numpy(np.ascontiguousarray(X.T)), torch.from_numpy(labels)
    loss_of = torch.nn.CrossEntropyLoss()

    def turn():
        costs = []
        for _ in range(epochs):
            for rows in torch.randperm(len(labels)).split(batch_size):
                adam.zero_grad()
                loss = loss_of(net(X[rows]), labels[rows])
                loss.backward()
                adam.step()
                costs.append(loss.item())
        return costs

    return turn


def seconds(turn):
    """Return the processor time of one turn: what else the machine does is not in it."""
    start = time.process_time()
    turn()
    return time.process_time() - start


def compare(torch, layer_dims, batch_size, steps, epochs, turns, everything):
    """Return {name: (our milliseconds a step, theirs, ratios of the turns)}."""
    rng = np.random.default_rng(0)
    m, classes = steps * batch_size, layer_dims[-1]
    X, labels = rng.standard_normal((layer_dims[0], m)), rng.integers(classes, size=m)
    Y = np.eye(classes)[:, labels]
    state = ("velocity", "squares")
    rivals = {
        "reference adam_update, one unit": Optimizer(optimizers.adam_update, state, entrywise=True, **ADAM),
        "reference adam_update, by name": Optimizer(optimizers.adam_update, state, **ADAM),
        "as a learner writes it, one unit": Optimizer(learners_adam, state, entrywise=True, **ADAM),
        "as a learner writes it, by name": Optimizer(learners_adam, state, **ADAM),
    }
    if everything:
        rivals = dict(list(rivals.items())[:1])
    trains = {
        name: ours(layer_dims, batch_size, epochs, X, Y, optimizer, everything)
        for name, optimizer in rivals.items()
    }
    other = theirs(torch, layer_dims, batch_size, epochs, X, labels, everything)
    taken = {name: [] for name in trains}
    for turn in range(turns + 1):
        for name, train in trains.items():
            # Who goes first changes from turn to turn.
            pair = [train, other][:: 1 if turn % 2 else -1]
            first, second = (seconds(one) / (steps * epochs) * 1e3 for one in pair)
            if turn:  # the first turn warms caches and allocators
                taken[name].append((first, second) if turn % 2 else (second, first))
    return {name: np.array(times) for name, times in taken.items()}


def main():
    parser = argparse.ArgumentParser(description="Adam steps against PyTorch, one thread, float64.")
    parser.add_argument("--turns", type=int, default=31, help="pairs of turns for each row")
    turns = parser.parse_args().turns
    try:
        import torch
    except ImportError:
        sys.exit(
            "bench/training.py compares with PyTorch, which is not among the course's packages (gigabytes).\n"
            "Install it beside them, in an environment that you can delete again:\n"
            "  python3 -m venv build/bench-env\n"
            "  build/bench-env/bin/pip install numpy tqdm torch==2.13.0\n"
            "  build/bench-env/bin/python bench/training.py"
        )
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    print(
        f"NumPy {np.__version__}, PyTorch {torch.__version__}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, one thread each, float64\n"
        f"ratio = our steps a second / PyTorch's, {turns} interleaved pairs of turns: median (5 % .. 95 %)\n"
    )
    for everything in (False, True):
        print("Adam with dropout 0.8 and batch norm on both sides" if everything else "Adam")
        for layer_dims, batch_size, steps, epochs, goal in SIZES:
            sizes = "-".join(map(str, layer_dims))
            rows = compare(torch, layer_dims, batch_size, steps, epochs, turns, everything)
            for name, times in rows.items():
                ratios = times[:, 1] / times[:, 0]
                low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
                ms, other_ms = np.median(times, axis=0)
                wanted = ""
                if not everything and name.endswith("one unit"):
                    wanted = f"   goal {goal:.1f}: {'reached' if middle >= goal else 'MISSED'}"
                print(
                    f"  {sizes:<14} batch {batch_size:<4} {name:<33}"
                    f" ratio {middle:5.2f} ({low:.2f} .. {high:.2f})"
                    f"   {ms:7.3f} ms against {other_ms:7.3f} ms{wanted}"
                )
        print()


if __name__ == "__main__":
    main()
