"""The collective operations, where each rank has other arrays."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor, no_grad
from tinytorch_ops_mpi import (
    BroadcastBackward,
    ReduceBackward,
    all_gather,
    all_reduce,
    broadcast,
    reduce_scatter,
)

OPERATIONS = {
    "sum": lambda x: all_reduce(x),
    "mean": lambda x: all_reduce(x, op="mean"),
    "broadcast": lambda x: broadcast(x),
    "reduce": lambda x: ReduceBackward.call(x, root=0),
    "all_gather": lambda x: all_gather(x),
    "all_gather of columns": lambda x: all_gather(x, axis=1),
    "reduce_scatter": lambda x: reduce_scatter(x),
    "reduce_scatter of columns": lambda x: reduce_scatter(x, axis=-1),
}
SHAPE = (12, 12)
"""With equal parts for up to four ranks, along either axis."""

each = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
each_dtype = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, bool])


def in_total(array):
    """The sum over all ranks of the elements of their arrays."""
    return all_reduce(Tensor(np.sum(array, dtype=np.float64))).item()


@each_dtype
def test_all_reduce(everyone, dtype):
    """Sum and mean are NumPy's over the arrays of all ranks, in the dtype that NumPy has."""
    arrays = np.array(everyone.have((2, 3), dtype))
    total = all_reduce(Tensor(arrays[everyone.rank]))
    mean = all_reduce(Tensor(arrays[everyone.rank]), op="mean")
    floats = np.dtype(dtype).kind == "f"
    rounding = np.finfo(dtype).eps * abs(arrays).sum(dtype=np.float64) if floats else 0
    exact = arrays.sum(axis=0, dtype=np.float64)
    np.testing.assert_allclose(total.data, exact, rtol=0, atol=rounding)
    np.testing.assert_allclose(mean.data, exact / everyone.size, rtol=1e-6, atol=rounding)
    assert total.dtype == arrays.sum(axis=0).dtype
    assert mean.dtype == (dtype if floats else np.float32)


def test_half_precision_is_added_in_single(everyone):
    """In half precision, 2048 + 1 + 1 + 1 comes to 2048."""
    x = Tensor(np.array([2048.0 if everyone.rank == 0 else 1.0], np.float16))
    assert all_reduce(x).tolist() == [float(np.float16(2048 + everyone.size - 1))]


@each_dtype
@pytest.mark.parametrize("root", ["first", "last"])
def test_broadcast(everyone, dtype, root):
    """Every rank has the array of the root, of whatever dtype."""
    root = 0 if root == "first" else everyone.size - 1
    arrays = everyone.have((2, 3), dtype)
    y = broadcast(Tensor(arrays[everyone.rank]), root)
    assert y.dtype == dtype
    assert y.tolist() == arrays[root].tolist()


@each_dtype
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_all_gather(everyone, dtype, axis):
    """Every rank has the arrays of all, one after another."""
    arrays = everyone.have((2, 3), dtype)
    y = all_gather(Tensor(arrays[everyone.rank]), axis)
    assert y.dtype == dtype
    assert y.tolist() == np.concatenate(arrays, axis).tolist()


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_reduce_scatter(everyone, axis):
    """Each rank has its part of the sum."""
    arrays = np.array(everyone.have((2 * everyone.size, everyone.size), np.float32))
    y = reduce_scatter(Tensor(arrays[everyone.rank]), axis)
    expected = np.split(arrays.sum(axis=0), everyone.size, axis)[everyone.rank]
    np.testing.assert_allclose(y.data, expected, rtol=1e-5, atol=1e-5)
    assert y.dtype == np.float32


@each
def test_the_rule_is_the_adjoint(everyone, operation):
    """For all arrays of all ranks, the sum of w f(x) over the ranks is that of x f'(w)."""
    x = Tensor(everyone.have(SHAPE)[everyone.rank], requires_grad=True)
    y = operation(x)
    w = everyone.have(y.shape, seed=1)[everyone.rank]
    y.backward(w)
    assert in_total(w * y.data) == pytest.approx(in_total(x.grad * x.data), rel=1e-12)


@each
def test_second_derivative(everyone, operation):
    """The derivative of a gradient, all ranks together, equals a difference of two gradients."""
    own = everyone.have(SHAPE)[everyone.rank]
    direction = everyone.have(SHAPE, seed=1)[everyone.rank]

    def gradient(array):
        x = Tensor(array, requires_grad=True)
        y = operation(x * x)
        w = everyone.have(y.shape, seed=2)[everyone.rank]
        (slope,) = tinytorch.grad((w * y**3).sum(), x, create_graph=True)
        return x, (slope * direction).sum()

    x, along = gradient(own)
    (second,) = tinytorch.grad(along, x)
    step = 1e-5
    ends = [gradient(own + sign * step * direction)[1].data for sign in (1, -1)]
    expected = (in_total(ends[0]) - in_total(ends[1])) / (2 * step)
    assert in_total(second.data * direction) == pytest.approx(expected, rel=1e-6)


@each
def test_inputs_stay(everyone, operation):
    """No array that is given is written to, and none is given back."""
    array = everyone.have(SHAPE)[everyone.rank]
    array.flags.writeable = False
    y = operation(Tensor(array))
    assert not np.may_share_memory(y.data, array)


def test_the_gradient_of_broadcast_is_at_the_root(everyone):
    """The root has the sum of all, the others zeros."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    broadcast(x, root=everyone.size - 1).backward(np.full(2, everyone.rank + 1.0))
    at_root = everyone.rank == everyone.size - 1
    assert x.grad.tolist() == [sum(range(everyone.size + 1)) if at_root else 0.0] * 2


def test_a_rule_by_hand(everyone):
    """BroadcastBackward, made by hand, can be asked for its gradient."""
    g = BroadcastBackward(Tensor([1.0]), root=0).apply(np.array([2.0]))
    assert g.tolist() == [2.0 * everyone.size if everyone.rank == 0 else 0.0]


def test_jacobian(everyone):
    """Gradients in a batch go through a collective, as they do one by one."""
    x = Tensor(everyone.have(3)[everyone.rank])
    jacobian = tinytorch.func.jacobian(lambda x: all_reduce(x * x))(x)
    np.testing.assert_allclose(jacobian, everyone.size * np.diag(2 * x.data), rtol=1e-12)


def test_nothing_is_recorded_without_gradients():
    """Collectives of tensors that require none, and under no_grad, leave no graph."""
    x = Tensor([1.0], requires_grad=True)
    with no_grad():
        assert not all_reduce(x).requires_grad
    assert not all_gather(Tensor([1.0])).requires_grad


def test_finding_plugins_starts_no_mpi():
    """A program that uses another operation does not initialise MPI, nor load mpi4py."""
    program = (
        "import sys, tinytorch; tinytorch.enable_autograd(quiet=True, strict=True);"
        "tinytorch.ops.all_reduce; print('mpi4py' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={}
    )
    assert found.stdout == "False\n"
