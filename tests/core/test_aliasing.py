"""No `.grad` shares memory with anything: on random graphs of operations that hand arrays on."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Function, Tensor

DTYPES = [np.float16, np.float32, np.float64]


class HandOn(Function):
    """x + y, with the very same array handed back for both, in a list."""

    def forward(self, x, y):
        self.save(x, y)
        return x + y

    def apply(self, grad_output):
        return [grad_output, grad_output]


class Constant(Function):
    """x with a gradient that is an array of the graph's: the input itself, as it was saved."""

    def forward(self, x):
        self.save(x)
        return x

    def apply(self, grad_output):
        return self.saved


STEPS = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * 1,
    lambda x, y: x + x,
    lambda x, y: x.reshape(-1, 2),
    lambda x, y: x.reshape(x.shape),
    lambda x, y: x.transpose(),
    lambda x, y: x.broadcast_to((3, *x.shape)).sum(axis=0),
    lambda x, y: x.sum(axis=0, keepdims=True) + y,
    lambda x, y: x.sum() + y,
    lambda x, y: x.unsqueeze(0).squeeze(0),
    lambda x, y: x.clone() + y.detach(),
    lambda x, y: x.astype(np.float64),
    lambda x, y: x.exp() * 0.01,
    lambda x, y: HandOn.call(x, y),
    lambda x, y: Constant.call(x),
]

PROGRAMS = st.lists(
    st.tuples(st.sampled_from(range(len(STEPS))), st.integers(0, 99), st.integers(0, 99)),
    min_size=1,
    max_size=8,
)


def run(leaves, program):
    """Every tensor of a program, in order: each step takes two earlier ones of one shape."""
    pool = list(leaves)
    for step, i, j in program:
        x = pool[i % len(pool)]
        partners = [t for t in pool if t.shape == x.shape]
        pool.append(STEPS[step](x, partners[j % len(partners)]))
    return pool


def arrays_of(root):
    """All arrays that the nodes behind a tensor have saved."""
    stack, seen = [root.grad_fn], set()
    while stack:
        node = stack.pop()
        if isinstance(node, Function) and id(node) not in seen:
            seen.add(id(node))
            stack.extend(node.next_functions)
            yield from (array for array in node.saved if isinstance(array, np.ndarray))


@settings(deadline=None, database=None, max_examples=150)
@given(PROGRAMS, st.lists(st.sampled_from(DTYPES), min_size=2, max_size=2), st.booleans())
def test_gradients_share_memory_with_nothing(program, dtypes, twice):
    """Neither with each other, nor with data, saved arrays or the seed; all else is unchanged."""
    rng = np.random.default_rng(0)
    leaves = [Tensor(rng.normal(size=(2, 2)).astype(dtype), requires_grad=True) for dtype in dtypes]
    pool = run(leaves, program)
    for tensor in pool:
        if tensor.requires_grad:
            tensor.retain_grad()
    output = pool[-1]
    if not output.requires_grad:
        return
    seed = rng.normal(size=output.shape).astype(output.dtype)
    others = [seed, *(t.data for t in pool), *arrays_of(output)]
    before = [array.copy() for array in others]
    for _ in range(1 + twice):
        output.backward(seed, retain_graph=True)
    gradients = [(t, t.grad) for t in pool if t.grad is not None]
    assert any(t is output for t, _ in gradients)
    for tensor, gradient in gradients:
        assert type(gradient) is np.ndarray
        assert (gradient.shape, gradient.dtype) == (tensor.shape, tensor.dtype)
        assert gradient.flags.writeable
    for (a, one), (b, other) in itertools.combinations(gradients, 2):
        assert a is b or not np.may_share_memory(one, other)
    for (_, gradient), array in itertools.product(gradients, others):
        assert not np.may_share_memory(gradient, array)
    for array, old in zip(others, before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_writing_into_one_gradient_changes_no_other():
    """Clipping gradients in place, one parameter after the other, is safe."""
    x, y, z = (Tensor(np.ones((2, 2)), requires_grad=True) for _ in range(3))
    g = np.random.default_rng(0).normal(size=(2, 2))
    HandOn.call(x + y, z.T).backward(g)
    kept = [t.grad.copy() for t in (x, y, z)]
    for index, tensor in enumerate((x, y, z)):
        tensor.grad *= 0
        for other, old in list(zip((x, y, z), kept, strict=True))[index + 1 :]:
            np.testing.assert_array_equal(other.grad, old)


def test_changing_the_data_of_a_leaf_in_place_changes_no_gradient():
    """An optimiser's `w.data -= ...` right after backward."""
    w = Tensor([1.0, 2.0], requires_grad=True)
    (Constant.call(w) + 0).backward(np.ones(2, np.float32))
    w.data -= 1
    assert w.grad.tolist() == [1.0, 2.0]
