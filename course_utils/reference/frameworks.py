"""What a framework does when it differentiates: local gradients, undone broadcasting, the walk back.

A graph is a dict `parents` from each node to the list of nodes that it was made from, [] for a leaf.
Nodes are anything that can be a key of a dict.
"""

import numpy as np

from course_utils.reference._arguments import float_array, has_shape, number


def unbroadcast(gradient, shape):
    """Sum a gradient back to the shape that its array had before broadcasting stretched it.

    Equation::

        result[i] = sum of the entries of gradient to which entry i of the array was copied

    Parameters
    ----------
    gradient : float64, any shape that `shape` broadcasts to
    shape : tuple of int

    Returns
    -------
    result : float64, the given shape

    Raises
    ------
    ValueError
        If shape does not broadcast to the shape of gradient.
    """
    gradient, shape = float_array("gradient", gradient), tuple(shape)
    added = gradient.ndim - len(shape)
    aligned = (1,) * added + shape
    if added < 0 or any(n not in (1, size) for n, size in zip(aligned, gradient.shape, strict=True)):
        raise ValueError(f"shape must broadcast to the gradient's shape {gradient.shape}, got {shape}")
    stretched = tuple(axis for axis, n in enumerate(aligned) if n == 1)
    return gradient.sum(axis=stretched, keepdims=True).reshape(shape)


def multiply_gradients(upstream, a, b):
    """Differentiate an elementwise product with respect to both factors.

    Equation, each summed back to the shape of its factor::

        da = upstream * b
        db = upstream * a

    Parameters
    ----------
    upstream : float64, shape of a * b
        Gradient with respect to the product.
    a, b : float64, shapes that broadcast

    Returns
    -------
    da : float64, shape of a
    db : float64, shape of b

    Raises
    ------
    ValueError
        If a and b do not broadcast or upstream does not have the shape of a * b.
    """
    upstream, a, b = float_array("upstream", upstream), float_array("a", a), float_array("b", b)
    try:
        product_shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(f"a and b must broadcast, got shapes {a.shape} and {b.shape}") from None
    has_shape("upstream", upstream, product_shape)
    return unbroadcast(upstream * b, a.shape), unbroadcast(upstream * a, b.shape)


def matmul_gradients(upstream, A, B):
    """Differentiate a matrix product with respect to both factors.

    Equation::

        dA = upstream B^T
        dB = A^T upstream

    Parameters
    ----------
    upstream : float64, shape (n, p)
        Gradient with respect to A @ B.
    A : float64, shape (n, k)
    B : float64, shape (k, p)

    Returns
    -------
    dA : float64, shape (n, k)
    dB : float64, shape (k, p)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Source
    ------
    Giles, Collected matrix derivative results for forward and reverse mode (2008), section 2.
    """
    upstream = float_array("upstream", upstream, ndim=2)
    A, B = float_array("A", A, ndim=2), float_array("B", B, ndim=2)
    has_shape("B", B, (A.shape[1], B.shape[1]))
    has_shape("upstream", upstream, (A.shape[0], B.shape[1]))
    return upstream @ B.T, A.T @ upstream


def topological_order(output, parents):
    """Order what an output depends on so that each node comes after all that it was made from.

    Equation::

        position(parent) < position(node)   for each node and each of its parents

    Parameters
    ----------
    output : node
    parents : dict from a node to the list of nodes that it was made from
        May hold nodes that output does not depend on; they are left out.

    Returns
    -------
    order : list of nodes, every one once, output last

    Raises
    ------
    ValueError
        If a node is not in parents or depends on itself.

    Source
    ------
    Tarjan, Acta Informatica 6 (1976): depth first, a node is listed when its parents are. The walk keeps
    its own stack, so that the depth of a graph is not limited by Python's.
    """
    _check_dict("parents", parents)
    order, listed, open_nodes = [], set(), set()
    stack = [(output, False)]
    while stack:
        node, parents_are_listed = stack.pop()
        if node in listed:
            continue
        if parents_are_listed:
            open_nodes.remove(node)
            listed.add(node)
            order.append(node)
            continue
        if node not in parents:
            raise ValueError(f"parents must have an entry for every node, got none for {node!r}")
        if node in open_nodes:
            raise ValueError(f"parents must hold no cycle, but {node!r} depends on itself")
        open_nodes.add(node)
        stack.append((node, True))
        stack.extend((parent, False) for parent in parents[node])
    return order


def backpropagate(output, parents, local_gradients):
    """Walk a graph of scalars backwards and collect how the output changes with each node.

    Equation, summed over every use of a node::

        d output / d output = 1
        d output / d parent = sum over uses of (d output / d node) * (d node / d parent)

    Parameters
    ----------
    output : node
    parents : dict from a node to the list of nodes that it was made from
    local_gradients : dict from a node to the list of d node / d parent, in the order of parents[node]

    Returns
    -------
    gradients : dict from each node that output depends on, itself included, to a float

    Raises
    ------
    ValueError
        If the graph has a cycle or lacks a node, or a node's local gradients are not one for each parent.

    Source
    ------
    Griewank and Walther, Evaluating Derivatives (2nd ed., 2008), section 3.2, reverse mode.
    """
    order = topological_order(output, parents)
    _check_dict("local_gradients", local_gradients)
    gradients = dict.fromkeys(order, 0.0)
    gradients[output] = 1.0
    for node in reversed(order):
        local = local_gradients.get(node, [])
        if len(local) != len(parents[node]):
            raise ValueError(
                f"local_gradients[{node!r}] must hold one number for each of {parents[node]}, got {local}"
            )
        for parent, d_parent in zip(parents[node], local, strict=True):
            gradients[parent] += gradients[node] * number("a local gradient", d_parent)
    return gradients


def _check_dict(name, value):
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a dict with an entry for every node, got {type(value).__name__}")
