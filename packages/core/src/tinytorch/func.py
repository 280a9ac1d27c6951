"""Functions into their derivatives: grad, vjp, jvp, jacobian, hessian, hvp.

The names and meanings are those of torch.func and JAX. A function takes tensors, or nested dicts,
lists and tuples of them, and returns tensors likewise. The derivative takes the same arguments;
where they are NumPy arrays, what it returns are arrays too.

The transforms nest: what a derivative returns has a graph wherever something outside it, an
argument or a tensor that the function refers to, requires gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from . import containers
from .arguments import described, require_function
from .arrays import as_array
from .backward import Pass
from .batched import BatchedPass, RowsBackward
from .function import AccumulateGrad, Edge, Variable
from .grad_mode import enable_grad, is_grad_enabled
from .higher import RecordedPass
from .tensor import Tensor

Argnums = int | tuple[int, ...] | list[int]


def grad(
    function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the gradient of a function that returns one number, as a function.

    Parameters
    ----------
    function : callable
        Takes tensors, or containers of them, and returns a tensor of one element; a pair of that
        and anything else if `has_aux`.
    argnums : int or tuple of int
        The arguments to differentiate by.
    has_aux : bool
        Whether the function returns a pair; the second is handed through.

    Returns
    -------
    callable
        Takes the same arguments, and returns the gradient, in the containers of the argument: a
        tuple of them for a tuple of argnums; a pair of that and the second value if `has_aux`.

    Raises
    ------
    TypeError
        By the gradient, if the function returns no tensor, or the argument is not floating.
    ValueError
        By the gradient, if the function returns more than one number.

    Examples
    --------
    >>> from tinytorch.func import grad
    >>> grad(lambda x: (x**2).sum())(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    require_function("grad", "function", function)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        result, slopes = value_and_grad(function, argnums, has_aux)(*args, **kwargs)
        return (slopes, result[1]) if has_aux else slopes

    return gradient


def value_and_grad(
    function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the value of a function and its gradient, as a function.

    Parameters
    ----------
    function, argnums, has_aux
        As in `grad`.

    Returns
    -------
    callable
        Takes the same arguments, and returns the value (a pair if `has_aux`) and the gradient.

    Raises
    ------
    TypeError, ValueError
        As in `grad`.

    Examples
    --------
    >>> value_and_grad(lambda x: (x**2).sum())(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """
    require_function("value_and_grad", "function", function)

    def both(*args: Any, **kwargs: Any) -> Any:
        run = _Run(function, args, kwargs, argnums, has_aux)
        (output,) = run.outputs if len(run.outputs) == 1 else (None,)
        if output is None or output.size != 1:
            shapes = [x.shape for x in run.outputs]
            raise ValueError(
                f"grad: the function should return one number, but it returned shapes {shapes}; "
                "sum it, or use jacobian"
            )
        slopes = run.gradients([np.ones(output.shape, output.dtype)])
        value = run.like_output(run.outputs)
        return (value, run.aux) if has_aux else value, run.by_argument(slopes)

    return both


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return a function's value, and the function that multiplies vectors by its Jacobian.

    Parameters
    ----------
    function : callable
        Takes tensors, or containers of them, and returns the same.
    *primals
        The arguments.
    has_aux : bool
        Whether the function returns a pair; the second is handed through, as a third value.

    Returns
    -------
    output, vjp_function
        ``vjp_function(v)``, v like the output, returns a tuple of v J for each argument. It may be
        called repeatedly.

    Raises
    ------
    TypeError
        If the function returns no tensor, or an argument is not floating.
    ValueError
        By ``vjp_function``, if v is not of the shape of the output.

    Examples
    --------
    >>> output, pull_back = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull_back(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    require_function("vjp", "function", function)
    run = _Run(function, primals, {}, tuple(range(len(primals))), has_aux)

    def pull_back(cotangents: Any) -> Any:
        seeds = containers.leaves_like(run.output, cotangents, "vjp: the cotangents")
        return run.by_argument(run.gradients(seeds))

    output = run.like_output(run.outputs)
    return (output, pull_back, run.aux) if has_aux else (output, pull_back)


def jvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    """Return a function's value, and its Jacobian times a vector.

    The vector-Jacobian product is linear in its vector, so that its own product with the tangents
    is the Jacobian-vector product: two reverse passes (J. Townsend, 2017, "A new trick for
    calculating Jacobian vector products").

    Parameters
    ----------
    function : callable
        Takes tensors, or containers of them, and returns the same.
    primals : sequence
        The arguments.
    tangents : sequence
        Directions, like the arguments.

    Returns
    -------
    output, product
        Both like the output.

    Raises
    ------
    TypeError
        If the function returns no tensor, or an argument is not floating.
    ValueError
        If the tangents do not have the shapes of the arguments.

    Examples
    --------
    >>> jvp(lambda x: x**2, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    require_function("jvp", "function", function)
    primals, tangents = _arguments("jvp", primals), _arguments("jvp", tangents)
    run = _Run(function, primals, {}, tuple(range(len(primals))), False)
    directions = containers.leaves_like(primals, tangents, "jvp: the tangents")
    _check_like(run.inputs, directions, "jvp: the tangents")
    seeds = [_zeros_like(x).requires_grad_(x._edge is not None) for x in run.outputs]
    slopes = run.gradients(seeds, recorded=True)
    products = _gradients(slopes, directions, seeds, run.pass_for(directions))
    return run.like_output(run.outputs), run.like_output(products, are_gradients=True)


def hvp(function: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Return a function's value, and its Hessian times a vector, without building the Hessian.

    Parameters
    ----------
    function : callable
        Takes tensors, or containers of them, and returns a tensor of one element.
    primals : sequence
        The arguments.
    tangents : sequence
        Directions, like the arguments.

    Returns
    -------
    value, product
        The product like the one argument, or a tuple like several.

    Raises
    ------
    TypeError
        If the function returns no tensor, or an argument is not floating.
    ValueError
        If the function returns more than one number, or the tangents do not have the shapes of the
        arguments.

    Examples
    --------
    >>> hvp(lambda x: (x**3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    (array(9.), array([ 6., 12.]))
    """
    require_function("hvp", "function", function)
    primals, tangents = _arguments("hvp", primals), _arguments("hvp", tangents)
    everything = tuple(range(len(primals)))

    run = _Run(value_and_grad(function, everything), primals, {}, everything, False)
    value = run.outputs[0]
    directions = containers.leaves_like(primals, tangents, "hvp: the tangents")
    _check_like(run.inputs, directions, "hvp: the tangents")
    products = run.gradients([None, *directions])
    product = run.by_argument(products)
    return run.plain(value), product[0] if len(primals) == 1 else product


def jacobian(
    function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the Jacobian of a function, as a function.

    All rows go back through the graph together: an operation whose rule takes a batch of gradients
    (`Function.batched`) runs once, another once for each row.

    Parameters
    ----------
    function : callable
        Takes tensors, or containers of them, and returns the same.
    argnums, has_aux
        As in `grad`.

    Returns
    -------
    callable
        Takes the same arguments, and returns arrays of the shape of the output followed by the
        shape of the input: in the containers of the output, and within these in those of the
        argument.

    Raises
    ------
    TypeError
        By the Jacobian, if the function returns no tensor, or the argument is not floating.

    Examples
    --------
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    require_function("jacobian", "function", function)

    def matrix(*args: Any, **kwargs: Any) -> Any:
        run = _Run(function, args, kwargs, argnums, has_aux)
        blocks = [run.by_argument(run.rows(i)) for i in range(len(run.outputs))]
        result = containers.rebuild(run.output, iter(blocks))
        return (result, run.aux) if has_aux else result

    return matrix


def hessian(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the matrix of second derivatives of a function that returns one number.

    Parameters
    ----------
    function, argnums
        As in `grad`.

    Returns
    -------
    callable
        Takes the same arguments, and returns arrays of the shape of the input followed by the
        shape of the input.

    Raises
    ------
    TypeError, ValueError
        As in `grad`.

    Examples
    --------
    >>> hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    require_function("hessian", "function", function)
    return jacobian(grad(function, argnums), argnums)


class _Run:
    """One call of a function on inputs of its own, and the gradients that go back through it."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: Argnums,
        has_aux: bool,
    ) -> None:
        self.one_argument = not isinstance(argnums, tuple | list)
        positions = _positions(argnums, len(args))
        self.arguments = tuple(args[position] for position in positions)
        given = containers.leaves(self.arguments)
        recording = is_grad_enabled()
        with enable_grad():
            self.inputs = [_input(x, recording) for x in given]
            new = containers.rebuild(self.arguments, iter(self.inputs))
            replaced = dict(zip(positions, new, strict=True))
            result = function(*(replaced.get(i, x) for i, x in enumerate(args)), **kwargs)
        self.output: Any = result
        self.aux: Any = None
        if has_aux:
            if not (isinstance(result, tuple | list) and len(result) == 2):
                raise TypeError(
                    "with has_aux=True the function should return a pair, of what is "
                    f"differentiated and anything else, but it returned {described(result)}"
                )
            self.output, self.aux = result
        self.outputs = containers.leaves(self.output)
        for output in self.outputs:
            if not isinstance(output, Tensor):
                raise TypeError(
                    f"the function should return tensors, but it returned a "
                    f"{type(output).__name__}; use has_aux=True for what has no gradient"
                )
        self.gave_tensors = any(isinstance(x, Variable) for x in given)
        self.in_a_graph = recording and _reaches_beyond(self.outputs, self.inputs)
        if any(isinstance(x, Tensor) for x in containers.leaves(self.aux)):
            self.aux = containers.apply(
                lambda x: self.plain(x) if isinstance(x, Tensor) else x, self.aux
            )
        _inputs_of_the_past.update(
            x._edge for x in self.inputs if isinstance(x._edge, AccumulateGrad)
        )

    def gradients(self, seeds: Sequence[Any], recorded: bool = False) -> list[Tensor]:
        """Return the gradient of each input, given one for each output (None for no matter)."""
        _check_like(self.outputs, seeds, "the gradients of the outputs")
        which = RecordedPass if recorded else self.pass_for(seeds)
        return _gradients(self.outputs, seeds, self.inputs, which)

    def pass_for(self, seeds: Sequence[Any]) -> type[Pass]:
        """Return the pass that is recorded, if something outside may ask for its derivative."""
        asked = any(isinstance(seed, Variable) and seed._edge is not None for seed in seeds)
        return RecordedPass if self.in_a_graph or (asked and is_grad_enabled()) else Pass

    def rows(self, position: int) -> list[Tensor]:
        """Return the Jacobians of one output towards each input."""
        output = self.outputs[position]
        if output.size == 0:
            return [_tensor(np.zeros(output.shape + x.shape, x.dtype)) for x in self.inputs]
        units = np.eye(output.size, dtype=output.dtype).reshape(-1, *output.shape)
        if self.in_a_graph:
            one_by_one = [_gradients([output], [u], self.inputs, RecordedPass) for u in units]
            stacked = [RowsBackward.call(*of_input) for of_input in zip(*one_by_one, strict=True)]
        else:
            chunks = [units[i : i + ROWS] for i in range(0, len(units), ROWS)]
            batches = [_gradients([output], [c], self.inputs, BatchedPass) for c in chunks]
            stacked = [
                _tensor(np.concatenate([t._data for t in b])) for b in zip(*batches, strict=True)
            ]
        return [
            rows.reshape(output.shape + x.shape)
            for rows, x in zip(stacked, self.inputs, strict=True)
        ]

    def by_argument(self, tensors: Sequence[Tensor]) -> Any:
        """Return one tensor for each input in the containers of the arguments."""
        trees = containers.rebuild(self.arguments, map(self.plain_gradient, tensors))
        return trees[0] if self.one_argument else trees

    def like_output(self, tensors: Sequence[Tensor], are_gradients: bool = False) -> Any:
        """Return one tensor for each output in the containers of the output."""
        plain = self.plain_gradient if are_gradients else self.plain
        return containers.rebuild(self.output, map(plain, tensors))

    def plain_gradient(self, tensor: Tensor) -> Any:
        """Return a gradient as what the caller works with; one that was recorded stays a tensor."""
        return self.plain(tensor) if tensor._edge is None else tensor

    def plain(self, tensor: Tensor) -> Any:
        """Return a tensor as what the caller works with: in its graph, without one, or an array."""
        if self.in_a_graph:
            return tensor
        return tensor.detach() if self.gave_tensors else tensor.data


_inputs_of_the_past: WeakSet[AccumulateGrad] = WeakSet()
"""Leaves that transforms made of arrays, and that nobody can differentiate by any more."""

ROWS = 64
"""How many rows of a Jacobian go back at once; more would only take more memory."""


def _positions(argnums: Argnums, count: int) -> tuple[int, ...]:
    """Return the arguments to differentiate by, counted from 0."""
    if count == 0:
        raise ValueError("a function is differentiated by positional arguments, but none was given")
    given = tuple(argnums) if isinstance(argnums, tuple | list) else (argnums,)
    if not all(isinstance(position, int) for position in given):
        raise TypeError(f"argnums should be an integer or a tuple of them, but it is {argnums!r}")
    if not given or any(not -count <= position < count for position in given):
        raise ValueError(f"argnums={argnums} is no choice among {count} positional arguments")
    positions = tuple(position % count for position in given)
    if len(set(positions)) < len(positions):
        raise ValueError(f"argnums={argnums} names one of {count} arguments twice")
    return positions


def _arguments(op: str, given: Any) -> tuple[Any, ...]:
    """Return a sequence of arguments, or of their tangents, as a tuple."""
    if not isinstance(given, tuple | list):
        raise TypeError(
            f"{op}: primals and tangents should be sequences with one entry for each argument, "
            f"(x,) for one x, but {described(given)}, was given"
        )
    return tuple(given)


def _zeros_like(tensor: Tensor) -> Tensor:
    return _tensor(np.zeros(tensor.shape, tensor.dtype))


def _input(value: Any, recording: bool) -> Tensor:
    """Return an input of our own: a view in the graph of a tensor that has one, or a new leaf."""
    if recording and isinstance(value, Tensor) and value.requires_grad:
        return value.reshape(value.shape)
    return _tensor(value).requires_grad_()


def _tensor(value: Any) -> Tensor:
    tensor: Tensor = Variable._make(
        value._data if isinstance(value, Variable) else as_array(value), None
    )
    return tensor


def _reaches_beyond(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> bool:
    """Whether the graph of the outputs leads to a leaf that is no input of ours."""
    if any(not x.is_leaf for x in inputs):
        return True
    ours = {x._edge for x in inputs}
    seen: set[Edge | None] = {None}
    waiting = [x._edge for x in outputs]
    while waiting:
        edge = waiting.pop()
        if edge in seen or edge is None:
            continue
        if isinstance(edge, AccumulateGrad) and not (edge in ours or edge in _inputs_of_the_past):
            return True
        seen.add(edge)
        waiting.extend(edge.next_functions)
    return False


def _gradients(
    outputs: Sequence[Tensor], seeds: Sequence[Any], inputs: Sequence[Tensor], which: type[Pass]
) -> list[Tensor]:
    """Return what the seeds at the outputs send to the inputs, zeros where nothing arrives."""
    roots = [
        (output._edge, seed)
        for output, seed in zip(outputs, seeds, strict=True)
        if output._edge is not None and seed is not None
    ]
    found = which(retain_graph=True).towards([x._edge for x in inputs], roots)
    rows = [len(seeds[0])] if which is BatchedPass else []
    return [
        gradient
        if isinstance(gradient, Tensor)
        else _tensor(np.zeros((*rows, *x.shape), x.dtype) if gradient is None else gradient)
        for gradient, x in zip(found, inputs, strict=True)
    ]


def _check_like(tensors: Sequence[Tensor], given: Sequence[Any], what: str) -> None:
    if len(given) != len(tensors):
        raise ValueError(f"{what} should be {len(tensors)}, but {len(given)} were given")
    for tensor, value in zip(tensors, given, strict=True):
        if value is not None and np.shape(value) != tensor.shape:
            raise ValueError(
                f"{what} should have the shapes of what they belong to, but one of shape "
                f"{np.shape(value)} was given for {tensor.shape}"
            )
