"""NumPy's functions on Tensors, sent to the recorded operations that stand for them.

``np.exp(x)`` asks x for `__array_ufunc__`, and ``np.sum(x)`` for `__array_function__` (NEP 13 and
NEP 18). Both look the function up among those that the operations name. So a rule that is written
in NumPy records itself when it is given Tensors, and users may write ``np.exp(x) @ W``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from .function import Variable
from .operation import registry
from .tensor import Tensor
from .values import OPERANDS

WITHOUT_GRADIENT: frozenset[Any] = frozenset(
    {
        *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
        *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
        *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert),
        *(np.isinf, np.isfinite, np.signbit, np.isclose, np.count_nonzero),
        *(np.zeros_like, np.ones_like, np.full_like, np.empty_like),
        *(np.shape, np.ndim, np.size, np.result_type, np.allclose, np.array_equal),
        *(np.can_cast, np.may_share_memory, np.shares_memory),
    }
)
"""Functions whose result no gradient can come from: they run on the plain arrays."""

UNLESS_PROVIDED: frozenset[Any] = frozenset(
    {np.all, np.any, np.argmax, np.argmin, np.argsort, np.isnan, np.sign}
)
"""More of them, but an operation that stands for one is preferred, if there is any installed."""

REDUCTIONS: Mapping[Any, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
"""The function that a ufunc's `reduce` stands for."""


def _array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
    if not all(isinstance(value, OPERANDS) for value in inputs):
        return NotImplemented
    if method == "reduce" and ufunc in REDUCTIONS:
        x, *axis = inputs
        keywords = {
            "axis": axis[0] if axis else 0,
            **keywords,
        }  # unlike np.sum, over the first axis
        return _dispatch(REDUCTIONS[ufunc], (x,), keywords)
    if method != "__call__":
        raise TypeError(
            f"{_name(ufunc)}.{method} has no recorded operation; "
            "use x.data if no gradient shall flow"
        )
    return _dispatch(ufunc, inputs, keywords)


def _array_function(
    self: Tensor, function: Any, types: Collection[type], args: Any, kwargs: Any
) -> Any:
    if not all(issubclass(kind, Variable | np.ndarray) for kind in types):
        return NotImplemented
    return _dispatch(function, args, kwargs)


def _dispatch(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    if kwargs.get("out") is not None:
        raise TypeError(
            f"{_name(function)}: out= cannot be written to where tensors are concerned, for "
            "no gradient would flow; use the result"
        )
    operation = _operation_for(function)
    if operation is not None:
        return _call(operation, function, args, kwargs)
    if function in WITHOUT_GRADIENT or function in UNLESS_PROVIDED:
        result = function(*map(_plain, args), **{name: _plain(v) for name, v in kwargs.items()})
        is_array = isinstance(result, np.ndarray | np.generic)
        return Variable._make(np.asarray(result), None) if is_array else result
    raise TypeError(
        f"{_name(function)} has no recorded operation among those installed, and would lose "
        "the gradient; compose it of operations (python -m tinytorch ops), or use x.data if no "
        "gradient shall flow"
    )


def _operation_for(function: Any) -> Callable[..., Any] | None:
    if function not in registry.numpy and function not in WITHOUT_GRADIENT:
        from .plugins import ensure_enabled

        ensure_enabled()
    return registry.numpy.get(function)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value._data if isinstance(value, Variable) else value


def _call(
    operation: Callable[..., Any], function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Call an operation with the arguments of the NumPy function that it stands for.

    What NumPy requires is passed by position. Of the rest, what differs from NumPy's default is
    passed by name, so that a keyword which the operation does not have is refused.
    """
    required, chosen = list(args), dict(kwargs)
    signature = _signature(function)
    if signature is not None:
        required, chosen = _sorted_out(signature.bind(*args, **kwargs))
    supported = _signature(operation)
    unknown = [] if supported is None else sorted(chosen.keys() - supported.parameters.keys())
    if unknown:
        raise TypeError(
            f"{_name(function)}: the keyword {unknown[0]}= has no meaning for tensors; leave it "
            "out, or use x.data if no gradient shall flow"
        )
    return operation(*required, **chosen)


def _sorted_out(bound: inspect.BoundArguments) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments that NumPy requires, and those that differ from NumPy's default."""
    required: list[Any] = []
    chosen: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        parameter = bound.signature.parameters[name]
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            required.extend(value)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            chosen |= value
        elif parameter.default is inspect.Parameter.empty:
            required.append(value)
        elif value is not parameter.default:
            chosen[name] = value
    return required, chosen


def _name(function: Any) -> str:
    """Return the name of a NumPy function as users write it."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{function.__name__}".replace("numpy.", "np.", 1)


@cache
def _signature(function: Any) -> inspect.Signature | None:
    """Return the signature of a NumPy function, or None where it is written in C and has none."""
    if isinstance(function, np.ufunc):
        return None
    try:
        return inspect.signature(function)
    except ValueError:
        return None


def attach() -> None:
    """Give Tensor its side of NumPy's protocols."""
    setattr(Tensor, "__array_ufunc__", _array_ufunc)  # noqa: B010 - no name for users
    setattr(Tensor, "__array_function__", _array_function)  # noqa: B010 - no name for users
