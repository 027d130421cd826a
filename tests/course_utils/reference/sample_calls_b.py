"""One small valid call of every function of five topics, for the tests of what holds for all of them."""

import numpy as np

from course_utils.reference import batch_normalization, frameworks, hyperparameter_search, optimizers, softmax


def _arrays(rng, prefix=""):
    return {prefix + "W1": rng.normal(size=(3, 2)), prefix + "b1": rng.normal(size=(3, 1))}


def _squares(rng):
    return {name: value**2 for name, value in _arrays(rng, "d").items()}


def _batchnorm(rng, **more):
    return dict(Z=rng.normal(size=(3, 5)), gamma=rng.normal(size=(3, 1)), epsilon=1e-5) | more


def _running(rng):
    return dict(running_mean=rng.normal(size=(3, 1)), running_var=rng.uniform(0.5, 2, size=(3, 1)))


def _labelled(rng):
    A = rng.dirichlet(np.ones(4), size=5).T
    return dict(A=A, Y=np.eye(4)[:, rng.integers(4, size=5)])


def _graph():
    parents = {"x": [], "y": [], "p": ["x", "y"], "q": ["p", "x"]}
    return dict(output="q", parents=parents)


def _update(rng, *state, **more):
    drawn = dict(velocity=lambda: _arrays(rng, "d"), squares=lambda: _squares(rng))
    return (
        dict(parameters=_arrays(rng), grads=_arrays(rng, "d"), learning_rate=0.1)
        | {name: drawn[name]() for name in state}
        | more
    )


SAMPLE_CALLS = {
    "random_mini_batches": (
        optimizers.random_mini_batches,
        lambda rng: dict(X=rng.normal(size=(3, 10)), Y=rng.normal(size=(1, 10)), batch_size=4, rng=rng),
    ),
    "exponentially_weighted_average": (
        optimizers.exponentially_weighted_average,
        lambda rng: dict(theta=rng.normal(size=6), beta=0.9, bias_correction=True),
    ),
    "gradient_descent_update": (optimizers.gradient_descent_update, lambda rng: _update(rng)),
    "momentum_update": (optimizers.momentum_update, lambda rng: _update(rng, "velocity", beta=0.9)),
    "rmsprop_update": (
        optimizers.rmsprop_update,
        lambda rng: _update(rng, "squares", beta2=0.9, epsilon=1e-8),
    ),
    "adam_update": (
        optimizers.adam_update,
        lambda rng: _update(rng, "velocity", "squares", t=3, beta1=0.9, beta2=0.99, epsilon=1e-8),
    ),
    "inverse_time_decay": (
        optimizers.inverse_time_decay,
        lambda rng: dict(alpha0=0.2, decay_rate=1.0, epoch=3),
    ),
    "exponential_decay": (optimizers.exponential_decay, lambda rng: dict(alpha0=0.2, base=0.95, epoch=3)),
    "sqrt_decay": (optimizers.sqrt_decay, lambda rng: dict(alpha0=0.2, k=1.0, t=3)),
    "staircase_decay": (
        optimizers.staircase_decay,
        lambda rng: dict(alpha0=0.2, factor=0.5, every=2, epoch=5),
    ),
    "critical_point": (optimizers.critical_point, lambda rng: dict(hessian=np.diag(rng.normal(size=3)))),
    "batchnorm_forward": (
        batch_normalization.batchnorm_forward,
        lambda rng: _batchnorm(rng, beta=rng.normal(size=(3, 1))),
    ),
    "batchnorm_backward": (
        batch_normalization.batchnorm_backward,
        lambda rng: _batchnorm(rng, dZ_tilde=rng.normal(size=(3, 5))),
    ),
    "update_running": (
        batch_normalization.update_running,
        lambda rng: dict(Z=rng.normal(size=(3, 5)), momentum=0.9) | _running(rng),
    ),
    "batchnorm_predict": (
        batch_normalization.batchnorm_predict,
        lambda rng: _batchnorm(rng, beta=rng.normal(size=(3, 1))) | _running(rng),
    ),
    "identity_parameters": (
        batch_normalization.identity_parameters,
        lambda rng: dict(Z=rng.normal(size=(3, 5)), epsilon=1e-5),
    ),
    "fold_batchnorm": (
        batch_normalization.fold_batchnorm,
        lambda rng: (
            dict(
                W=rng.normal(size=(3, 4)),
                gamma=rng.normal(size=(3, 1)),
                beta=rng.normal(size=(3, 1)),
                epsilon=1e-5,
            )
            | _running(rng)
        ),
    ),
    "softmax": (softmax.softmax, lambda rng: dict(Z=rng.normal(size=(4, 5)))),
    "log_softmax": (softmax.log_softmax, lambda rng: dict(Z=rng.normal(size=(4, 5)))),
    "hardmax": (softmax.hardmax, lambda rng: dict(Z=rng.normal(size=(4, 5)))),
    "one_hot": (softmax.one_hot, lambda rng: dict(labels=rng.integers(4, size=5), n_classes=4)),
    "cross_entropy": (softmax.cross_entropy, _labelled),
    "sparse_cross_entropy": (
        softmax.sparse_cross_entropy,
        lambda rng: dict(A=_labelled(rng)["A"], labels=rng.integers(4, size=5)),
    ),
    "softmax_backward": (softmax.softmax_backward, _labelled),
    "predict_classes": (softmax.predict_classes, lambda rng: dict(Z=rng.normal(size=(4, 5)))),
    "to_logistic": (
        softmax.to_logistic,
        lambda rng: dict(W=rng.normal(size=(2, 3)), b=rng.normal(size=(2, 1))),
    ),
    "sample_log_uniform": (
        hyperparameter_search.sample_log_uniform,
        lambda rng: dict(low=1e-4, high=1.0, size=6, rng=rng),
    ),
    "sample_beta": (
        hyperparameter_search.sample_beta,
        lambda rng: dict(low=0.9, high=0.999, size=6, rng=rng),
    ),
    "sample_integers": (
        hyperparameter_search.sample_integers,
        lambda rng: dict(low=0, high=1000, size=6, rng=rng),
    ),
    "grid": (
        hyperparameter_search.grid,
        lambda rng: dict(choices={"rate": rng.uniform(size=3), "layers": [[8], [8, 8]]}),
    ),
    "random_search": (
        hyperparameter_search.random_search,
        lambda rng: dict(
            objective=lambda settings: settings["a"] ** 2 + settings["b"].sum(),
            space={"a": lambda rng: rng.normal(), "b": lambda rng: rng.normal(size=2)},
            n_trials=5,
            rng=rng,
        ),
    ),
    "zoom": (
        hyperparameter_search.zoom,
        lambda rng: dict(trials=[({"a": rng.normal(), "b": 3}, rng.normal()) for _ in range(5)], keep=2),
    ),
    "successive_halving": (
        hyperparameter_search.successive_halving,
        lambda rng: dict(
            evaluate=lambda candidate, budget: candidate**2 / budget,
            candidates=list(rng.normal(size=9)),
            budget=1,
            eta=3,
        ),
    ),
    "expected_improvement": (
        hyperparameter_search.expected_improvement,
        lambda rng: dict(mean=rng.normal(size=4), std=rng.uniform(0, 1, size=4), best=0.1),
    ),
    "unbroadcast": (frameworks.unbroadcast, lambda rng: dict(gradient=rng.normal(size=(3, 4)), shape=(3, 4))),
    "multiply_gradients": (
        frameworks.multiply_gradients,
        lambda rng: dict(
            upstream=rng.normal(size=(3, 4)), a=rng.normal(size=(3, 1)), b=rng.normal(size=(3, 4))
        ),
    ),
    "matmul_gradients": (
        frameworks.matmul_gradients,
        lambda rng: dict(
            upstream=rng.normal(size=(3, 4)), A=rng.normal(size=(3, 2)), B=rng.normal(size=(2, 4))
        ),
    ),
    "topological_order": (frameworks.topological_order, lambda rng: _graph()),
    "backpropagate": (
        frameworks.backpropagate,
        lambda rng: _graph() | dict(local_gradients={"x": [], "y": [], "p": [2.0, 3.0], "q": [1.0, -1.0]}),
    ),
}
