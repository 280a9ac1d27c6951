"""One recorded operation: the rule of its gradient, and the node that its call leaves in the graph.

The graph runs from node to node. A tensor knows the node that made it, a node knows where the
gradient of each of its inputs goes, and at the leaves an `AccumulateGrad` keeps what arrives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeAlias

import numpy as np
from numpy import ndarray

from .arrays import FLOATING, REAL, Array, as_array
from .errors import GradientError
from .interpreter import counter
from .modes import current_mode
from .saved_hooks import Packed

if TYPE_CHECKING:
    from .gradient_hooks import Hooks, PostAccumulateHooks, ReadyHooks
    from .tensor import Tensor

next_sequence_number = counter()
_new = object.__new__
_FLOAT32 = np.dtype(np.float32)


class Variable:
    """What the engine knows of a tensor: its array, and the edge along which its gradient goes."""

    __slots__ = ("__weakref__", "_accumulator", "_data", "_edge")

    _data: Array
    _edge: Edge | None
    _accumulator: AccumulateGrad | None

    _make: ClassVar[Callable[[Array, Edge | None], Any]]
    """How an array and an edge become a tensor; Tensor fills it in."""
    _make_stand_in: ClassVar[Callable[[Array, Edge | None], Any]]
    """The same, for a tensor whose `data` is the tensor itself; Tensor fills it in."""


class AccumulateGrad:
    """The end of an edge at a leaf, where the leaf's gradient is kept."""

    __slots__ = (
        *("__weakref__", "_dtype", "_shape", "grad"),
        *("_hooks", "_post_accumulate_hooks", "_ready_hooks"),
    )

    next_functions: ClassVar[tuple[()]] = ()
    _sequence: ClassVar[int] = 0

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._shape = shape
        self._dtype = dtype
        self.grad: Array | None = None
        self._hooks: Hooks | None = None
        self._post_accumulate_hooks: PostAccumulateHooks | None = None
        self._ready_hooks: ReadyHooks | None = None

    def __repr__(self) -> str:
        return f"AccumulateGrad(shape={self._shape})"


class _Released:
    """What `saved` is once a backward has used it."""

    def _refuse(self, *_: Any) -> NoReturn:
        raise GradientError(
            "the saved arrays of this node have been released by an earlier backward; "
            "pass retain_graph=True to that backward, or compute the result again"
        )

    __iter__ = __getitem__ = _refuse

    def __repr__(self) -> str:
        return "released"


RELEASED: Any = _Released()


_OF_EVERY_NODE = (
    *("_dtype", "_input_ids", "_output_id", "_sequence", "_shape", "_unusual"),
    *("next_functions", "saved"),
)


class Function:
    """Base class of all operations that are recorded.

    A subclass in the plugin's form has `forward` and `apply`, and is used through `call`:

    >>> class SquareBackward(Function):
    ...     def forward(self, x):
    ...         self.save(x)
    ...         return x * x
    ...
    ...     def apply(self, grad_output):
    ...         (x,) = self.saved
    ...         return grad_output * 2 * x
    >>> SquareBackward.call(Tensor([3.0]))
    Tensor(data=[9.], shape=(1,))

    A subclass in the textbook's form has `apply` only. It is made from the input tensors and
    attached to the result by hand:

    >>> class CubeBackward(Function):
    ...     def apply(self, grad_output):
    ...         (x,) = self.saved_tensors
    ...         return (grad_output * 3 * x.data**2,)
    >>> x = Tensor([2.0], requires_grad=True)
    >>> y = Tensor(x.data**3)
    >>> y._grad_fn = CubeBackward(x)
    >>> y.backward()
    >>> x.grad
    array([12.], dtype=float32)

    Parameters
    ----------
    *inputs : Tensor, array or number
        The inputs of the operation. In the plugin's form `forward` runs on them once, so that the
        rule finds what it saves.
    **parameters
        The parameters of `forward`, which may also follow the inputs by position.

    Attributes
    ----------
    saved : tuple
        The arrays that the rule needs.
    next_functions : tuple
        Where the gradient of each input goes: the Function that made it, the AccumulateGrad of a
        leaf, or None where nobody asked for it.
    rerun_forward : bool
        For a class attribute: the rule needs a floating array that is neither an input nor the
        output. Where the gradient is to have a graph itself, `forward` is run again on Tensors.
    once_differentiable : bool
        For a class attribute: the gradient has no derivative of its own, and asking for it is an
        error.
    batched : bool
        Whether the rule, given gradients along a further first axis of `grad_output`, returns
        theirs likewise, as rules of elementwise operations do.
    """

    rerun_forward: ClassVar[bool] = False
    once_differentiable: ClassVar[bool] = False
    batched: bool = False

    _saves_inputs: ClassVar[bool] = False
    """Whether each entry of `saved` is the input of its position, or None."""

    # Slots for what every node has: they are read and set in half the time.
    __slots__ = ("__dict__", "__weakref__", *_OF_EVERY_NODE)

    saved: tuple[Any, ...]
    next_functions: tuple[Edge | None, ...]

    _sequence: int
    _shape: Any
    """The shape of the gradient that comes in; None until the node stands for a tensor."""
    _dtype: Any
    """Its dtype likewise."""
    _unusual: bool
    """Whether backward has more to do here than to run the rule on what `saved` has."""

    _input_ids: tuple[int, ...]
    _output_id: int | None

    _given: tuple[Any, ...] | None = None
    _inputs: list[Any] | None = None
    _packed: Packed | None = None
    _anomaly: Any = None
    _ties: Mapping[int, int | None] | None = None
    _stands_for: Function | None = None
    _parameters: Mapping[str, Any] = MappingProxyType({})
    _retained: Sequence[AccumulateGrad] = ()
    _hooks: Hooks | None = None

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Make a node with no place in the graph yet."""
        node = _new(cls)
        node.saved = node.next_functions = node._input_ids = ()
        node._sequence, node._unusual = 0, False
        node._shape = node._dtype = node._output_id = None
        return node

    def __init__(self, *inputs: Any, **parameters: Any) -> None:
        if type(self).forward is Function.forward:
            self.saved_tensors = inputs
        else:
            inputs, parameters = _bind(type(self), inputs, parameters)
            arrays, edges = _unwrap(type(self), inputs)
            self._run(arrays, edges, parameters)

    def forward(self, *inputs: Any, **parameters: Any) -> Any:
        """Compute the output, an array, from the inputs as arrays and numbers, and `save`."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward: it is made from tensors and attached by hand"
        )

    def apply(self, grad_output: Any) -> Any:
        """Return the gradient towards each input, given the one towards the output.

        Parameters
        ----------
        grad_output : array
            Of the shape of the output. It may be shared: do not write to it.

        Returns
        -------
        array, None, SparseGradient, or a tuple of them
            One for each input, of its shape or of one that it broadcasts to. None for an input
            that has no gradient, or that does not need one.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rule: define apply(grad_output)")

    def save(self, *arrays: Any) -> None:
        """Keep for `apply`, as `saved`: inputs, the output, small intermediates."""
        self.saved = arrays

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """For each input whether its gradient is asked for, so that a rule skips the others."""
        return tuple([edge is not None for edge in self.next_functions])

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The saved arrays as Tensors, tied to the graph where they are inputs or the output."""
        if self._given is not None:
            return self._given
        if self._packed is not None:
            return tuple(self._packed.unpacked(self).saved_tensors)
        return tuple(
            Variable._make(np.asarray(value), self._edge_of(value))
            if isinstance(value, ndarray | np.generic)
            else value
            for value in self.saved
        )

    @saved_tensors.setter
    def saved_tensors(self, tensors: Sequence[Any]) -> None:
        recording = current_mode().recording
        arrays = [x._data if isinstance(x, Variable) else x for x in tensors]
        edges = [x._edge if recording and isinstance(x, Variable) else None for x in tensors]
        _tell_apart(arrays, edges)
        self._given = tuple(
            Variable._make(array, edge) if isinstance(tensor, Variable) else tensor
            for tensor, array, edge in zip(tensors, arrays, edges, strict=True)
        )
        self.saved = tuple(arrays)
        self._unusual = True
        self._input_ids = tuple(map(id, arrays))
        self.next_functions = tuple(edges)
        self._sequence = next_sequence_number()

    @classmethod
    def call(cls, *inputs: Any, **parameters: Any) -> Tensor:
        """Run the operation, and record it where some input requires a gradient.

        Parameters
        ----------
        *inputs : Tensor, array, number, sequence or None
            The inputs of `forward`, which gets them as arrays and numbers.
        **parameters
            Passed to `forward` as they are.

        Returns
        -------
        Tensor
            The output. Where no input is a Tensor, an array, and nothing is recorded: so a rule may
            call other operations. A floating output of integers and Python numbers is float32.
        """
        mode = current_mode()
        of_tensors = False
        arrays: list[Any] = []
        edges: list[Edge | None] = []
        for value in inputs:
            if isinstance(value, Variable):
                of_tensors = True
                arrays.append(value._data)
                edges.append(value._edge if mode.recording else None)
            else:
                arrays.append(value if type(value) in _PLAIN else _operand(cls, value))
                edges.append(None)
        node = _new(cls)
        try:
            output = node._run(arrays, edges, parameters)
        except AttributeError as error:  # a forward that asks a number for its shape, perhaps
            _refuse_numbers(cls, arrays, error)
            raise
        except ValueError as error:
            _refuse_shapes(cls, error)
            raise
        if not of_tensors:
            return output  # type: ignore[return-value]  # arrays in, array out: a rule's affair
        if mode.anomaly is not None:
            mode.anomaly._check_output(cls, arrays, parameters, output)
        if not any(edges) or output.dtype.kind != FLOATING:
            return Variable._make(output, None)  # type: ignore[no-any-return]  # it is a Tensor
        node._shape = output.shape
        node._dtype = output.dtype
        if mode.saved_hooks is not None:
            node._packed, node._unusual = Packed(node, *mode.saved_hooks), True
        if mode.anomaly is not None:
            node._anomaly, node._unusual = mode.anomaly._record(node), True
        return Variable._make(output, node)  # type: ignore[no-any-return]  # it is a Tensor

    def _run(
        self, arrays: list[Any], edges: list[Edge | None], parameters: dict[str, Any]
    ) -> Array:
        """Take a place in the graph, run `forward`, and note which saved array is what."""
        if len(arrays) == 1:  # by far the commonest, and the rest takes a seventh of a call
            input_ids: tuple[int, ...] = (id(arrays[0]),)
        else:
            if len(set(map(id, arrays))) < len(arrays):
                _tell_apart(arrays, edges)
            input_ids = tuple(map(id, arrays))
        self._input_ids = input_ids
        self.saved = ()
        self.next_functions = tuple(edges)
        self._sequence = next_sequence_number()
        self._unusual = False
        # What the node keeps of these lives on, so that no other array can come to have its id.
        if parameters:
            self._parameters = parameters
            result = self.forward(*arrays, **parameters)
        else:
            result = self.forward(*arrays)
        self._output_id = output_id = id(result)
        if self.rerun_forward:
            self._inputs, self._unusual = arrays, True
        if type(result) is not ndarray:
            if isinstance(result, tuple | list | Variable):
                raise TypeError(
                    f"{type(self).__name__}: forward should return one array, but it returned a "
                    f"{type(result).__name__}; two results are two operations"
                )
            return _checked_output(self, arrays, np.asarray(result))
        if output_id in input_ids:
            return result.view()
        if result.dtype is _FLOAT32:  # the commonest, and always right
            return result
        return _checked_output(self, arrays, result)

    def _tie_of(self, array: Any) -> int | None:
        """What an array that the node keeps is: which input, or the output, or neither."""
        if self._ties is not None:
            return self._ties.get(id(array))
        if self._saves_inputs:
            return next((i for i, value in enumerate(self.saved) if value is array), None)
        if id(array) in self._input_ids:
            return self._input_ids.index(id(array))
        return _OUTPUT if id(array) == self._output_id else None

    def _edge_of(self, array: Any) -> Edge | None:
        """The edge that ties an array to the graph, if it is an input or the output."""
        tie = self._tie_of(array)
        if tie is None:
            return None
        return self.next_functions[tie] if tie != _OUTPUT else self._stands_for or self

    def _become_maker_of(self, output: Array) -> None:
        """Stand for a tensor that was computed apart; the first one says what gradient comes in."""
        if self._shape is None:
            self._shape, self._dtype = output.shape, output.dtype
        if getattr(self, "_output_id", None) is None:  # sums and products leave it unset
            self._output_id = id(output)
        if not self._sequence:
            self._sequence = next_sequence_number()

    def _copy(self) -> Self:
        """Return another node of the same arrays, in the same place."""
        twin = _new(type(self))
        twin.__dict__.update(self.__dict__)
        for name in _OF_EVERY_NODE:
            setattr(twin, name, getattr(self, name))
        return twin

    def _release(self) -> None:
        """Let go of what was saved; the node keeps its place in the graph."""
        self.saved = RELEASED
        self._inputs = self._packed = None
        if self._given is not None:
            self._given = RELEASED

    def __repr__(self) -> str:
        return type(self).__name__


Edge: TypeAlias = Function | AccumulateGrad

_OUTPUT = -1
"""What ties an array to the output, where a number from 0 ties it to an input."""

_PLAIN = frozenset({float, int, bool, type(None)})
"""Types that `forward` gets as they are: NumPy treats a Python number as having no dtype."""


def _unwrap(cls: type[Function], inputs: Sequence[Any]) -> tuple[list[Any], list[Edge | None]]:
    """Return the arrays and numbers behind the inputs, and their edges."""
    recording = current_mode().recording
    arrays: list[Any] = []
    edges: list[Edge | None] = []
    for value in inputs:
        if isinstance(value, Variable):
            arrays.append(value._data)
            edges.append(value._edge if recording else None)
        else:
            arrays.append(value if type(value) in _PLAIN else _operand(cls, value))
            edges.append(None)
    return arrays, edges


def _operand(cls: type[Function], value: Any) -> Any:
    if isinstance(value, np.generic) and value.dtype.kind in REAL:
        return value
    try:
        return as_array(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{cls.__name__}: {error}") from error


def _refuse_numbers(cls: type[Function], arrays: list[Any], error: AttributeError) -> None:
    """Raise a better error, if a forward failed on a number, or on None."""
    for position, value in enumerate(arrays):
        if type(value) in _PLAIN and error.obj is value:
            raise TypeError(
                f"{cls.__name__}: input {position} should be a tensor or an array, but it is "
                f"{value!r}, of type {type(value).__name__}"
            ) from error


def _refuse_shapes(cls: type[Function], error: ValueError) -> None:
    """Raise an error that names the operation, where NumPy's own does not."""
    message = str(error).strip()
    if message.startswith("operands could not be broadcast"):
        raise ValueError(f"{cls.__name__}: {message}; reshape one of them") from error


def _tell_apart(arrays: list[Any], edges: list[Edge | None]) -> None:
    """Replace by a view an array that stands for two inputs of different edges (x * x.detach())."""
    edge_of: dict[int, Edge | None] = {}
    for position, (array, edge) in enumerate(zip(arrays, edges, strict=True)):
        if type(array) is ndarray and edge_of.setdefault(id(array), edge) is not edge:
            arrays[position] = array.view()


def _checked_output(node: Function, arrays: list[Any], output: Array) -> Array:
    """Refuse what no tensor can hold; floats of integers alone are float32, if nothing is said."""
    kind = output.dtype.kind
    if kind == FLOATING:
        of_integers = not any(
            isinstance(x, ndarray | np.generic) and x.dtype.kind == FLOATING for x in arrays
        )
        if of_integers and "dtype" not in node._parameters:
            return output.astype(np.float32, copy=False)
    elif kind not in REAL:
        raise TypeError(
            f"{type(node).__name__}: forward should return an array of real numbers or booleans, "
            f"but it gave one of dtype {output.dtype}"
        )
    return output


def _bind(
    cls: type[Function], arguments: tuple[Any, ...], parameters: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Split what a node is made from by hand into inputs and parameters of `forward`."""
    kinds = [(p.name, p.kind) for p in inspect.signature(cls.forward).parameters.values()][1:]
    if any(kind is inspect.Parameter.VAR_POSITIONAL for _, kind in kinds):
        return arguments, parameters
    by_keyword = [name for name, kind in kinds if kind is inspect.Parameter.KEYWORD_ONLY]
    inputs = len(kinds) - len(by_keyword)
    if len(arguments) > len(kinds):
        raise TypeError(
            f"{cls.__name__} takes {', '.join(name for name, _ in kinds)}, "
            f"but {len(arguments)} arguments were given"
        )
    return arguments[:inputs], {
        **dict(zip(by_keyword, arguments[inputs:], strict=False)),
        **parameters,
    }
