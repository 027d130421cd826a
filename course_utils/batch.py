"""Train a batch of networks at once, as many at a time as there are processors.

Each training runs in a process of its own. Such a process starts afresh and imports what it needs by name
(*spawn*; a copy of a running notebook, *fork*, would copy its locks and threads in whatever state they are),
so the function that trains must stand in a module: one from a notebook's cell is run here, one after another.
The same happens where no process can be started.

    train_batch(candidates, epochs)   the learning curves of all candidates
    train_reader(settings, epochs)    one of them: a network that reads digits
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Batch:
    """What a batch of trainings gave.

    ``curves`` has a row for each candidate and a column for each epoch; ``seconds`` is how long each took,
    ``waited`` how long all of them together kept you waiting; ``processes`` is 1 where none was started.
    """

    curves: np.ndarray
    seconds: np.ndarray
    waited: float
    processes: int
    note: str = ""


def train_batch(
    candidates: Sequence[dict[str, Any]],
    epochs: int,
    train: Callable[[dict[str, Any], int], Any] | None = None,
    processes: int | None = None,
    progress: bool = True,
) -> Batch:
    """Train every candidate and return all learning curves.

    Parameters
    ----------
    candidates : list of dicts, the settings of each training
    epochs : int
    train : function (settings, epochs) -> errors, shape (epochs,), optional
        From a module. Default: `train_reader`.
    processes : int, optional
        As many as there are processors, at most eight; 1 trains here, one after another.
    progress : bool
        A bar that counts the trainings that are done.

    Returns
    -------
    batch : Batch
    """
    train = train or train_reader
    wanted = min(processes or min(_processors(), 8), len(candidates))
    note = ""
    if wanted > 1 and getattr(train, "__module__", "__main__") == "__main__":
        wanted, note = 1, "a function from a cell is not known to other processes: trained one after another"
    done: dict[int, tuple[np.ndarray, float]] = {}
    started = time.perf_counter()
    with _bar(len(candidates), progress) as bar:
        if wanted > 1:
            try:
                for i, result in _in_processes(train, candidates, epochs, wanted):
                    done[i] = result
                    bar.update()
            except (OSError, RuntimeError, ImportError) as error:  # no process, or one that died
                note = f"no further process could be started ({type(error).__name__}): went on one by one"
                wanted = 1
        for i in (i for i in range(len(candidates)) if i not in done):
            done[i] = _timed(train, candidates[i], epochs)
            bar.update()
    results = [done[i] for i in range(len(candidates))]
    curves = np.array([curve for curve, _ in results]).reshape(len(candidates), epochs)
    seconds = np.array([taken for _, taken in results])
    return Batch(curves, seconds, time.perf_counter() - started, wanted, note)


def train_reader(settings: dict[str, Any], epochs: int) -> np.ndarray:
    """Train a network that reads digits and return its dev error after each epoch, shape (epochs,).

    ``settings`` may hold learning_rate, units (0 is no hidden layer), batch_size and seed. After an epoch
    whose cost is no number the error is NaN.
    """
    from course_utils.data import load
    from course_utils.network import Network

    digits = load("digits")
    units = int(settings.get("units", 32))
    rng = np.random.default_rng(int(settings.get("seed", 0)))
    net = Network([64, units, 10] if units else [64, 10], output="softmax", rng=rng)
    with contextlib.redirect_stdout(io.StringIO()):  # that it diverged shows in the curve
        history = net.train(
            digits.X_train,
            digits.Y_train,
            epochs=epochs,
            learning_rate=float(settings["learning_rate"]),
            batch_size=int(settings.get("batch_size", 64)),
            X_dev=digits.X_dev,
            Y_dev=digits.Y_dev,
            progress=False,
        )
    errors = np.full(epochs, np.nan)
    errors[: len(history.dev_accuracies)] = 1 - np.array(history.dev_accuracies)
    return errors


def _in_processes(
    train: Callable[..., Any], candidates: Sequence[dict[str, Any]], epochs: int, processes: int
) -> Iterator[tuple[int, tuple[np.ndarray, float]]]:
    """Yield (place, result) as trainings end."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    with _one_thread_each():
        pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
        try:
            places = {pool.submit(_timed, train, c, epochs): i for i, c in enumerate(candidates)}
            for future in as_completed(places):
                yield places[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _timed(train: Callable[..., Any], settings: dict[str, Any], epochs: int) -> tuple[np.ndarray, float]:
    started = time.perf_counter()
    curve = np.asarray(train(dict(settings), epochs), dtype=np.float64)
    return curve, time.perf_counter() - started


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start inside the block use one thread for matrices: they share the processors."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _bar(total: int, wanted: bool) -> Any:
    """Return a bar that shows itself in a notebook or a terminal and is silent everywhere else."""
    from course_utils.plots import in_notebook

    if wanted and in_notebook():
        from tqdm.notebook import tqdm

        return tqdm(total=total, unit="training", leave=False)
    from tqdm import tqdm

    return tqdm(total=total, unit="training", leave=False, disable=None if wanted else True)
