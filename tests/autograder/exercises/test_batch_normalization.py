"""The cases of batch normalization judge fairly beyond what selftest tries."""

from dataclasses import replace

import numpy as np
import pytest

from autograder.exercises import behaviour, draw, topic
from autograder.exercises.batch_normalization import gives_Z_back, right_beside_what_went_in
from course_utils.calls import Call, Observation
from course_utils.examine import FAILED, PASSED, report
from course_utils.reference import batch_normalization as reference

EXERCISES = topic("batch_normalization")


@pytest.fixture(scope="module")
def drawn():
    """Draw each exercise once a seed."""
    known = {}

    def get(name, seed, public_only=False):
        key = (name, seed, public_only)
        if key not in known:
            known[key] = draw(EXERCISES[name], seed, public_only=public_only)
        return known[key]

    return get


@pytest.fixture(scope="module")
def checks():
    """Draw the checks of each exercise for 25 seeds, without what the mistakes do on them."""
    plain = {name: replace(e, misconceptions=()) for name, e in EXERCISES.items()}
    return {name: [draw(e, seed).checks for seed in range(25)] for name, e in plain.items()}


def judged(function, drawn):
    seen = {check.name: behaviour(function, check) for check in drawn.checks}
    return report(drawn.exercise, drawn.checks, seen, drawn.mistakes, show_numbers=True)


# --- wrong in ways that no misconception lists ---


def with_own_epsilon(Z, gamma, beta, epsilon):
    mean, var = Z.mean(axis=1, keepdims=True), Z.var(axis=1, keepdims=True)
    return gamma * (Z - mean) / np.sqrt(var + 1e-8) + beta


def epsilon_at_most(Z, gamma, beta, epsilon):
    return reference.batchnorm_forward(Z, gamma, beta, min(epsilon, 10))


def example_as_it_is(Z, gamma, beta, epsilon):
    return Z * 1.0 if Z.shape[1] == 1 else reference.batchnorm_forward(Z, gamma, beta, epsilon)


def whole_number_result(Z, gamma, beta, epsilon):
    Z_tilde = np.zeros_like(Z)
    Z_tilde[:] = reference.batchnorm_forward(Z, gamma, beta, epsilon)
    return Z_tilde


def positive_gamma(dZ_tilde, Z, gamma, epsilon):
    dZ, dgamma, dbeta = reference.batchnorm_backward(dZ_tilde, Z, gamma, epsilon)
    return dZ * np.sign(gamma), dgamma, dbeta


def half_variance_term(dZ_tilde, Z, gamma, epsilon):
    dZ, dgamma, dbeta = reference.batchnorm_backward(dZ_tilde, Z, gamma, epsilon)
    mean, std = Z.mean(axis=1, keepdims=True), np.sqrt(Z.var(axis=1, keepdims=True) + epsilon)
    return dZ + gamma / std * (Z - mean) / std * dgamma / Z.shape[1] / 2, dgamma, dbeta


def single_gradient_kept(dZ_tilde, Z, gamma, epsilon):
    dZ, dgamma, dbeta = reference.batchnorm_backward(dZ_tilde, Z, gamma, epsilon)
    return (dZ_tilde * gamma if Z.shape[1] == 1 else dZ), dgamma, dbeta


def fixed_momentum(running_mean, running_var, Z, momentum):
    return reference.update_running(running_mean, running_var, Z, 0.9)


def same_arrays(running_mean, running_var, Z, momentum):
    if momentum == 1:
        return running_mean, running_var
    return reference.update_running(running_mean, running_var, Z, momentum)


def batch_unless_single(Z, gamma, beta, running_mean, running_var, epsilon):
    if Z.shape[1] > 1:
        return reference.batchnorm_forward(Z, gamma, beta, epsilon)
    return reference.batchnorm_predict(Z, gamma, beta, running_mean, running_var, epsilon)


def zero_for_constant(Z, epsilon):
    gamma, beta = reference.identity_parameters(Z, epsilon)
    return gamma, np.where(Z.var(axis=1, keepdims=True) == 0, 0, beta)


def one_row_for_all(W, gamma, beta, running_mean, running_var, epsilon):
    W_folded, b = reference.fold_batchnorm(W, gamma, beta, running_mean, running_var, epsilon)
    return W * W_folded[0, 0] / W[0, 0], b


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("batchnorm_forward", with_own_epsilon),
        ("batchnorm_forward", epsilon_at_most),
        ("batchnorm_forward", example_as_it_is),
        ("batchnorm_forward", whole_number_result),
        ("batchnorm_backward", positive_gamma),
        ("batchnorm_backward", half_variance_term),
        ("batchnorm_backward", single_gradient_kept),
        ("update_running", fixed_momentum),
        ("update_running", same_arrays),
        ("batchnorm_predict", batch_unless_single),
        ("identity_parameters", zero_for_constant),
        ("fold_batchnorm", one_row_for_all),
    ],
)
def test_other_wrong_solutions_are_refused(name, wrong, drawn):
    """What nobody listed is refused as well."""
    for seed in range(3):
        assert judged(wrong, drawn(name, seed)).status == FAILED, seed


# --- what is judged by a property ---


def test_any_gamma_will_do_for_a_unit_that_never_changes(drawn):
    """Where Z_norm is 0 the identity leaves gamma open, and so do the cases; beta it does not."""

    def another_gamma(Z, epsilon):
        gamma, beta = reference.identity_parameters(Z, epsilon)
        return np.where(Z.var(axis=1, keepdims=True) == 0, -7, gamma), beta

    for seed in range(3):
        assert judged(another_gamma, drawn("identity_parameters", seed)).status == PASSED


@pytest.mark.parametrize("epsilon", [1e-10, 1e-3])
def test_parameters_that_nearly_give_Z_back_are_refused(epsilon):
    """Judged by the property alone, a gamma that is one in a million off is seen."""
    Z = np.array([[1.0, 2.0, 4.0], [0.0, -1.0, 3.0]])
    gamma, beta = reference.identity_parameters(Z, epsilon)
    for value, found in (((gamma, beta), 0), ((gamma * (1 + 1e-6), beta), 1), ((gamma, beta[0]), 1)):
        calls, seen = [Call({"Z": Z, "epsilon": epsilon})], [Observation("returned", value)]
        assert len(gives_Z_back(calls, seen)) == found


def test_a_gradient_that_vanishes_may_hold_rounding_but_no_more():
    """dZ of a single example is 0: 1e-15 beside gradients of 1 passes, 1e-6 and nan do not."""
    given = {"dZ_tilde": np.ones((2, 1)), "Z": np.ones((2, 1)), "gamma": np.ones((2, 1)), "epsilon": 0.1}
    dZ, dgamma, dbeta = reference.batchnorm_backward(**given)
    for off, found in ((0, 0), (1e-15, 0), (1e-6, 1), (np.nan, 1)):
        seen = [Observation("returned", (dZ + off, dgamma, dbeta))]
        assert len(right_beside_what_went_in([Call(given)], seen)) == found
    nothing = {**given, "dZ_tilde": np.zeros((2, 1))}  # a draw may round to it
    seen = [Observation("returned", reference.batchnorm_backward(**nothing))]
    assert not right_beside_what_went_in([Call(nothing)], seen)


def test_both_signs_and_no_nearly_constant_unit(checks):
    """gamma has both signs where a layer has two units, and no variance is so small that rounding rules."""
    for name, found in checks.items():
        for check in (check for some in found for check in some):
            for arguments in (call.arguments for call in check.calls):
                gamma, Z = arguments.get("gamma"), arguments.get("Z")
                if gamma is not None and len(gamma) > 1:
                    assert len(set(np.sign(gamma[:, 0]))) == 2 or (gamma == 1).all(), (name, check.name)
                if Z is not None:
                    relative = Z.astype(float).std(axis=1) / np.abs(Z).max(axis=1)
                    assert ((relative == 0) | (relative > 1e-3)).all(), (name, check.name)
