"""Random graphs: gradients against central differences, and laws that every backward obeys."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor, ops

LEAVES = [(2, 3), (3,), (2, 1), (), (3, 2)]


def broadcast(x, y):
    """y, or x itself where the two do not broadcast."""
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return x
    return y if len(shape) <= 3 else x


def product(x, y):
    """The matrix product where there is one."""
    if x.ndim and y.ndim and x.shape[-1] == y.shape[max(y.ndim - 2, 0)] and x.ndim + y.ndim < 5:
        return x @ y
    return x.reshape(-1) @ x.reshape(-1)


STEPS = [
    lambda x, y: x + broadcast(x, y),
    lambda x, y: x - broadcast(x, y),
    lambda x, y: x * broadcast(x, y) * 0.5,
    lambda x, y: x / (broadcast(x, y) ** 2 + 2),
    lambda x, y: (x * 0.1).exp(),
    lambda x, y: (x * x + 1).sqrt(),
    lambda x, y: (x * x + 1).log(),
    lambda x, y: 1.5 ** (x * 0.1),
    lambda x, y: 2.0 - x,
    lambda x, y: -x,
    lambda x, y: x.reshape(-1),
    lambda x, y: x.reshape(x.shape[::-1]),
    lambda x, y: x.transpose(),
    lambda x, y: x.unsqueeze(0) if x.ndim < 3 else x.squeeze(),
    lambda x, y: x.broadcast_to((2, *x.shape)) if x.ndim < 2 else x.mean(axis=-1),
    lambda x, y: x.sum(axis=0, keepdims=True) if x.ndim else x + 1,
    lambda x, y: x.sum(),
    lambda x, y: x.mean(),
    lambda x, y: product(x, y),
]

# Their gradients are not the derivatives of their values.
CUT = [
    lambda x, y: x * broadcast(x, y).detach(),
    lambda x, y: ops.where(x.data > 0, x, x * 2),
]


def programs(steps):
    """Lists of steps, each with the numbers of the two earlier tensors that it takes."""
    step = st.tuples(st.sampled_from(steps), st.integers(0, 99), st.integers(0, 99))
    return st.lists(step, min_size=1, max_size=10)


PROPERTY = settings(deadline=None, database=None, max_examples=80)
SEEDS = st.integers(0, 2**32 - 1)


def loss_of(arrays, program, requires_grad=True):
    """The leaves, and the loss that a program makes of them, each step from two tensors."""
    leaves = [Tensor(array, requires_grad=requires_grad) for array in arrays]
    pool = list(leaves)
    for step, i, j in program:
        pool.append(step(pool[-1 - i % min(4, len(pool))], pool[j % len(pool)]))
    rng = np.random.default_rng(1)
    loss = Tensor(np.array(0.0))
    for tensor in pool[-3:]:
        loss = loss + (tensor * rng.normal(size=tensor.shape)).sum()
    return leaves, loss


def arrays_for(seed):
    """Random values for the leaves, none close to zero, where `where` has its kink."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.choice([-1, 1], n) * rng.uniform(0.5, 1.5, n)) for n in LEAVES]


def central_differences(arrays, program, step=1e-5):
    """The derivative of the loss by every element of every leaf, one at a time."""
    results = [np.zeros_like(array) for array in arrays]
    for array, result in zip(arrays, results, strict=True):
        for index in np.ndindex(array.shape):
            middle = array[index]
            values = []
            for moved in (middle + step, middle - step):
                array[index] = moved
                values.append(loss_of(arrays, program, requires_grad=False)[1].item())
            array[index] = middle
            result[index] = (values[0] - values[1]) / (2 * step)
    return results


@PROPERTY
@given(programs(STEPS), SEEDS)
def test_gradients_of_random_graphs_equal_central_differences(program, seed):
    """In float64, on graphs that share, broadcast, reshape, reduce and multiply."""
    arrays = arrays_for(seed)
    leaves, loss = loss_of(arrays, program)
    loss.backward()
    expected = central_differences(arrays, program)
    scale = max(1.0, abs(loss.item()), *(float(abs(e).max()) for e in expected))
    for leaf, numeric in zip(leaves, expected, strict=True):
        got = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
        np.testing.assert_allclose(got, numeric, rtol=1e-5, atol=1e-7 * scale)


@PROPERTY
@given(programs(STEPS + CUT), SEEDS, st.floats(-3, 3))
def test_backward_is_linear_in_its_seed_and_repeatable(program, seed, factor):
    """Two backward passes add up; a seed times a factor gives gradients times the factor."""
    leaves, loss = loss_of(arrays_for(seed), program)
    loss.backward(retain_graph=True)
    once = [leaf.grad for leaf in leaves]
    loss.backward(np.float64(factor))
    for leaf, first in zip(leaves, once, strict=True):
        assert (leaf.grad is None) == (first is None)
        if first is not None:
            np.testing.assert_allclose(leaf.grad, first * (1 + factor), rtol=1e-9, atol=1e-9)


@PROPERTY
@given(programs(STEPS + CUT), SEEDS)
def test_a_graph_in_pieces_gives_the_same_gradients(program, seed):
    """Detaching in the middle and handing the gradient over by hand is the chain rule."""
    arrays = arrays_for(seed)
    whole, loss = loss_of([a * 1.1 for a in arrays], program)
    loss.backward()
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    scaled = [leaf * 1.1 for leaf in leaves]
    pieces, loss = loss_of([s.data for s in scaled], program)
    loss.backward()
    for leaf, middle, piece, same in zip(leaves, scaled, pieces, whole, strict=True):
        assert (piece.grad is None) == (same.grad is None)
        if piece.grad is not None:
            middle.backward(piece.grad)
            np.testing.assert_allclose(leaf.grad, same.grad * 1.1, rtol=1e-9, atol=1e-12)
