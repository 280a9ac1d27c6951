"""Tensor: an array, its gradient, and the edge by which it hangs in the graph.

What a tensor can compute is attached to this class by the registry, operation by operation;
``_attached.pyi`` declares it for type checkers and editors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from .arrays import FLOATING, Array, as_array
from .backward import Pass
from .errors import GradientError
from .function import AccumulateGrad, Edge, Function, Variable
from .gradient_hooks import Hookable
from .higher import RecordedPass
from .modes import set_recording

if TYPE_CHECKING:
    from ._attached import AttachedMethods
else:
    AttachedMethods = object


class Tensor(Hookable, AttachedMethods):
    """An array whose operations are recorded, so that gradients can flow back through them.

    Parameters
    ----------
    data : array, Tensor, number or (nested) sequence of numbers
        Copied. NumPy arrays keep their dtype; Python numbers become float32, booleans stay
        booleans.
    requires_grad : bool
        Whether `backward` shall leave a gradient in `grad`. Only for floating dtypes.
    dtype : dtype, optional
        What to convert the data to.

    Raises
    ------
    TypeError
        If the data are not real numbers or booleans, or not floating though `requires_grad`.
    ValueError
        If the data are a ragged sequence.

    Examples
    --------
    >>> x = Tensor([2.0], requires_grad=True)
    >>> y = x * 3 + 1
    >>> y.backward()
    >>> print(x.grad)
    [3.]
    """

    __slots__ = ()

    def __init__(
        self, data: Any, requires_grad: bool = False, dtype: np.typing.DTypeLike | None = None
    ) -> None:
        data = data._data if isinstance(data, Variable) else data
        self._data = as_array(data, dtype, copy=True)
        self._edge = None
        self._accumulator = None
        if requires_grad:
            self.requires_grad = True

    # The array.

    @property
    def data(self) -> Array:
        """The array itself. It may be replaced by another of its shape, as optimisers do."""
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        array = _in_dtype_of(self, value, "x.data")
        if self._edge is not None:
            if array.shape != self._data.shape:
                raise ValueError(
                    f"data of shape {array.shape} cannot replace data of shape "
                    f"{self._data.shape} in a tensor that requires gradients; make a new Tensor"
                )
            _require_floating(array)
        self._data = array
        leaf = self._accumulator
        if leaf is not None:
            leaf._shape, leaf._dtype = array.shape, array.dtype
            if leaf.grad is not None and leaf.grad.shape != array.shape:
                leaf.grad = None
            elif leaf.grad is not None:
                leaf.grad = leaf.grad.astype(array.dtype)

    @property
    def T(self) -> Tensor:
        """The tensor with its last two axes exchanged."""
        return self.transpose()

    # The place in the graph.

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows to this tensor."""
        return self._edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not value:
            if not self.is_leaf:
                raise GradientError(
                    "requires_grad of a computed tensor cannot be switched off; use x.detach()"
                )
            self._edge = None
        elif self._edge is None:
            _require_floating(self._data)
            self._edge = self._own_accumulator()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad`, and return the tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return not isinstance(self._edge, Function)

    @property
    def _grad_fn(self) -> Function | None:
        return self._edge if isinstance(self._edge, Function) else None

    @_grad_fn.setter
    def _grad_fn(self, node: Function | None) -> None:
        if node is None:
            self._edge = self._own_accumulator() if self._edge is not None else None
            return
        if not isinstance(node, Function):
            raise TypeError(
                f"_grad_fn should be a Function, the record of an operation, "
                f"but it is a {type(node).__name__}"
            )
        _require_floating(self._data)
        node._become_maker_of(self._data)
        self._edge = node

    @property
    def grad_fn(self) -> Function | None:
        """The recorded operation that made this tensor, or None for a leaf."""
        return self._grad_fn

    @property
    def grad(self) -> Array | None:
        """The gradient that has arrived, or None: of leaves, and after `retain_grad` of others.

        An array, or a Tensor after ``backward(create_graph=True)``. To read it of a computed tensor
        that keeps none is a UserWarning.
        """
        leaf = self._accumulator
        gradient = None if leaf is None else leaf.grad
        if gradient is None and isinstance(self._edge, Function):
            _warn_unless_retained(self._edge, leaf)
        return gradient

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is None:
            if self._accumulator is not None:
                self._accumulator.grad = None
            return
        leaf = self._own_accumulator()
        if value is leaf.grad:  # as after x.grad *= 2
            return
        array = _in_dtype_of(self, value, "x.grad")
        if array.shape != self._data.shape:
            raise ValueError(
                f"the gradient of a tensor of shape {self._data.shape} has its shape, "
                f"but the one given has shape {array.shape}"
            )
        leaf.grad = array.astype(self._data.dtype)

    def _own_accumulator(self) -> AccumulateGrad:
        if self._accumulator is None:
            self._accumulator = AccumulateGrad(self._data.shape, self._data.dtype)
        return self._accumulator

    def retain_grad(self) -> None:
        """Keep the gradient of this computed tensor in `grad`, as leaves do.

        Raises
        ------
        GradientError
            If the tensor does not require gradients.
        """
        if self._edge is None:
            raise GradientError(
                "retain_grad() is for a tensor that requires gradients; this one does not"
            )
        if isinstance(self._edge, Function) and self._accumulator not in self._edge._retained:
            self._edge._retained = (*self._edge._retained, self._own_accumulator())
            self._edge._unusual = True

    def zero_grad(self) -> None:
        """Forget the gradient: set `grad` to None."""
        self.grad = None

    def detach(self) -> Tensor:
        """Return a tensor that shares the data and has no part in the graph."""
        return _make(self._data, None)

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
    ) -> None:
        """Add the gradient of this tensor towards every leaf behind it to the leaf's `grad`.

        By the chain rule a gradient g at this tensor becomes g J at a leaf, where J is the Jacobian
        of this tensor towards that leaf; each recorded operation contributes its factor. What an
        operation had saved is let go of as soon as its factor has been applied.

        Parameters
        ----------
        gradient : array, Tensor, sequence or number, optional
            Of the shape of this tensor. It may be left out where this tensor has one element, and
            is 1 then.
        retain_graph : bool, optional
            Keep what the operations saved, for another backward through them. By default what
            `create_graph` says.
        create_graph : bool
            Record the backward itself, so that the gradients, Tensors then, can be differentiated.
            As the graph of such a gradient leads to the leaf that holds it, memory is freed only
            when `grad` is set to None; `tinytorch.grad` has no such circle.

        Raises
        ------
        GradientError
            If this tensor does not require gradients, if it has several elements and no gradient is
            given, if the gradient has another shape, or if the graph has been released. A
            GradientError is a ValueError and a RuntimeError. No `grad` has changed then.
        """
        if self._edge is None:
            raise GradientError(
                "backward() is for a tensor that requires gradients; "
                f"this one {why_without_gradient(self)}"
            )
        keep = create_graph if retain_graph is None else retain_graph
        which = RecordedPass if create_graph else Pass
        which(keep).to_leaves(self._edge, self._seed(gradient))

    def _seed(self, gradient: Any) -> Any:
        """Return the gradient to start from, in the shape of this tensor."""
        if gradient is None:
            if self._data.size != 1:
                raise GradientError(
                    f"backward() of a tensor of shape {self.shape} needs the gradient to start "
                    "from: sum it to one number first, or pass an array of its shape"
                )
            return np.ones(self._data.shape, self._data.dtype)
        seed: Any = gradient
        if not isinstance(gradient, Variable):
            seed = _in_dtype_of(self, gradient, "the gradient given to backward()")
        if seed.shape != self.shape and not seed.size == self.size == 1:
            raise GradientError(
                f"backward() of a tensor of shape {self.shape} got a gradient of shape "
                f"{seed.shape}; pass one of the tensor's shape"
            )
        if seed.shape == self.shape:
            return seed
        # In a context of its own, so that an interrupt cannot leave the grad mode changed.
        return copy_context().run(_recorded_reshape, seed, self.shape)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise TypeError(
            "a tensor does not change in place, for its array may be saved in a graph; "
            "write to x.data[...], or compute a new tensor, as where(mask, a, b) does"
        )

    def __delitem__(self, key: Any) -> NoReturn:
        raise TypeError("elements of a tensor cannot be deleted; compute a new one, as x[key] does")

    # Copies.

    def __copy__(self) -> Tensor:
        if self._edge is not None:
            raise TypeError(
                "copy.copy() of a tensor that requires gradients would make two owners of one "
                "array; use copy.deepcopy(x), x.clone() or x.detach()"
            )
        return self.detach()

    def __reduce__(self) -> tuple[Any, ...]:
        state = getattr(self, "__dict__", None)
        return _new_leaf, (type(self), self._data, self.requires_grad), state or None


_new = object.__new__


def _make(array: Array, edge: Edge | None) -> Tensor:
    tensor = _new(Tensor)
    tensor._data = array
    tensor._edge = edge
    tensor._accumulator = None
    return tensor


class _StandIn(Tensor):
    """A tensor whose `data` is the tensor itself, so that a rule written on `.data` is recorded."""

    __slots__ = ()

    @property  # type: ignore[misc]  # read-only: no rule writes to it
    def data(self) -> Any:
        """The tensor, where a rule of the textbook's form expects its array."""
        return _make(self._data, self._edge)


def _make_stand_in(array: Array, edge: Edge | None) -> Tensor:
    tensor = _new(_StandIn)
    tensor._data, tensor._edge, tensor._accumulator = array, edge, None
    return tensor


Variable._make = _make
Variable._make_stand_in = _make_stand_in


def _new_leaf(cls: type[Tensor], data: Array, requires_grad: bool) -> Tensor:
    tensor = _new(cls)
    tensor._data = data
    tensor._edge = tensor._accumulator = None
    tensor.requires_grad = requires_grad
    return tensor


def why_without_gradient(tensor: Tensor) -> str:
    """Say of a tensor that requires no gradient why that is so, as far as one can see."""
    if tensor.dtype.kind != FLOATING:
        return f"has dtype {tensor.dtype}, and only floating tensors have gradients"
    return "was not computed from one with requires_grad=True, or it was under no_grad()"


def _recorded_reshape(seed: Any, shape: tuple[int, ...]) -> Any:
    set_recording(True)
    return seed.reshape(shape)


def _warn_unless_retained(node: Function, accumulator: AccumulateGrad | None) -> None:
    if accumulator is None or accumulator not in node._retained:
        warnings.warn(
            "grad of a computed tensor is None, for backward keeps the gradients of leaves only; "
            "call retain_grad() on it before backward, or read the grad of the leaf",
            UserWarning,
            stacklevel=3,
        )


def _in_dtype_of(tensor: Tensor, value: Any, what: str) -> Array:
    """Return a value as an array; Python numbers, which have no dtype, in that of the tensor."""
    if isinstance(value, Variable):
        return value._data
    try:
        return as_array(value, None if hasattr(value, "__array__") else tensor.dtype)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what} should be an array of shape {tensor.shape}: {error}") from error


def _require_floating(array: Array) -> None:
    if array.dtype.kind != FLOATING:
        raise TypeError(
            f"only floating tensors can require gradients, but the data have dtype {array.dtype}; "
            "convert them, with dtype=np.float32 or x.astype(np.float32)"
        )


def _in_place(symbol: str) -> Callable[[Tensor, Any], Any]:
    def method(self: Tensor, other: Any) -> Any:
        if self.requires_grad and self.is_leaf:
            raise TypeError(
                f"x {symbol} y on a leaf that requires gradients would cut it off from its "
                f"gradient; write x.data {symbol} y to change it in place"
            )
        return NotImplemented

    return method


for _name, _symbol in {
    "add": "+=",
    "sub": "-=",
    "mul": "*=",
    "truediv": "/=",
    "pow": "**=",
    "matmul": "@=",
}.items():
    setattr(Tensor, f"__i{_name}__", _in_place(_symbol))
