"""Tensor: what it is made of, what can be read of it, and what may be assigned to it."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import weakref

import numpy as np
import pytest
from tinytorch import Function, GradientError, Tensor, allclose, from_numpy, no_grad

FLOATS = [np.float16, np.float32, np.float64]


def leaf(*shape, dtype=np.float64, seed=0):
    """A tensor that requires gradients, of random numbers."""
    data = np.random.default_rng(seed).normal(size=shape)
    return Tensor(np.asarray(data, dtype), requires_grad=True)


# The constructor.


@pytest.mark.parametrize(
    "data", [2, 2.5, [1, 2], (1.5, 2), [[1], [2]], [], [[], []], range(3), [np.float64(1), 2]]
)
def test_python_numbers_become_float32(data):
    """Numbers and sequences of numbers, also of NumPy's, become float32 with the same values."""
    x = Tensor(data)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x.data, np.array(data, np.float32))


@pytest.mark.parametrize("data", [True, [True, False], [[False]]])
def test_booleans_stay_booleans(data):
    """A boolean is no number: it keeps its dtype, alone and in sequences."""
    assert Tensor(data).dtype == np.bool_


@pytest.mark.parametrize(
    "dtype", [*FLOATS, np.int8, np.int64, np.uint8, np.uint64, np.bool_, ">f4", np.longdouble]
)
def test_arrays_and_numpy_scalars_keep_their_dtype(dtype):
    """Whatever NumPy made keeps its dtype, an array as well as a scalar."""
    assert Tensor(np.zeros(2, dtype)).dtype == dtype
    assert Tensor(np.zeros((), dtype)[()]).dtype == np.zeros((), dtype)[()].dtype


def test_dtype_is_what_was_asked_for_without_a_detour():
    """`dtype` converts the numbers given, and not what float32 made of them."""
    assert Tensor([0.1], dtype=np.float64).item() == 0.1
    assert Tensor([2**24 + 1], dtype=np.int64).item() == 2**24 + 1
    assert Tensor(np.arange(3), dtype=np.float16).dtype == np.float16
    assert Tensor(Tensor([1.0]), dtype="float64").dtype == np.float64


@pytest.mark.parametrize("source", [np.array([1.0, 2.0]), Tensor(np.array([1.0, 2.0]))])
def test_the_constructor_copies(source):
    """A later change of the source does not reach the tensor."""
    x = Tensor(source)
    getattr(source, "data" if isinstance(source, Tensor) else "real")[0] = 9
    assert x.tolist() == [1.0, 2.0]


def test_from_numpy_and_detach_share():
    """`from_numpy` and `detach` are the two ways to share memory, in both directions."""
    array = np.array([1.0, 2.0])
    x = from_numpy(array)
    y = x.detach()
    array[0] = 5
    assert x.tolist() == y.tolist() == [5.0, 2.0]
    y.data[1] = 6
    assert array[1] == 6


def test_a_tensor_of_tensors_is_stacked_where_no_gradient_is_lost():
    """A sequence of tensors makes a tensor, unless that would drop a gradient in silence."""
    assert Tensor([Tensor(1.0), Tensor(2.0)]).tolist() == [1.0, 2.0]
    with pytest.raises(TypeError, match="detach"):
        Tensor([leaf(2), leaf(2)])
    with pytest.raises(TypeError, match="detach"):
        Tensor([leaf(), 1.0])


def test_a_tensor_of_a_tensor_is_a_new_leaf():
    """The copy of a computed tensor has no part in the graph."""
    x = Tensor(leaf(2) * 2)
    assert not x.requires_grad
    assert x.is_leaf


@pytest.mark.parametrize(
    "data",
    [
        "abc",
        [b"abc"],
        ["a", "b"],
        None,
        [1.0, None],
        object(),
        {"a": 1},
        {1, 2},
        (n for n in [1]),
        1j,
        [1 + 2j],
        np.array([1j]),
        np.complex64(1),
        np.array(["a"]),
        np.array([None]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.zeros(2, [("a", float)]),
    ],
)
@pytest.mark.parametrize("dtype", [None, np.float32])
def test_what_is_no_real_number_is_refused(data, dtype):
    """Strings, objects, complex numbers, dates and records are no data, whatever the dtype."""
    with pytest.raises(TypeError):
        Tensor(data, dtype=dtype)


@pytest.mark.parametrize("data", [[[1], [2, 3]], [[1.0], 2.0], [np.zeros(2), np.zeros(3)]])
def test_ragged_data_are_refused(data):
    """Rows of different lengths are a ValueError that says what is wrong."""
    with pytest.raises(ValueError, match="ragged"):
        Tensor(data)


@pytest.mark.parametrize("dtype", [complex, str, object, "M8[D]"])
def test_a_dtype_that_no_tensor_has_is_refused(dtype):
    """Asking for complex numbers, strings, objects or dates is an error, not a surprise."""
    with pytest.raises((TypeError, ValueError)):
        Tensor([1, 2], dtype=dtype)


def test_a_number_beyond_int64_is_a_number():
    """A large Python integer becomes the float32 that it is near to."""
    assert Tensor(2**70).item() == 2.0**70


@pytest.mark.parametrize("data", [np.array([1, 2]), True, np.array([1], np.uint8)])
def test_only_floating_tensors_require_gradients(data):
    """Integers and booleans cannot require gradients: a TypeError that says so, everywhere."""
    message = "only floating tensors can require gradients.*(int|bool)"
    with pytest.raises(TypeError, match=message):
        Tensor(data, requires_grad=True)
    x = Tensor(data)
    with pytest.raises(TypeError, match=message):
        x.requires_grad = True
    with pytest.raises(TypeError, match=message):
        x.requires_grad_()
    with pytest.raises(TypeError, match=message):
        x._grad_fn = (leaf(1) * 2)._grad_fn
    assert not x.requires_grad


# What can be read.


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3), (0, 3), (2, 1, 3)])
def test_shape_ndim_size_dtype_and_numpy_are_the_arrays(shape):
    """The tensor describes itself as its array does; `numpy()` is `data`, the very array."""
    array = np.zeros(shape, np.float64)
    x = Tensor(array)
    assert (x.shape, x.ndim, x.size, x.dtype) == (shape, array.ndim, array.size, array.dtype)
    assert x.numpy() is x.data


def test_data_is_an_array_also_where_numpy_gives_a_scalar():
    """`.data` of a 0-d tensor is a numpy.ndarray of shape (), whatever made it."""
    x, row = Tensor(2.0), Tensor([1.0, 2.0])
    results = [
        x, x * x, x + 1, 1 / x, np.float64(3) - x, -x, x**2, x > 1, x == x, x.exp(), x.clone(),
        x.T, x.astype(np.float64), copy.deepcopy(x), pickle.loads(pickle.dumps(x)),
        Tensor(np.float64(2.0)), Tensor([1.0]).squeeze(),
        row.sum(), row.mean(), row.max(), row @ row,
    ]  # fmt: skip
    assert {type(y.data) for y in results} == {np.ndarray}
    assert {y.shape for y in results} == {()}


class Subclass(np.ndarray):
    """An array that is not quite one."""


def test_array_subclasses_are_unwrapped():
    """Masked arrays and the like would compute in their own ways: plain arrays only."""
    for data in (np.ma.masked_array([1.0, 2.0], [True, False]), np.ones(2).view(Subclass)):
        assert type(Tensor(data).data) is np.ndarray
        assert type(from_numpy(data).data) is np.ndarray
        assert type((Tensor([1.0, 2.0]) * data).data) is np.ndarray


@pytest.mark.parametrize(
    ("data", "kind"), [(2.5, float), ([[3.0]], float), (np.array([7]), int), ([True], bool)]
)
def test_item_is_a_python_number(data, kind):
    """`item()` of one element, in any number of dimensions, is Python's own number."""
    item = Tensor(data).item()
    assert type(item) is kind
    assert item == np.array(data).item()


@pytest.mark.parametrize("data", [[], [1.0, 2.0], [[], []]])
def test_item_of_more_or_none_is_refused(data):
    """`item()` of several elements or none is a ValueError with the shape."""
    with pytest.raises(ValueError, match=r"shape \("):
        Tensor(data).item()


def test_tolist():
    """`tolist()` is nested lists of Python numbers, and a number for a 0-d tensor."""
    assert leaf(2, 3).tolist() == leaf(2, 3).data.tolist()
    assert Tensor(2.5).tolist() == 2.5
    assert type(Tensor([1.0]).tolist()[0]) is float


def test_len_and_iteration_of_a_0d_tensor_are_refused():
    """A 0-d tensor has no length and no elements to go over: a TypeError, at once."""
    assert len(Tensor([[1.0, 2.0]])) == 1
    assert len(Tensor([])) == 0
    assert list(Tensor([])) == []
    with pytest.raises(TypeError, match="0-d"):
        len(Tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        iter(Tensor(1.0))


def test_bool_of_one_element():
    """One element is true or false; several, or none, are a ValueError with the shape."""
    assert Tensor([[2.0]])
    assert not Tensor(0.0)
    assert leaf(1)
    for shape in ((2,), (0,)):
        with pytest.raises(ValueError, match=rf"shape \({shape[0]},\)"):
            bool(Tensor(np.ones(shape)))


def test_float_int_and_index_refuse_to_drop_a_gradient():
    """Conversions to Python numbers and arrays ask for item() or detach() under gradients."""
    x = Tensor([2.5], requires_grad=True)
    for convert in (float, int, math.floor, complex):
        with pytest.raises(TypeError, match=r"item\(\)"):
            convert(x)
    for convert in (np.asarray, np.array, np.float64):
        with pytest.raises(TypeError, match=r"detach\(\)"):
            convert(x)
    y = x.detach()
    assert float(y) == 2.5
    assert int(y) == 2
    assert range(4)[Tensor(np.array(2))] == 2
    with pytest.raises(TypeError):
        range(4)[y]


def test_float_of_several_elements_is_refused():
    """There is no one number in several elements."""
    with pytest.raises((TypeError, ValueError), match=r"\(2,\)"):
        float(Tensor([1.0, 2.0]))


def test_array_protocol():
    """`np.asarray` shares, `np.array` copies, dtype converts, copy=False refuses to convert."""
    x = Tensor([1.0, 2.0])
    assert np.shares_memory(np.asarray(x), x.data)
    assert not np.shares_memory(np.array(x), x.data)
    assert np.asarray(x, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy"):
        x.__array__(np.float64, copy=False)


def test_format():
    """A format specification is for the one number; without one the tensor prints as it is."""
    x = Tensor(2.5, requires_grad=True)
    assert f"{x:.2f}" == "2.50"
    assert f"{x}" == str(x) == repr(x)
    with pytest.raises((TypeError, ValueError)):
        f"{Tensor([1.0, 2.0]):.2f}"


def test_repr():
    """`repr` is data, shape, and requires_grad only where true."""
    assert repr(Tensor([1.0, 2.0])) == "Tensor(data=[1. 2.], shape=(2,))"
    assert (
        repr(Tensor([1.0, 2.0], requires_grad=True))
        == "Tensor(data=[1. 2.], shape=(2,), requires_grad=True)"
    )
    assert repr(Tensor(2.5)) == "Tensor(data=2.5, shape=())"
    assert repr(Tensor([True])) == "Tensor(data=[ True], shape=(1,))"
    assert repr(Tensor(np.array([], np.int64))) == "Tensor(data=[], shape=(0,))"
    assert repr(Tensor([[1.0], [2.0]])) == ("Tensor(data=[[1.]\n             [2.]], shape=(2, 1))")


@pytest.mark.parametrize(
    "shape", [(10**6,), (1000, 1000), (2, 10**5), (10**5, 2), (50, 50, 50), (20,) * 4, (2,) * 14]
)
def test_repr_of_a_large_tensor_is_short(shape):
    """However large the array and however many its dimensions, its repr fits on a screen."""
    text = repr(Tensor(np.zeros(shape, np.float32), requires_grad=True))
    assert len(text) < 4000
    assert text.endswith(f"shape={shape}, requires_grad=True)")


def test_allclose():
    """`allclose` compares with tensors, arrays, lists and numbers, as a method and a function."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    for other in (x, x.data, [1.0, 2.0], Tensor([1.0, 2.0 + 1e-7])):
        assert x.allclose(other) is True
        assert allclose(x, other) is True
        assert allclose(other, x) is True
    assert x.allclose([1.0, 2.1]) is False
    assert x.allclose([1.0, 2.1], atol=0.2)
    assert x.allclose([1.0, 2.1], rtol=0.2)
    assert not allclose(Tensor([np.nan]), [np.nan])


def test_numpys_own_names_are_not_looked_up_as_operations():
    """A name with leading underscores is an AttributeError at once: copy and NumPy ask for many."""
    x = Tensor([1.0])
    for name in ("_repr_latex_", "__array_interface__", "__torch_function__", "_private"):
        with pytest.raises(AttributeError, match=name):
            getattr(x, name)


# The place in the graph.


def test_is_leaf_and_grad_fn():
    """A leaf has no recorded operation; a computed tensor has one, a Function."""
    x = leaf(2)
    y = x * 2
    assert x.is_leaf
    assert x._grad_fn is x.grad_fn is None
    assert not y.is_leaf
    assert isinstance(y._grad_fn, Function)
    assert y.grad_fn is y._grad_fn
    assert (Tensor([1.0]) * 2).is_leaf
    assert x.detach().is_leaf


def test_requires_grad_can_be_switched_on_and_off_at_a_leaf():
    """`requires_grad_()` returns the tensor; off, it is not recorded, and keeps what it has."""
    x = Tensor([1.0])
    assert x.requires_grad_() is x
    (x * 2).backward()
    x.requires_grad = False
    assert not (x * 3).requires_grad
    assert x.grad.tolist() == [2.0]
    x.requires_grad_(True)
    (x * 3).backward()
    assert x.grad.tolist() == [5.0]
    assert x.requires_grad_(False).requires_grad is False


def test_requires_grad_of_a_computed_tensor_stays():
    """A computed tensor cannot be cut off in place: the message says detach()."""
    y = leaf(2) * 2
    with pytest.raises(GradientError, match="detach"):
        y.requires_grad = False
    y.requires_grad = True
    assert not y.is_leaf


def test_detach():
    """`detach()` shares the data and takes no part in the graph; the original still does."""
    x = Tensor([3.0], requires_grad=True)
    y = x * 2
    d = y.detach()
    assert d.data is y.data or np.shares_memory(d.data, y.data)
    assert not d.requires_grad
    assert d.is_leaf
    (d * y).backward()
    assert x.grad.tolist() == [12.0]


def test_clone():
    """`clone()` has an array of its own, and the gradient flows through it."""
    x = leaf(3)
    y = x.clone()
    assert not np.shares_memory(x.data, y.data)
    g = np.array([1.0, -2.0, 3.0])
    y.backward(g)
    np.testing.assert_array_equal(x.grad, g)


def test_astype():
    """`astype` converts, the gradient comes back in the tensor's dtype; integers get none."""
    x = Tensor([1.5, 2.5], requires_grad=True)
    y = x.astype(np.float64)
    assert y.dtype == np.float64
    y.backward(np.array([0.1, 0.2]))
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, np.array([0.1, 0.2], np.float32))
    assert x.astype(np.int64).tolist() == [1, 2]
    assert not x.astype(np.int64).requires_grad


def test_retain_grad():
    """A computed tensor keeps its gradient after `retain_grad()`, and only then."""
    x = leaf(2)
    y, z = x * 2, x * 3
    y.retain_grad()
    y.retain_grad()
    g = np.array([0.5, -1.0])
    (y * z).backward(g)
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert z.grad is None
    np.testing.assert_allclose(y.grad, g * z.data)
    assert type(y.grad) is np.ndarray
    assert not np.shares_memory(y.grad, x.grad)


def test_reading_a_gradient_that_no_backward_will_leave_is_a_warning():
    """Of a computed tensor that keeps none; not where there is one, or where one may come."""
    x = leaf(2)
    y = x * 2
    with pytest.warns(UserWarning, match="leaves only") as caught:
        assert y.grad is None
    assert [warning.filename for warning in caught] == [__file__]
    y.grad = np.ones(2)
    assert y.grad.tolist() == [1.0, 1.0]
    z = x * 2
    z.retain_grad()
    with no_grad():
        constant = x * 2
    for without in (x, z, z.detach(), constant):
        assert without.grad is None


def test_only_the_program_reads_gradients():
    """Copies, pictures and changes of a computed tensor give no warning of its gradient."""
    y = leaf(2) * 2
    repr(y), str(y), y.shape
    copy.deepcopy(y), pickle.dumps(y), y.detach(), y.clone()
    y.zero_grad()
    y.grad = np.ones(2)
    y.zero_grad()
    y.data = y.data * 2
    y.sum().backward()


def test_retain_grad_sums_over_all_uses_and_backwards():
    """What `retain_grad()` keeps is the complete gradient, added up over backwards until zeroed."""
    x = leaf()
    y = x * 2
    y.retain_grad()
    z = y * y
    z.backward(retain_graph=True)
    z.backward()
    assert y.grad.shape == ()
    np.testing.assert_allclose(y.grad, 2 * 2 * y.data)
    y.zero_grad()
    assert y.grad is None


def test_retain_grad_of_the_output_itself():
    """The tensor that backward starts from retains the seed, as an array of its own."""
    y = leaf(2) * 2
    y.retain_grad()
    g = np.array([1.5, -2.5])
    y.backward(g)
    np.testing.assert_array_equal(y.grad, g)
    assert not np.shares_memory(y.grad, g)


def test_retain_grad_of_a_leaf_and_of_a_plain_tensor():
    """At a leaf it changes nothing; without gradients it is an error."""
    x = leaf(2)
    x.retain_grad()
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    with pytest.raises(GradientError, match="retain_grad"):
        Tensor([1.0]).retain_grad()


def test_a_retained_gradient_has_the_dtype_of_its_tensor():
    """Also where a node made in float64 was handed to a tensor of float32."""
    y = leaf(2) * 2
    z = Tensor(y.data, dtype=np.float32)
    z._grad_fn = y._grad_fn
    z.retain_grad()
    z.backward(np.array([0.1, 0.2]))
    assert z.grad.dtype == np.float32


# What may be assigned.


def test_data_may_be_rebound():
    """An optimiser's step: another array of the shape, with the gradient and the leaf kept."""
    w = Tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    w.data = w.data - 0.5 * w.grad
    assert w.tolist() == [0.0, 0.0]
    assert w.requires_grad
    assert w.is_leaf
    assert w.grad.tolist() == [2.0, 4.0]
    w.data -= 1
    w.data += Tensor([1.0, 2.0]).data
    w.data = Tensor([5.0, 6.0])
    assert type(w.data) is np.ndarray
    assert w.tolist() == [5.0, 6.0]


def test_data_of_a_0d_tensor_is_an_array_after_rebinding():
    """Where NumPy's arithmetic gives a scalar, `.data` still holds an array."""
    w = Tensor(1.0, requires_grad=True)
    w.data = w.data * 2
    assert type(w.data) is np.ndarray
    w.data -= 0.5
    assert type(w.data) is np.ndarray
    assert w.item() == 1.5


@pytest.mark.parametrize("make", [lambda: leaf(2), lambda: leaf(2) * 2], ids=["leaf", "computed"])
def test_data_that_do_not_fit_are_refused(make):
    """Another shape, integers, or no numbers at all cannot stand under a gradient."""
    x = make()
    before = x.data
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        x.data = np.zeros(3)
    with pytest.raises(ValueError, match="shape"):
        x.data = np.zeros(())
    with pytest.raises(TypeError, match="int"):
        x.data = np.array([1, 2])
    with pytest.raises(TypeError):
        x.data = np.array([1j, 2])
    with pytest.raises(TypeError):
        x.data = "ab"
    assert x.data is before


def test_data_of_a_plain_tensor_may_change_shape_and_dtype():
    """Without a gradient nothing depends on shape and dtype."""
    x = Tensor([1.0, 2.0])
    x.data = np.array([1, 2, 3])
    assert x.shape == (3,)
    assert x.dtype.kind == "i"


def test_rebinding_data_to_another_dtype_takes_the_gradient_along():
    """`.grad` has the dtype of its tensor, before and after, and in the next backward."""
    w = Tensor([1.0, 2.0], requires_grad=True)
    w.sum().backward()
    w.data = w.data.astype(np.float64)
    assert w.grad.dtype == np.float64
    w.zero_grad()
    (w * np.array([0.1, 0.2])).sum().backward()
    assert w.grad.dtype == np.float64
    assert w.grad.tolist() == [0.1, 0.2]


def test_a_gradient_never_outlives_the_shape_it_was_for():
    """With gradients off and another shape in, the old gradient does not stay."""
    w = Tensor([1.0, 2.0], requires_grad=True)
    w.sum().backward()
    w.requires_grad = False
    w.data = np.zeros(3, np.float32)
    w.requires_grad = True
    w.sum().backward()
    assert w.grad.tolist() == [1.0, 1.0, 1.0]


def test_rebinding_data_between_forward_and_backward_does_not_reach_the_graph():
    """The rule uses the array that the forward saw."""
    x = Tensor([3.0], requires_grad=True)
    y = x * x
    x.data = np.array([100.0], np.float32)
    y.backward()
    assert x.grad.tolist() == [6.0]


@pytest.mark.parametrize(
    "value", [np.array([1.0, 2.0]), [1.0, 2.0], Tensor([1.0, 2.0]), np.array([1, 2])]
)
def test_grad_may_be_assigned(value):
    """A gradient assigned by hand is an array of the tensor's dtype; the next one adds to it."""
    x = leaf(2)
    x.grad = value
    assert type(x.grad) is np.ndarray
    assert x.grad.dtype == x.dtype
    x.sum().backward()
    assert x.grad.tolist() == [2.0, 3.0]
    x.grad *= 0.5
    assert x.grad.tolist() == [1.0, 1.5]


def test_an_assigned_gradient_is_an_array_of_its_own():
    """Two gradients share no memory, a gradient none with data: also where one is assigned."""
    x, y = leaf(2), leaf(2)
    x.sum().backward()
    y.grad = x.grad
    assert not np.shares_memory(x.grad, y.grad)
    y.grad = x.data
    assert not np.shares_memory(x.data, y.grad)


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros((1, 2)), 1.0])
def test_a_gradient_of_another_shape_cannot_be_assigned(value):
    """The error names both shapes, and the gradient stays."""
    x = leaf(2)
    with pytest.raises(ValueError, match=r"\(2,\)"):
        x.grad = value
    assert x.grad is None


def test_a_gradient_that_is_no_number_cannot_be_assigned():
    """Strings and complex numbers are no gradients."""
    for value in ("ab", np.array([1j, 2])):
        with pytest.raises(TypeError):
            leaf(2).grad = value


def test_zero_grad_sets_none():
    """`zero_grad()` forgets the gradient, also where there is none."""
    x = leaf(2)
    x.zero_grad()
    x.sum().backward()
    x.zero_grad()
    assert x.grad is None
    x.grad = np.zeros(2)
    x.grad = None
    assert x.grad is None


def test_setitem_is_refused():
    """A tensor does not change in place: the message shows the way."""
    for x in (leaf(2), Tensor([1.0])):
        with pytest.raises(TypeError, match=r"x\.data\[\.\.\.\]"):
            x[0] = 1.0
        with pytest.raises(TypeError, match="deleted"):
            del x[0]


# Copies.


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],
    ids=["deepcopy", "pickle"],
)
@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_deepcopy_and_pickle_make_a_new_leaf(duplicate, requires_grad, shape):
    """Same values, dtype and requires_grad; an array, a gradient and a graph of its own."""
    x = Tensor(np.random.default_rng(0).normal(size=shape), requires_grad=requires_grad)
    twin = duplicate(x)
    np.testing.assert_array_equal(twin.data, x.data)
    assert twin.dtype == x.dtype
    assert twin.requires_grad is requires_grad
    assert not np.shares_memory(twin.data, x.data)
    if requires_grad:
        twin.sum().backward()
        assert x.grad is None
        assert twin.grad.shape == shape


def test_deepcopy_of_a_computed_tensor_is_a_leaf():
    """The graph is not copied: the copy of a computed tensor is a leaf that requires gradients."""
    x = leaf(2)
    twin = copy.deepcopy(x * 2)
    assert twin.is_leaf
    assert twin.requires_grad
    twin.sum().backward()
    assert x.grad is None


def test_deepcopy_keeps_what_was_one_object():
    """A tensor that a model holds twice (tied weights) is one tensor in the copy, too."""
    w = leaf(2)
    a, b = copy.deepcopy([w, w])
    assert a is b


def test_copies_of_a_subclass_keep_class_and_attributes():
    """A Parameter stays a Parameter under deepcopy and pickle."""
    p = Parameter([1.0], requires_grad=True)
    p.name = "weight"
    for twin in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert type(twin) is Parameter
        assert twin.name == "weight"
        assert twin.requires_grad


class Parameter(Tensor):
    """A user's subclass."""


def test_operations_on_a_subclass_are_recorded():
    """A subclass takes part in the graph like a Tensor, and operations give Tensors."""
    p = Parameter([2.0], requires_grad=True)
    y = p * p
    assert type(y) is Tensor
    y.backward()
    assert p.grad.tolist() == [4.0]


def test_copy_of_a_tensor_with_gradients_is_refused():
    """`copy.copy` would make two owners of one array; without gradients it shares."""
    for x in (leaf(2), leaf(2) * 2):
        with pytest.raises(TypeError, match=r"deepcopy.*clone.*detach"):
            copy.copy(x)
    plain = Tensor([1.0])
    assert np.shares_memory(copy.copy(plain).data, plain.data)


def test_a_tensor_can_be_weakly_referenced_and_dies_at_once():
    """A tensor holds no reference to itself."""
    gc.disable()
    try:
        x = leaf(2)
        (x * 2).sum().backward()
        dead = weakref.ref(x)
        del x
        assert dead() is None
    finally:
        gc.enable()


def test_no_grad_does_not_allow_conversions():
    """A tensor that requires gradients refuses np.asarray in any grad mode."""
    with no_grad(), pytest.raises(TypeError, match="detach"):
        np.asarray(leaf(2))


def test_integers_become_the_floats_that_are_asked_for():
    """astype gives the dtype that it is told, of integers too; without a word they give float32."""
    x = Tensor(np.array([3, 4]))
    assert x.astype(np.float64).dtype == np.float64
    assert x.astype(np.float16).dtype == np.float16
    assert (x / 2).dtype == np.float32
