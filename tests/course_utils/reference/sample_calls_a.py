"""One ordinary call of each function of five modules, for test_conventions.

SAMPLE_CALLS maps a name to the function and to a maker of its arguments.
"""

from itertools import pairwise

import numpy as np

from course_utils.reference import dropout, gradient_checking, initialization, regularization, setup


def _parameters(rng, layer_dims):
    parameters = {}
    for layer, (n_prev, n) in enumerate(pairwise(layer_dims), start=1):
        parameters[f"W{layer}"] = rng.normal(size=(n, n_prev))
        parameters[f"b{layer}"] = rng.normal(size=(n, 1))
    return parameters


def _grads(rng, layer_dims):
    return {"d" + name: array for name, array in _parameters(rng, layer_dims).items()}


def _cube(x):
    return x**3


def _sum_of_squares(theta):
    return (theta**2).sum()


def _sum_of_all_squares(parameters):
    return sum((array**2).sum() for array in parameters.values())


ELEVEN_LAYERS = [2] * 12

SAMPLE_CALLS = {
    "split_indices": (
        setup.split_indices,
        lambda rng: dict(m=200, dev_fraction=0.2, test_fraction=0.1, rng=rng),
    ),
    "diagnose": (
        setup.diagnose,
        lambda rng: dict(train_error=0.15, dev_error=0.3, bayes_error=0.01, tolerance=0.02),
    ),
    "fit_normalizer": (setup.fit_normalizer, lambda rng: dict(X=rng.normal(size=(3, 7)))),
    "normalize": (
        setup.normalize,
        lambda rng: dict(
            X=rng.normal(size=(3, 7)), mu=rng.normal(size=(3, 1)), sigma=rng.uniform(1, 2, size=(3, 1))
        ),
    ),
    "l2_cost": (
        regularization.l2_cost,
        lambda rng: dict(cross_entropy_cost=0.7, parameters=_parameters(rng, [3, 4, 1]), lambd=0.5, m=9),
    ),
    "linear_backward_l2": (
        regularization.linear_backward_l2,
        lambda rng: dict(
            dZ=rng.normal(size=(2, 5)), A_prev=rng.normal(size=(3, 5)), W=rng.normal(size=(2, 3)), lambd=0.5
        ),
    ),
    "weight_decay_update": (
        regularization.weight_decay_update,
        lambda rng: dict(
            W=rng.normal(size=(2, 3)), dW=rng.normal(size=(2, 3)), learning_rate=0.1, lambd=0.7, m=5
        ),
    ),
    "l1_cost": (
        regularization.l1_cost,
        lambda rng: dict(cross_entropy_cost=0.7, parameters=_parameters(rng, [3, 4, 1]), lambd=0.5, m=9),
    ),
    "early_stopping": (
        regularization.early_stopping,
        lambda rng: dict(dev_costs=rng.normal(size=12), patience=3),
    ),
    "augment_by_flipping": (
        regularization.augment_by_flipping,
        lambda rng: dict(X=rng.normal(size=(6, 4)), Y=rng.normal(size=(2, 4)), height=2, width=3),
    ),
    "dropout_forward": (
        dropout.dropout_forward,
        lambda rng: dict(A=rng.normal(size=(9, 8)), keep_prob=0.5, rng=rng),
    ),
    "dropout_forward at keep_prob 1": (
        dropout.dropout_forward,
        lambda rng: dict(A=rng.normal(size=(9, 8)), keep_prob=1.0, rng=rng),
    ),
    "dropout_backward": (
        dropout.dropout_backward,
        lambda rng: dict(dA=rng.normal(size=(4, 5)), mask=rng.random((4, 5)) < 0.8, keep_prob=0.8),
    ),
    "dropout_backward at keep_prob 1": (
        dropout.dropout_backward,
        lambda rng: dict(dA=rng.normal(size=(4, 5)), mask=np.ones((4, 5), dtype=bool), keep_prob=1),
    ),
    "forward_with_dropout": (
        dropout.forward_with_dropout,
        lambda rng: dict(
            X=rng.normal(size=(3, 9)),
            parameters=_parameters(rng, [3, 8, 8, 1]),
            keep_probs=[0.5, 0.6],
            rng=rng,
        ),
    ),
    "predict": (
        dropout.predict,
        lambda rng: dict(X=rng.normal(size=(2, 9)), parameters=_parameters(rng, [*ELEVEN_LAYERS, 1])),
    ),
    "initialize_zeros": (initialization.initialize_zeros, lambda rng: dict(layer_dims=[3, 4, 1])),
    "initialize_random": (
        initialization.initialize_random,
        lambda rng: dict(layer_dims=[3, 4, 1], scale=0.01, rng=rng),
    ),
    "initialize_xavier": (
        initialization.initialize_xavier,
        lambda rng: dict(layer_dims=np.array([3, 4, 1]), rng=rng),
    ),
    "initialize_glorot": (initialization.initialize_glorot, lambda rng: dict(layer_dims=(3, 4, 1), rng=rng)),
    "initialize_he": (initialization.initialize_he, lambda rng: dict(layer_dims=[3, 4, 1], rng=rng)),
    "deep_linear_output": (
        initialization.deep_linear_output,
        lambda rng: dict(W=rng.normal(size=(3, 3)), x=rng.normal(size=(3, 1)), n_layers=4),
    ),
    "deep_linear_output with no layer": (
        initialization.deep_linear_output,
        lambda rng: dict(W=rng.normal(size=(3, 3)), x=rng.normal(size=(3, 1)), n_layers=0),
    ),
    "activation_scales": (
        initialization.activation_scales,
        lambda rng: dict(
            X=rng.normal(size=(2, 9)), parameters=_parameters(rng, ELEVEN_LAYERS), activation=np.tanh
        ),
    ),
    "breaks_symmetry": (
        initialization.breaks_symmetry,
        lambda rng: dict(parameters=_parameters(rng, ELEVEN_LAYERS)),
    ),
    "one_sided_difference": (
        gradient_checking.one_sided_difference,
        lambda rng: dict(f=_cube, x=1.0, epsilon=0.01),
    ),
    "two_sided_difference": (
        gradient_checking.two_sided_difference,
        lambda rng: dict(f=_cube, x=1.0, epsilon=0.01),
    ),
    "to_vector": (
        gradient_checking.to_vector,
        lambda rng: dict(parameters=_parameters(rng, ELEVEN_LAYERS)),
    ),
    "to_vector of one array and its bias": (
        gradient_checking.to_vector,
        lambda rng: dict(parameters=_parameters(rng, [1, 1])),
    ),
    "from_vector": (
        gradient_checking.from_vector,
        lambda rng: dict(theta=rng.normal(size=66), like=_parameters(rng, ELEVEN_LAYERS)),
    ),
    "numerical_gradient": (
        gradient_checking.numerical_gradient,
        lambda rng: dict(cost=_sum_of_squares, theta=rng.normal(size=5), epsilon=1e-5),
    ),
    "relative_difference": (
        gradient_checking.relative_difference,
        lambda rng: dict(grad=rng.normal(size=5), grad_approx=rng.normal(size=5)),
    ),
    "check_each": (
        gradient_checking.check_each,
        lambda rng: dict(
            cost=_sum_of_all_squares,
            parameters=_parameters(rng, ELEVEN_LAYERS),
            grads=_grads(rng, ELEVEN_LAYERS),
            epsilon=1e-5,
        ),
    ),
}
