"""Drawing hyperparameters on the right scale, searching among them, and what to try next.

Lower scores are better, the first wins a tie, and NaN is worse than any number. Settings are dicts from
names to values; a space is a dict from names to functions of rng that draw one value.
"""

import copy
import itertools
import math

import numpy as np

from course_utils.reference._arguments import (
    float_array,
    function,
    generator,
    in_range,
    number,
    same_shape,
    whole_number,
)


def sample_log_uniform(low, high, size, rng):
    """Draw numbers so that every decade between low and high is equally likely.

    Equation::

        r = uniform(log(low), log(high))
        sample = exp(r)

    Parameters
    ----------
    low, high : float, 0 < low <= high
    size : int, at least 0
    rng : numpy.random.Generator

    Returns
    -------
    samples : float64, shape (size,), from low to high

    Raises
    ------
    ValueError
        If 0 < low <= high does not hold or size is not a whole number.

    Source
    ------
    Bergstra and Bengio, JMLR 13 (2012), on random search and its scales.
    """
    high = in_range("high", high, 0, low_open=True)
    low = in_range("low", low, 0, high, low_open=True)
    size = whole_number("size", size, minimum=0)
    r = generator(rng).uniform(np.log(low), np.log(high), size)
    return np.clip(np.exp(r), low, high)  # exp(log(low)) may round to just below low


def sample_beta(low, high, size, rng):
    """Draw the weight of the past so that every order of magnitude of 1 - beta is equally likely.

    Equation::

        r = uniform(log(1 - high), log(1 - low))
        beta = 1 - exp(r)

    Parameters
    ----------
    low, high : float, 0 <= low <= high < 1
    size : int, at least 0
    rng : numpy.random.Generator

    Returns
    -------
    betas : float64, shape (size,), from low to high

    Raises
    ------
    ValueError
        If 0 <= low <= high < 1 does not hold or size is not a whole number.
    """
    high = in_range("high", high, 0, 1, high_open=True)
    low = in_range("low", low, 0, high)
    return np.clip(1 - sample_log_uniform(1 - high, 1 - low, size, rng), low, high)


def sample_integers(low, high, size, rng):
    """Draw whole numbers, each from low to high equally likely, both ends included.

    Equation::

        P(sample = k) = 1 / (high - low + 1)   for k = low ... high

    Parameters
    ----------
    low, high : int, low <= high
    size : int, at least 0
    rng : numpy.random.Generator

    Returns
    -------
    samples : int64, shape (size,)

    Raises
    ------
    ValueError
        If low, high or size is not a whole number, or low is above high.
    """
    low = whole_number("low", low, minimum=-(2**63))
    high = whole_number("high", high, minimum=low)
    size = whole_number("size", size, minimum=0)
    return generator(rng).integers(low, high, size, endpoint=True)


def grid(choices):
    """List every combination of the values to try.

    Equation::

        number of combinations = product of the numbers of values

    Parameters
    ----------
    choices : dict from a name to a list of values

    Returns
    -------
    combinations : list of dicts from a name to one value
        [{}] for no names, [] if some name has no values.

    Raises
    ------
    ValueError
        If choices is not a dict of lists.
    """
    if not isinstance(choices, dict):
        raise ValueError(f"choices must be a dict of lists, got {type(choices).__name__} {choices!r}")
    for name, values in choices.items():
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            raise ValueError(f"choices[{name!r}] must be a list of values, got {values!r}")
    # Copies, so that a list among the values is not shared by the dicts that hold it.
    combinations = itertools.product(*choices.values())
    return [copy.deepcopy(dict(zip(choices, values, strict=True))) for values in combinations]


def random_search(objective, space, n_trials, rng):
    """Try settings drawn at random and keep the best.

    Equation::

        settings_i = {name: draw(rng) for each name in space},   i = 1 ... n_trials
        best       = the first settings with the lowest objective(settings)

    Parameters
    ----------
    objective : function of a settings dict that returns a score
    space : dict from a name to a function of rng that draws one value
    n_trials : int, at least 1
    rng : numpy.random.Generator

    Returns
    -------
    best : dict, the settings with the lowest score
    trials : list of (settings, score), in the order tried

    Raises
    ------
    ValueError
        If space is not a dict of functions, n_trials is below 1, or every score is NaN.

    Source
    ------
    Bergstra and Bengio, JMLR 13 (2012).
    """
    function("objective", objective)
    if not isinstance(space, dict):
        raise ValueError(f"space must be a dict of functions of rng, got {type(space).__name__} {space!r}")
    for name, draw in space.items():
        function(f"space[{name!r}]", draw)
    n_trials = whole_number("n_trials", n_trials, minimum=1)
    generator(rng)
    trials = []
    for _ in range(n_trials):
        settings = {name: draw(rng) for name, draw in space.items()}
        trials.append((settings, objective(settings)))
    best, score = min(trials, key=lambda trial: _rank(trial[1]))
    if math.isnan(score):
        raise ValueError(
            f"objective must return a number for some settings, got NaN in all {n_trials} trials"
        )
    return copy.deepcopy(best), trials


def zoom(trials, keep):
    """Draw the box around the best trials, to search more finely inside it.

    Equation, over the keep trials with the lowest scores::

        box[name] = (smallest settings[name], largest settings[name])

    Parameters
    ----------
    trials : list of (settings, score)
        Settings that are numbers, with the same names in every trial.
    keep : int, from 1 to the number of trials whose score is not NaN

    Returns
    -------
    box : dict from a name to (low, high)

    Raises
    ------
    ValueError
        If keep is not in its range, or the settings of the trials are not numbers or differ in names.
    """
    keep = whole_number("keep", keep, minimum=1)
    scored = [trial for trial in trials if not math.isnan(number("score", trial[1]))]
    if keep > len(scored):
        raise ValueError(f"keep must be at most {len(scored)}, the trials with a score, got {keep}")
    best = [settings for settings, _ in sorted(scored, key=lambda trial: _rank(trial[1]))[:keep]]
    for settings in best:
        if set(settings) != set(best[0]):
            raise ValueError(f"trials must have the same names, got {list(best[0])} and {list(settings)}")
        for name, value in settings.items():
            number(name, value)
    values = {name: [settings[name] for settings in best] for name in best[0]}
    return {name: (np.min(tried), np.max(tried)) for name, tried in values.items()}


def successive_halving(evaluate, candidates, budget, eta):
    """Give many candidates a little, then the better ones more, until one is left.

    Equation, in a round with n candidates::

        n      = min(ceil(n / eta), n - 1), those with the lowest evaluate(candidate, budget)
        budget = budget * eta

    Parameters
    ----------
    evaluate : function of a candidate and a budget that returns a score
    candidates : list of anything, at least one
    budget : float or int, above 0
        What each candidate may spend in the first round.
    eta : float or int, at least 1
        The share of candidates that goes, and the growth of the budget.

    Returns
    -------
    winner : the candidate itself; a single one wins without being evaluated

    Raises
    ------
    ValueError
        If there is no candidate, a number is out of range or a score is not a number.

    Source
    ------
    Jamieson and Talwalkar, arXiv:1502.07943v1; eta as in Li et al., JMLR 18 (2018), Algorithm 1, but with
    n / eta rounded up.
    """
    function("evaluate", evaluate)
    in_range("budget", budget, 0, low_open=True)
    in_range("eta", eta, 1)
    remaining = list(candidates)
    if not remaining:
        raise ValueError("candidates must hold at least one candidate, got none")
    # A whole budget stays whole (epochs), but as a Python number, which does not overflow.
    budget, eta = np.asarray(budget).item(), np.asarray(eta).item()
    while len(remaining) > 1:
        ranks = [_rank(evaluate(candidate, budget)) for candidate in remaining]
        n = min(_ceil(len(remaining) / eta), len(remaining) - 1)
        best = sorted(range(len(remaining)), key=lambda i: ranks[i])[:n]
        remaining = [remaining[i] for i in sorted(best)]
        budget = budget * eta
    return remaining[0]


def expected_improvement(mean, std, best):
    """Say how far below the best score a model expects a new trial to fall.

    Equation, with Phi and phi the distribution function and the density of the standard normal::

        z  = (best - mean) / std
        EI = (best - mean) * Phi(z) + std * phi(z),   max(best - mean, 0) where std is 0

    Parameters
    ----------
    mean, std : float64, one shape
        The normal belief about the score of each new trial; std is at least 0.
    best : float
        The lowest score so far.

    Returns
    -------
    EI : float64, shape of mean, no entry below 0

    Raises
    ------
    ValueError
        If mean and std differ in shape or are not finite, std is negative, or best is not finite.

    Source
    ------
    Jones, Schonlau and Welch, J. Global Optimization 13 (1998), equation 15.
    """
    mean, std = float_array("mean", mean), float_array("std", std)
    same_shape("mean", mean, "std", std)
    best = in_range("best", best)
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std >= 0).all()):
        raise ValueError(f"mean and std must be finite and std not below 0, got {mean} and {std}")
    uncertain = std > 0
    with np.errstate(over="ignore"):  # where std is tiny, z or its square is infinite, as it should be
        z = np.divide(best - mean, std, out=np.zeros_like(mean), where=uncertain)
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    expected = (best - mean) * _normal_cdf(z) + std * density
    return np.maximum(np.where(uncertain, expected, best - mean), 0)


def _rank(score):
    """Sort key of a score: NaN after every number, infinity included."""
    score = number("score", score)
    return math.isnan(score), score


def _ceil(quotient):
    """Round up, but stay at a whole number that the division has missed by rounding alone."""
    return math.ceil(quotient * (1 - 1e-12))


def _normal_cdf(z):
    # erfc rather than 1 + erf, which is 0 from z = -9 down.
    return np.vectorize(math.erfc, otypes=[np.float64])(-z / math.sqrt(2)) / 2
