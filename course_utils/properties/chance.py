"""What chance allows: exact tails of the binomial distribution."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

CHANCE = 1e-11


@lru_cache(maxsize=1024)
def binomial_range(n: int, p: float, chance: float = CHANCE) -> tuple[int, int]:
    """Return the smallest and the largest count of n independent tries that chance allows.

    Each of the two tails beyond them holds at most ``chance / 2``; p is the probability of one success.
    """
    if p <= 0 or p >= 1 or n == 0:
        return (n, n) if p >= 1 else (0, 0)
    k = np.arange(n + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((n - k[:-1]) / k[1:]))])
    pmf = np.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))
    at_most, at_least = np.cumsum(pmf), np.cumsum(pmf[::-1])[::-1]
    return int(np.argmax(at_most > chance / 2)), n - int(np.argmax(at_least[::-1] > chance / 2))


def allowed(count: int, n: int, p: float) -> bool:
    """Tell whether chance allows this count of n tries."""
    low, high = binomial_range(int(n), float(p))
    return bool(low <= count <= high)


@lru_cache(maxsize=1024)
def _near_the_mean(n: int, p: float) -> float:
    """The probability that a count of n tries lies within one of n p."""
    k = np.arange(n + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((n - k[:-1]) / k[1:]))])
    pmf = np.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))
    return float(pmf[np.abs(k - n * p) <= 1].sum())


def too_even(counts: np.ndarray, n: int, p: float) -> bool:
    """Tell whether more counts lie within one of n p than chance allows: somebody has counted."""
    if not 0 < p < 1:
        return False
    near = int((np.abs(counts - n * p) <= 1).sum())
    return near > binomial_range(counts.size, _near_the_mean(int(n), float(p)))[1]


def pairs(mask: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Pair column j with column j + lag, no column twice."""
    columns = np.arange(mask.shape[1] // (2 * lag) * 2 * lag).reshape(-1, 2, lag)
    return mask[:, columns[:, 0].ravel()], mask[:, columns[:, 1].ravel()]
