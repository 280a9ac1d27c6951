"""Bad calls of everything that is public in core: what each raises, and what it says.

Operations are not among them: each brings its bad calls along, and the kit runs those.
"""

from __future__ import annotations

import copy
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, GradientError, Operation, SparseGradient, Tensor, func, samples
from tinytorch import testing as kit
from tinytorch.operation import STAND_INS, registry

ARRAY = np.array([1.0, 2.0])


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


def square_sum(x: Tensor) -> Tensor:
    return (x * x).sum()


async def asynchronous():
    yield 1


class SquareBackward(Function):
    """x^2. Gradient: 2 g x."""

    def forward(self, x):
        self.save(x)
        return x * x

    def apply(self, grad_output):
        return 2 * grad_output * self.saved[0]


def squared(x):
    """Square."""
    return SquareBackward.call(x)


def no_docstring(x):
    return x * 1.0


class OddBackward(Function):
    """What forward and the rule return is up to the row."""

    def forward(self, x, *, result=None, gradient=None):
        self.gradient = gradient
        return x * 1.0 if result is None else result

    def apply(self, grad_output):
        return self.gradient


def forward(result):
    """Call an operation whose forward returns this."""
    return OddBackward.call(leaf(1.0, 2.0), result=result)


def rule(gradient):
    """Run a backward through a rule that returns this."""
    OddBackward.call(leaf(1.0, 2.0), gradient=gradient).backward(ARRAY)


SAMPLES = [samples.sample(ARRAY)]
SQUARED = Operation(squared, SquareBackward, samples=SAMPLES)
PASSING = kit.Check("c", "0.1", "s", "d", lambda: 1, expected_failure="why")

PUBLIC = {name: getattr(tinytorch, name) for name in tinytorch.__all__}
NAMES = {**PUBLIC, **globals(), "copy": copy, "integers": Tensor(np.array([1, 2]))}
"""What the calls may use."""

FLOATING = ("only floating tensors can require gradients", "int64", "x.astype(np.float32)")
RAGGED = ("equal length", "inhomogeneous")

BAD_CALLS: dict[str, list[tuple[Any, ...]]] = {
    # Making tensors.
    "Tensor.__init__": [
        ("Tensor('text')", TypeError, "made of a str", "real numbers", "<U4", "convert"),
        ("Tensor(None)", TypeError, "numbers or booleans", "are a NoneType;", "pass numbers"),
        ("Tensor({'x': 1})", TypeError, "the data are a dict;", "pass numbers"),
        ("Tensor([None])", TypeError, "a list of other objects"),
        ("Tensor([1j])", TypeError, "made of a list", "complex128", "convert"),
        ("Tensor([[1], [2, 3]])", ValueError, *RAGGED),
        ("Tensor(10**400)", ValueError, "up to 1.8e+308", "larger"),
        ("Tensor([1.0], dtype='half a byte')", TypeError, "'half a byte'"),
        ("Tensor([1.0], dtype=complex)", TypeError, "complex128"),
        ("Tensor(np.array([1]), requires_grad=True)", TypeError, *FLOATING),
    ],
    "tinytorch.from_numpy": [
        ("from_numpy([1.0])", TypeError, "takes a NumPy array", "list", "use Tensor"),
        ("from_numpy(np.array(['a']))", TypeError, "<U1"),
    ],
    "tinytorch.arange": [
        ("arange('3')", TypeError, "arange: numbers", "'3', of type str"),
        ("arange(None)", TypeError, "arange: numbers", "None"),
        ("arange(0, 5, 0)", ValueError, "arange: ", "0 to 5", "steps of 0"),
        ("arange(float('nan'))", ValueError, "arange: ", "0 to nan"),
        ("arange(1e30)", ValueError, "arange: ", "1e+30"),
        ("arange(3, dtype='x')", TypeError, "arange: the dtype", "'x'"),
        ("arange(3, requires_grad=True)", TypeError, *FLOATING),
    ],
    "tinytorch.full": [
        ("full(-1, 2)", ValueError, "full: ", "negative", "(-1,)"),
        ("full('ab', 2)", TypeError, "full: ", "integers", "ab"),
        ("full(None, 2)", TypeError, "full: ", "integers", "None"),
        ("full(2, 'text')", TypeError, "made of a str", "<U4"),
        ("full(2, [1, 2, 3])", ValueError, "full: ", "(3,)", "(2,)"),
        ("full(2, 1, dtype=complex)", TypeError, "full: the dtype", "complex"),
    ],
    **{
        f"tinytorch.{name}": [
            (f"{name}(-1)", ValueError, f"{name}: ", "negative", "(-1,)"),
            (f"{name}(2.5)", TypeError, f"{name}: ", "integers", "2.5"),
            (f"{name}((1,), (2,))", TypeError, f"{name}: ", "one tuple", "((1,), (2,))"),
            (f"{name}(2, dtype='x')", TypeError, f"{name}: the dtype", "'x'"),
            (f"{name}(2, dtype=complex)", TypeError, f"{name}: the dtype", "complex"),
            (f"{name}(2, dtype=int, requires_grad=True)", TypeError, "floating", "int"),
        ]
        for name in ("zeros", "ones", "rand", "randn")
    },
    **{
        f"tinytorch.{name}": [
            (f"{name}('text')", TypeError, "made of a str", "<U4"),
            (f"{name}(None)", TypeError, "NoneType"),
            (f"{name}(ARRAY, dtype='x')", TypeError, f"{name}: the dtype", "'x'"),
            (f"{name}(ARRAY, True, int)", TypeError, *FLOATING),
        ]
        for name in ("zeros_like", "ones_like")
    },
    # Random numbers.
    "tinytorch.manual_seed": [
        ("manual_seed(-1)", ValueError, "manual_seed: ", "negative", "-1"),
        ("manual_seed(1.5)", TypeError, "manual_seed: ", "integer", "1.5"),
        ("manual_seed(None)", TypeError, "manual_seed: ", "integer", "None"),
        ("manual_seed('one')", TypeError, "manual_seed: ", "integer", "'one'"),
    ],
    "tinytorch.set_rng_state": [
        ("set_rng_state(b'pickled')", TypeError, "set_rng_state: ", "dict", "bytes"),
        ("set_rng_state({})", ValueError, "set_rng_state: ", "get_rng_state returned"),
        ("set_rng_state({'bit_generator': 'PCG64'})", ValueError, "KeyError('state')"),
        (
            "set_rng_state({**get_rng_state(), 'state': {'state': 'a', 'inc': 1}})",
            ValueError,
            "get_rng_state returned",
            "unsupported operand",
        ),
    ],
    # Checks of arguments, and comparison.
    "tinytorch.all_axes": [
        ("all_axes('sum', 5, 2)", IndexError, "sum: ", "-2 to 1", "5"),
        ("all_axes('sum', 'x', 2)", TypeError, "sum: ", "integer", "'x'"),
        ("all_axes('sum', (0, 0), 2)", ValueError, "sum: ", "once", "(0, 0)"),
    ],
    "tinytorch.one_axis": [
        ("one_axis('sum', 2, 2)", IndexError, "sum: ", "-2 to 1", "2"),
        ("one_axis('sum', 0, 0)", IndexError, "sum: ", "0-d"),
        ("one_axis('sum', 1.5, 2)", TypeError, "sum: ", "integer", "1.5"),
    ],
    "tinytorch.either": [
        ("either('sum', 1, 2)", TypeError, "sum: axis=1 and dim=2", "pass one"),
    ],
    "tinytorch.one_of": [
        ("one_of('pad', 'mode', 'x', 'ab')", ValueError, "pad: mode", "'a', 'b'", "'x'"),
    ],
    "tinytorch.as_indices": [
        ("as_indices('take', [0.5])", TypeError, "take: indices", "integers", "not whole"),
        ("as_indices('take', 'x')", TypeError, "take: indices", "integers", "<U1"),
        ("as_indices('take', [True])", TypeError, "take: indices", "integers", "bool"),
        ("as_indices('take', [[1], [2, 3]])", ValueError, "take: indices", *RAGGED),
    ],
    "tinytorch.check_range": [
        ("check_range('take', np.array([0, 5]), 3)", IndexError, "take: ", "0 to 2", "5"),
        ("check_range('take', [5], 3)", TypeError, "take: ", "integer array", "[5], of type list"),
    ],
    "tinytorch.sum_to_shape": [
        ("sum_to_shape(np.ones((2, 3)), (2,))", ValueError, "sum_to_shape: ", "(2, 3)", "(2,)"),
    ],
    "tinytorch.add_at": [
        ("add_at(np.zeros(2), 5, 1)", IndexError, "index 5", "size 2"),
    ],
    "tinytorch.allclose": [
        ("allclose(ARRAY, [1, 2, 3])", ValueError, "allclose: ", "(2,) and (3,)", "could not be"),
        ("allclose('a', 1)", TypeError, "allclose: ", "real numbers", "<U1"),
        ("allclose(1, None)", TypeError, "allclose: ", "NoneType"),
        ("allclose([[1], [1, 2]], 1)", ValueError, "allclose: ", *RAGGED),
        ("allclose(1, 1, rtol='x')", TypeError, "allclose: ", "rtol='x'", "ufunc"),
    ],
    "Tensor.allclose": [
        ("leaf(1.0, 2.0).allclose([1, 2, 3])", ValueError, "(2,) and (3,)", "could not be"),
    ],
    # The graph.
    "Tensor.backward": [
        ("leaf(1.0, 2.0).backward()", GradientError, "backward()", "(2,)", "sum it"),
        ("Tensor([1.0]).backward()", GradientError, "backward()", "requires_grad=True", "no_grad"),
        ("integers.sum().backward()", GradientError, "backward()", "int64", "only floating"),
        ("leaf(1.0).backward([1.0, 2.0])", GradientError, "backward()", "(1,)", "(2,)", "pass one"),
        ("leaf(1.0).backward('one')", TypeError, "backward()", "(1,)", "made of a str", "<U3"),
        ("leaf(1.0).backward([1j])", TypeError, "made of a list", "complex128"),
        ("leaf(1.0).backward({})", TypeError, "dict"),
    ],
    "Tensor.data": [
        ("leaf(1.0).data = [1.0, 2.0]", ValueError, "(2,)", "(1,)", "new Tensor"),
        ("leaf(1.0).data = np.array([1])", TypeError, *FLOATING),
        ("leaf(1.0).data = 'x'", TypeError, "x.data", "(1,)", "made of a str"),
    ],
    "Tensor.grad": [
        ("leaf(1.0).grad = [1.0, 2.0]", ValueError, "gradient", "(1,)", "(2,)"),
        ("leaf(1.0).grad = 'x'", TypeError, "x.grad", "(1,)", "made of a str"),
        ("leaf(1.0).grad = np.array([1j])", TypeError, "complex128"),
    ],
    "Tensor.requires_grad": [
        ("integers.requires_grad = True", TypeError, *FLOATING),
        ("(leaf(1.0) * 2).requires_grad = False", GradientError, "computed", "x.detach()"),
    ],
    "Tensor.requires_grad_": [("integers.requires_grad_()", TypeError, *FLOATING)],
    "Tensor.retain_grad": [
        ("Tensor([1.0]).retain_grad()", GradientError, "retain_grad()", "requires", "does not"),
    ],
    "Tensor.register_hook": [
        ("Tensor([1.0]).register_hook(print)", GradientError, "register_hook()", "does not"),
        ("leaf(1.0).register_hook(5)", TypeError, "hook", "callable", "5"),
    ],
    "Tensor.register_post_accumulate_grad_hook": [
        (
            "(leaf(1.0) * 2).register_post_accumulate_grad_hook(print)",
            GradientError,
            "for a leaf",
            "was computed",
            "register_hook()",
        ),
    ],
    "Tensor.register_grad_ready_hook": [
        (
            "Tensor([1.0]).register_grad_ready_hook(print)",
            GradientError,
            "for a leaf",
            "does not require",
        ),
        ("leaf(1.0).register_grad_ready_hook(5)", TypeError, "hook", "callable", "5"),
    ],
    "Tensor.grad_fn": [
        ("leaf(1.0)._grad_fn = 5", TypeError, "_grad_fn should be a Function", "int"),
        ("integers._grad_fn = SquareBackward(leaf(1.0))", TypeError, *FLOATING),
    ],
    "Tensor.__copy__": [("copy.copy(leaf(1.0))", TypeError, "copy.copy()", "x.clone()")],
    "tinytorch.Function": [
        ("SquareBackward(1.0, 2.0, 3.0)", TypeError, "SquareBackward takes x", "3 arguments"),
    ],
    "Function.call": [
        ("SquareBackward.call('text')", TypeError, "SquareBackward: ", "made of a str", "<U4"),
        ("SquareBackward.call({})", TypeError, "SquareBackward: ", "dict"),
        ("SquareBackward.call()", TypeError, "SquareBackward.forward()", "missing 1 required"),
        ("SquareBackward.call(1.0, 2.0)", TypeError, "SquareBackward.forward()", "takes 2 posi"),
    ],
    "Function.forward": [
        ("Function.call(leaf(1.0))", NotImplementedError, "Function has no forward"),
        ("forward('text')", TypeError, "OddBackward: forward should return an array", "<U4"),
        ("forward({})", TypeError, "OddBackward: forward should return an array"),
        ("forward(object())", TypeError, "OddBackward: forward should return an array"),
        ("forward(np.array([1j]))", TypeError, "OddBackward: forward should", "complex128"),
    ],
    "Function.apply": [
        ("Function(leaf(1.0)).apply(ARRAY)", NotImplementedError, "define apply(grad_output)"),
        ("rule((ARRAY, ARRAY))", GradientError, "OddBackward: ", "each of 1 inputs", "returned 2"),
        ("rule(())", GradientError, "OddBackward: ", "each of 1 inputs", "returned 0"),
        ("rule(np.ones(3))", GradientError, "OddBackward: ", "input 0", "(3,)", "(2,)"),
        ("rule(Tensor(np.ones(3)))", GradientError, "OddBackward: ", "input 0", "(3,)", "(2,)"),
        ("rule(np.array(['a', 'b']))", GradientError, "OddBackward: ", "input 0", "<U1"),
        ("rule('text')", GradientError, "OddBackward: ", "input 0", "<U4", "real numbers"),
        ("rule({})", GradientError, "OddBackward: ", "input 0", "object", "real numbers"),
        ("rule(ARRAY * 1j)", GradientError, "OddBackward: ", "input 0", "complex128"),
    ],
    **{
        f"tinytorch.{name}Backward": [
            (f"{name}Backward()", TypeError, f"{name}Backward.forward()", "missing"),
            (f"{name}Backward('x', 'y')", TypeError, f"{name}Backward: ", "made of a str"),
        ]
        for name in ("Add", "Div", "Matmul", "Mul", "Reshape", "Sub", "Sum", "Transpose")
    },
    "tinytorch.SparseGradient": [
        ("rule(SparseGradient((2,), 5, ARRAY))", ValueError, "SparseGradient: ", "x[5]", "(2,)"),
    ],
    "SparseGradient.__init__": [
        ("SparseGradient((2,), 0)", TypeError, "SparseGradient.__init__()", "missing 1 required"),
    ],
    "SparseGradient.add_into": [
        ("SparseGradient((2,), 0, np.ones(5)).add_into(np.zeros(2))", ValueError, "(5,)", "x[0]"),
        ("SparseGradient((2,), 0, 1.0).add_into(5)", ValueError, "x[0]", "no attribute"),
    ],
    "SparseGradient.to_dense": [
        ("SparseGradient((2,), 'a', 1.0).to_dense()", ValueError, "x['a']", "(2,)"),
    ],
    "SparseGradient.__array__": [
        ("np.asarray(SparseGradient((2,), 'a', 1.0))", ValueError, "x['a']", "(2,)"),
    ],
    "tinytorch.grad": [
        ("grad(5, leaf(1.0))", TypeError, "grad: outputs should be", "number 0", "5, of type int"),
        ("grad(leaf(1.0), [leaf(1.0), None])", TypeError, "grad: inputs", "number 1", "None"),
        ("grad(leaf(1.0), ARRAY)", TypeError, "grad: inputs", "number 0", "float64"),
        (
            "grad(Tensor([1.0]), leaf(1.0))",
            GradientError,
            "grad: ",
            "output 0",
            "requires_grad=True",
        ),
        ("grad(leaf(1.0), Tensor([1.0]))", GradientError, "grad: input 0", "allow_unused=True"),
        ("grad(leaf(1.0), leaf(2.0))", GradientError, "grad: ", "input 0", "allow_unused=True"),
        ("grad([leaf(1.0)], leaf(1.0), [1, 2])", ValueError, "1 outputs", "2 grad_outputs"),
        ("grad([leaf(1.0)], leaf(1.0), 5)", TypeError, "grad_outputs", "5, of type int"),
        ("grad(leaf(1.0, 2.0), leaf(1.0))", GradientError, "(2,)", "sum it"),
    ],
    "tinytorch.checkpoint": [
        ("checkpoint(5, leaf(1.0))", TypeError, "checkpoint: function should be", "5, of type int"),
    ],
    "tinytorch.checkpoint_sequential": [
        (
            "checkpoint_sequential([abs], 2, 1.0)",
            ValueError,
            "1 functions",
            "from 1 to 1",
            "2 were",
        ),
        ("checkpoint_sequential([abs, 5], 1, 1.0)", TypeError, "function 1 should be", "5"),
        ("checkpoint_sequential(5, 1, 1.0)", TypeError, "sequence of functions", "5"),
        ("checkpoint_sequential([abs], 1.5, 1.0)", TypeError, "segments", "integer", "1.5"),
    ],
    "tinytorch.saved_tensors_hooks": [
        ("saved_tensors_hooks(abs)", TypeError, "saved_tensors_hooks", "'unpack'", "missing 1 req"),
        ("saved_tensors_hooks(1, abs)", TypeError, "pack should be a function", "1"),
    ],
    "tinytorch.detect_anomaly": [
        ("detect_anomaly(True, False)", TypeError, "detect_anomaly", "from 1 to 2", "3 were given"),
        ("detect_anomaly()(5)", TypeError, "detect_anomaly", "a function", "5"),
    ],
    **{
        f"tinytorch.{name}": [
            (call, TypeError, "asynchronous generator", "use it in a with block"),
            (
                call.replace("asynchronous", "5"),
                TypeError,
                "decorates a function",
                "5",
                "with block",
            ),
        ]
        for name, call in {
            "no_grad": "no_grad(asynchronous)",
            "enable_grad": "enable_grad(asynchronous)",
            "set_grad_enabled": "set_grad_enabled(True)(asynchronous)",
        }.items()
    },
    # What can be read of a tensor.
    "Tensor.item": [("leaf(1.0, 2.0).item()", ValueError, "item()", "(2,)", "tolist()")],
    "Tensor.__float__": [
        ("float(leaf(1.0))", TypeError, "requires gradients", "a float", "x.item()"),
        ("float(Tensor([1.0, 2.0]))", ValueError, "item()", "(2,)", "tolist()"),
    ],
    "Tensor.__int__": [("int(leaf(1.0))", TypeError, "requires gradients", "an int", "x.item()")],
    "Tensor.__index__": [("range(leaf(1.0))", TypeError, "an index", "x.item()")],
    "Tensor.__bool__": [("bool(Tensor([1, 2]))", ValueError, "(2,)", "ambiguous", ".all()")],
    "Tensor.__len__": [("len(Tensor(1.0))", TypeError, "0-d", "x.item()")],
    "Tensor.__iter__": [("list(Tensor(1.0))", TypeError, "0-d", "x.item()")],
    "Tensor.__array__": [("np.asarray(leaf(1.0))", TypeError, "an array", "x.detach()")],
    "Tensor.__format__": [("f'{leaf(1.0, 2.0):.2f}'", ValueError, "item()", "(2,)")],
    "Tensor.__setitem__": [("leaf(1.0)[0] = 2.0", TypeError, "in place", "x.data[...]")],
    "Tensor.__delitem__": [("del leaf(1.0)[0]", TypeError, "cannot be deleted", "x[key]")],
    "Tensor.__invert__": [("~leaf(1.0)", TypeError, "~x", "float64", "(1,)", "~(x > 0)")],
    "Tensor.__getattr__": [
        ("leaf(1.0).no_such_thing", AttributeError, "no method or attribute 'no_such_thing'"),
    ],
    "Tensor.__array_ufunc__": [
        ("np.add(leaf(1.0), 1, out=np.ones(1))", TypeError, "np.add: out=", "use the result"),
        ("np.add.accumulate(leaf(1.0))", TypeError, "np.add.accumulate", "x.data"),
        ("np.exp(leaf(1.0), where=[True])", TypeError, "np.exp: ", "where=", "leave it out"),
        ("np.nextafter(leaf(1.0), 2)", TypeError, "np.nextafter", "lose", "x.data"),
    ],
    "Tensor.__array_function__": [
        ("np.median(leaf(1.0))", TypeError, "np.median", "lose", "x.data"),
        ("np.sum(leaf(1.0), initial=3)", TypeError, "np.sum: ", "initial=", "leave it out"),
    ],
    **{
        f"Tensor.__{name}__": [
            (
                f"leaf(1.0, 2.0) {symbol} [1, 2, 3]",
                ValueError,
                f"x {symbol} y",
                "(2,) and dtype float64",
                "[1, 2, 3], of type list",
                "could not be broadcast",
            ),
        ]
        for name, symbol in zip(
            ("eq", "ne", "lt", "le", "gt", "ge"), ("==", "!=", "<", "<=", ">", ">="), strict=True
        )
    },
    **{
        f"Tensor.__{name}__": [(call, TypeError, f"x {symbol} y", "float64", "ufunc")]
        for word, symbol in {"and": "&", "or": "|", "xor": "^"}.items()
        for name, call in {
            word: f"leaf(1.0) {symbol} True",
            f"r{word}": f"True {symbol} leaf(1.0)",
        }.items()
    },
    **{
        f"Tensor.__{name}__": [(call, TypeError, *words)]
        for word, symbol in {
            "add": "+",
            "sub": "-",
            "mul": "*",
            "truediv": "/",
            "pow": "**",
            "matmul": "@",
        }.items()
        for name, call, *words in [
            (word, f"leaf(1.0) {symbol} {{}}", "'Tensor' and 'dict'", "unsupported operand"),
            (f"r{word}", f"None {symbol} leaf(1.0)", "'NoneType' and 'Tensor'", "unsupported op"),
            (f"i{word}", f"x = leaf(1.0)\nx {symbol}= 2.0", "a leaf", f"x.data {symbol}= y"),
        ]
    },
    # Derivatives of functions.
    **{
        f"func.{name}": [
            (f"func.{name}(5)", TypeError, f"{name}: function should be", "5, of type int"),
            (f"func.{name}(square_sum)()", ValueError, "positional arguments, but none"),
            (f"func.{name}(square_sum, 3)(ARRAY)", ValueError, "argnums=3", "1 positional"),
            (f"func.{name}(square_sum, 'x')(ARRAY)", TypeError, "argnums", "integer", "'x'"),
            (f"func.{name}(square_sum, (0, 0))(ARRAY)", ValueError, "argnums=(0, 0)", "twice"),
            (f"func.{name}(lambda x: 5)(ARRAY)", TypeError, "return tensors", "int"),
            (f"func.{name}(square_sum)('text')", TypeError, "made of a str"),
            (f"func.{name}(square_sum)(integers)", TypeError, *FLOATING),
            *more,
        ]
        for name, more in {
            "jacobian": [],
            "grad": [
                ("func.grad(abs)(ARRAY)", ValueError, "one number", "(2,)", "sum it"),
                ("func.grad(square_sum, has_aux=True)(ARRAY)", TypeError, "has_aux=True", "pair"),
                ("func.grad(lambda x: (1, 2, 3), has_aux=True)(1.0)", TypeError, "(1, 2, 3)"),
            ],
            "value_and_grad": [
                ("func.value_and_grad(abs)(ARRAY)", ValueError, "one number", "(2,)", "sum it"),
            ],
            "hessian": [("func.hessian(abs)(ARRAY)", ValueError, "one number", "(2,)", "sum it")],
        }.items()
    },
    "func.vjp": [
        ("func.vjp(5, ARRAY)", TypeError, "vjp: function should be", "5, of type int"),
        ("func.vjp(square_sum)", ValueError, "positional arguments, but none"),
        ("func.vjp(square_sum, ARRAY)[1](ARRAY)", ValueError, "shape (2,)", "for ()"),
        ("func.vjp(lambda x: {'y': x}, 1.0)[1](1.0)", ValueError, "vjp: ", "dict of ['y']"),
    ],
    **{
        f"func.{name}": [
            (f"func.{name}(5, (ARRAY,), (ARRAY,))", TypeError, f"{name}: function should be", "5"),
            (f"func.{name}(square_sum, ARRAY, ARRAY)", TypeError, f"{name}: ", "(x,)", "(2,)"),
            (f"func.{name}(square_sum, (ARRAY,), 5)", TypeError, f"{name}: ", "(x,)", "5"),
            (f"func.{name}(square_sum, (ARRAY,), (5,))", ValueError, f"{name}: ", "()", "(2,)"),
            (f"func.{name}(square_sum, (ARRAY,), ())", ValueError, f"{name}: ", "1 in sequence"),
        ]
        for name in ("jvp", "hvp")
    },
    # Operations and plugins.
    "Operation.__init__": [
        ("Operation(len)", TypeError, "Operation(len): function", "a Python function"),
        ("Operation(5)", TypeError, "function should be a Python function", "5"),
        (
            "Operation(squared, int)",
            TypeError,
            "Operation(squared): backward",
            "tinytorch.Function",
        ),
        ("Operation(squared, method=5)", TypeError, "method should be a name", "5"),
        ("Operation(squared, aliases='sq')", TypeError, "aliases", "tuple of names", "'sq'"),
        ("Operation(squared, samples=iter([]))", TypeError, "samples", "a list", "iterator"),
        ("Operation(squared, bad_inputs=5)", TypeError, "bad_inputs", "a list", "5"),
        ("Operation(squared, numpy=['exp'])", TypeError, "numpy", "NumPy functions", "['exp']"),
        ("Operation(squared, colour=5)", TypeError, "'colour'", "unexpected keyword"),
    ],
    "tinytorch.Operation": [("Operation()", TypeError, "'function'", "missing 1 required")],
    "Operation.__call__": [("SQUARED('text')", TypeError, "SquareBackward: ", "made of a str")],
    "Operation.make_samples": [
        ("Operation(squared, samples=lambda: 5).make_samples()", TypeError, "object is not"),
    ],
    "tinytorch.elementwise": [
        ("elementwise(5, forward=abs, derivative=abs)", TypeError, "name", "string", "5"),
        ("elementwise('cube', forward=5, derivative=abs)", TypeError, "'cube'", "function", "5"),
        ("elementwise('cube', forward=abs, derivative=5)", TypeError, "'cube'", "function", "5"),
        ("elementwise('cube', forward=abs, derivative=())", ValueError, "'cube'", "derivative"),
        (
            "elementwise('cube', forward=lambda: 1, derivative=abs)",
            TypeError,
            "'cube' should take 1 arrays",
            "takes 0",
        ),
    ],
    "tinytorch.custom_gradient": [
        ("custom_gradient(5)", TypeError, "custom_gradient: ", "function", "5"),
        (
            "custom_gradient(squared)(leaf(1.0, 2.0))",
            TypeError,
            "squared: ",
            "result and a",
            "(2,)",
        ),
        ("custom_gradient(lambda x: (x, 5))(1.0)", TypeError, "result and a function", "(1.0, 5)"),
    ],
    "tinytorch.enable_autograd": [
        ("enable_autograd(True, block=5)", TypeError, "block", "names", "5, of type int"),
        ("enable_autograd(True, block=['a', None])", TypeError, "block", "names", "None"),
        ("enable_autograd(True, strict='no')", ValueError, "strict", "True, False", "'no'"),
    ],
    "tinytorch.ops": [
        ("tinytorch.ops.no_such_thing", AttributeError, "no operation 'no_such_thing'")
    ],
    "tinytorch": [("tinytorch.relu", AttributeError, "'relu'; operations are in tinytorch.ops")],
    # Samples and the kit.
    "samples.Sample": [
        ("samples.Sample(ARRAY)", TypeError, "tuple of arguments", "(x,)", "ndarray"),
        ("samples.Sample((), 5)", TypeError, "parameters a dict", "int"),
    ],
    "samples.BadInput": [
        ("samples.BadInput((), {}, 5, 'x')", TypeError, "class of exceptions", "5"),
    ],
    "samples.bad": [
        ("samples.bad('ValueError', 'x')", TypeError, "class of exceptions", "'ValueError'"),
        ("samples.bad(ValueError, 5)", TypeError, "regular expression", "5"),
    ],
    "samples.uniform": [
        ("samples.uniform((2,), 3, 1)", ValueError, "uniform: ", "from 3 to 1", "(2,)"),
        ("samples.uniform(-1)", ValueError, "uniform: ", "shape -1"),
        ("samples.uniform('ab')", ValueError, "uniform: ", "shape 'ab'"),
        ("samples.uniform(2, seed='x')", ValueError, "uniform: ", "seed 'x'"),
    ],
    "samples.elementwise": [
        ("samples.elementwise((1,))", TypeError, "elementwise: ", "(low, high)", "(1,)"),
    ],
    "samples.broadcasting": [
        ("samples.broadcasting((0, 1), 5)", TypeError, "broadcasting: ", "(low, high)", "5"),
    ],
    **{
        f"testing.{name}": [
            (f"kit.{name}(5, [ARRAY])", TypeError, f"{name}: function should be", "5"),
            (f"kit.{name}(square_sum, ARRAY)", TypeError, f"{name}: ", "[x]", "(2,)"),
            (f"kit.{name}(square_sum, [leaf(1.0)])", TypeError, "floating arrays", "Tensor"),
            (f"kit.{name}(square_sum, [np.array([1])])", TypeError, "floating arrays", "int64"),
            (f"kit.{name}(square_sum, [])", TypeError, f"{name}: ", "floating arrays", "none"),
            (f"kit.{name}(square_sum, [ARRAY], eps=0)", ValueError, f"{name}: ", "eps=0"),
            (f"kit.{name}(lambda x: 5, [ARRAY])", AssertionError, "expected a Tensor, got a int"),
            (f"kit.{name}(lambda x: x.detach() * x, [ARRAY])", AssertionError, "differences give"),
        ]
        for name in ("gradcheck", "gradgradcheck")
    },
    **{
        f"testing.{name}": [
            (f"kit.{name}(5)", TypeError, "of an Operation", "5, of type int"),
            (f"kit.{name}(squared)", TypeError, "of an Operation", "of type function"),
            (f"kit.{name}(SQUARED, until='soon')", ValueError, "until", "'0.1'", "'soon'"),
            (f"kit.{name}(SQUARED, until=1)", ValueError, "until", "'0.1'", "1"),
            *more,
        ]
        for name, more in {
            "check_op": [
                ("kit.check_op(Operation(no_docstring))", AssertionError, "has no docstring"),
            ],
            "op_checks": [
                (
                    "kit.op_checks(Operation(squared, expected_failures={'x': 'y'}))",
                    ValueError,
                    "squared: expected_failures",
                    "no x",
                ),
            ],
            "parametrize_op_checks": [
                ("kit.parametrize_op_checks()", TypeError, "at least one Operation"),
            ],
        }.items()
    },
    "testing.plugin_checks": [
        ("kit.plugin_checks(5)", TypeError, "by its name", "5"),
        ("kit.plugin_checks('tinytorch-core', until='x')", ValueError, "until", "'x'"),
    ],
    "Check.run": [
        ("kit.plugin_checks('no-such')[0].run()", AssertionError, "'no-such'", "tinytorch-core"),
    ],
    "Check.run_as_expected": [
        ("PASSING.run_as_expected()", AssertionError, "s-c passes", "(why)", "expected_failures"),
    ],
}
"""For each subject its bad calls: the call, the error, and words that its message has."""

NOTHING_TO_REFUSE = {
    "it takes no argument": [
        "tinytorch.default_generator",
        "tinytorch.get_rng_state",
        "tinytorch.is_grad_enabled",
        "Tensor.__abs__",
        "Tensor.__neg__",
        "Tensor.detach",
        "Tensor.numpy",
        "Tensor.tolist",
        "Tensor.zero_grad",
    ],
    "it can only be read": [
        "Function.needs_input_grad",
        "Function.saved_tensors",
        "Operation.claims",
        "Operation.function_names",
        "Operation.method_names",
        "Operation.name",
        "Operation.names",
        "Operation.numpy_functions",
        "Tensor.T",
        "Tensor.dtype",
        "Tensor.is_leaf",
        "Tensor.ndim",
        "Tensor.shape",
        "Tensor.size",
    ],
    "any arguments will do": [
        "Function.save",
        "samples.kink",
        "samples.sample",
        "tinytorch.in_common_dtype",
    ],
    "it is a class of errors or warnings": [
        "tinytorch.AnomalyError",
        "tinytorch.GradientError",
        "tinytorch.PluginConflictError",
        "tinytorch.PluginError",
        "tinytorch.PluginWarning",
    ],
    "it is a name for a type": ["tinytorch.Array"],
    "pluggy made it": ["tinytorch.hookimpl"],
    "core makes it, and not the user": [
        "Check.__init__",
        "testing.Check",
        "tinytorch.RemovableHandle",
    ],
    "the row is that of the class": ["Function.__init__", "tinytorch.Tensor"],
    "its one option is true or false": ["tinytorch.isolated_registry"],
    "what is not in there is not there": ["Tensor.__contains__"],
    "it runs at every step, and trusts the rule": ["tinytorch.at_least_single"],
}
"""Subjects without a bad call, and why there is none."""

PYTHONS_OWN = {
    *("__delattr__", "__eq__", "__hash__", "__new__", "__post_init__", "__reduce__", "__repr__"),
    *("__replace__", "__setattr__", "__str__", "__subclasshook__", "__init_subclass__"),
}
"""What nobody calls by name."""

RAW = re.compile(
    r"object has no attribute|object is not|unsupported operand|not supported between|"
    r"missing \d+ required|takes \d+ positional|unexpected keyword|inhomogeneous|ufunc|"
    r"could not be broadcast|referenced before assignment"
)
"""What Python and NumPy say. It is in a message only where the row asks for it."""


class Row(NamedTuple):
    """One bad call."""

    call: str
    error: type[Exception]
    words: tuple[str, ...]


ROWS = [Row(call, e, tuple(words)) for rows in BAD_CALLS.values() for call, e, *words in rows]


def subjects() -> set[str]:
    """Everything public that can be called, and all that public classes define."""
    found = {f"tinytorch.{n}" for n in tinytorch.__all__ if callable(getattr(tinytorch, n))}
    found |= {f"testing.{name}" for name in kit.__all__}
    for title, module in {"func": func, "samples": samples}.items():
        found |= {
            f"{title}.{name}"
            for name, value in vars(module).items()
            if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
        }
    for cls in (Tensor, Function, SparseGradient, Operation, kit.Check):
        found |= {f"{cls.__name__}.{name}" for name in members(cls)}
    return found


def members(cls: type) -> set[str]:
    """What a class and its bases of ours define, but for operations."""
    of_operations = {name for op in registry.operations.values() for name in op.method_names}
    of_operations |= STAND_INS.keys()
    names = {
        name
        for base in cls.__mro__
        if base.__module__.startswith("tinytorch.")
        for name, value in vars(base).items()
        if callable(value) or isinstance(value, property | classmethod)
    }
    hidden = {name for name in names if name.startswith("_") and not name.startswith("__")}
    compared = {"__eq__"} if cls is Tensor else set()
    return names - hidden - (PYTHONS_OWN - compared) - of_operations


@pytest.mark.parametrize("row", ROWS, ids=[row.call for row in ROWS])
def test_a_bad_call_says_what_is_wrong(row: Row) -> None:
    """The error is of the class that it should be, and its message has what it should have."""
    with pytest.raises(row.error) as caught:
        exec(row.call, dict(NAMES))
    message = str(caught.value)
    for word in row.words:
        assert word in message
    raw = RAW.search(message)
    assert raw is None or any(word in raw[0] or raw[0] in word for word in row.words), message


def test_everything_public_has_a_bad_call() -> None:
    """Each subject has bad calls, or a reason why it has none, and nothing else has."""
    excused = {name for names in NOTHING_TO_REFUSE.values() for name in names}
    assert subjects() - BAD_CALLS.keys() - excused == set()
    assert (BAD_CALLS.keys() | excused) - subjects() == {"tinytorch", "tinytorch.ops"}
    assert BAD_CALLS.keys() & excused == set()
    assert all(BAD_CALLS.values())


@pytest.mark.parametrize("subject", ["tinytorch.set_rng_state", "tinytorch.manual_seed"])
def test_a_state_that_is_refused_changes_nothing(subject: str) -> None:
    """The generator goes on as if there had been no call."""
    before = tinytorch.get_rng_state()
    for call, error, *_ in BAD_CALLS[subject]:
        with pytest.raises(error):
            exec(call, dict(NAMES))
        assert tinytorch.get_rng_state() == before
