"""Gradients as values: returned, rather than added to `.grad`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .arguments import described
from .backward import Pass
from .errors import GradientError
from .higher import RecordedPass
from .tensor import Tensor, why_without_gradient


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of the outputs towards the inputs; no `.grad` changes.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        What is differentiated.
    inputs : Tensor or sequence of Tensor
        Leaves or computed tensors that the outputs depend on.
    grad_outputs : array, Tensor, or sequence of them, optional
        The gradient to start from at each output, of its shape; None for 1 at an output of one
        element.
    retain_graph : bool, optional
        Keep what the operations saved, for another backward. By default what `create_graph` says.
    create_graph : bool
        Record the backward itself: the gradients are Tensors then, to be differentiated again.
    allow_unused : bool
        Return None for an input that the outputs do not depend on, instead of raising.

    Returns
    -------
    tuple of array, Tensor or None
        One for each input, of its shape and dtype.

    Raises
    ------
    GradientError
        If an output does not require gradients, an input does not, or the outputs do not depend on
        an input.
    TypeError
        If an output or an input is no Tensor.
    ValueError
        If there are not as many `grad_outputs` as outputs.

    Examples
    --------
    >>> x = Tensor([3.0], requires_grad=True)
    >>> (slope,) = grad(x**3, x, create_graph=True)
    >>> (curvature,) = grad(slope, x)
    >>> curvature
    array([18.], dtype=float32)
    """
    output_list, input_list = _tensors("outputs", outputs), _tensors("inputs", inputs)
    seeds = _one_each(grad_outputs, outputs, len(output_list))
    roots = []
    for position, (output, seed) in enumerate(zip(output_list, seeds, strict=True)):
        if output._edge is None:
            raise GradientError(
                "grad: the outputs should be tensors that require gradients, "
                f"but output {position} {why_without_gradient(output)}"
            )
        roots.append((output._edge, output._seed(seed)))
    for position, x in enumerate(input_list):
        if x._edge is None and not allow_unused:
            raise GradientError(
                f"grad: input {position} does not require gradients; make it with "
                "requires_grad=True, or pass allow_unused=True for None in its place"
            )
    keep = create_graph if retain_graph is None else retain_graph
    which = RecordedPass if create_graph else Pass
    gradients = which(keep).towards([x._edge for x in input_list], roots)
    for position, gradient in enumerate(gradients):
        if gradient is None and not allow_unused:
            raise GradientError(
                f"grad: the outputs do not depend on input {position}; pass allow_unused=True for "
                "None in its place"
            )
    return tuple(
        gradient if gradient is None or gradient.shape == x.shape else gradient.reshape(x.shape)
        for gradient, x in zip(gradients, input_list, strict=True)
    )


def _tensors(what: str, given: Any) -> list[Tensor]:
    """Return one tensor, or several, as a list."""
    is_one = isinstance(given, Tensor) or not isinstance(given, Iterable)
    listed = [given] if is_one else list(given)
    for position, x in enumerate(listed):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"grad: {what} should be a Tensor or a sequence of Tensors, but number {position} "
                f"is {described(x)}"
            )
    return listed


def _one_each(grad_outputs: Any, outputs: Any, count: int) -> list[Any]:
    if grad_outputs is None:
        return [None] * count
    if isinstance(outputs, Tensor):
        wrapped = isinstance(grad_outputs, list | tuple) and len(grad_outputs) == 1
        wrapped = wrapped and (grad_outputs[0] is None or hasattr(grad_outputs[0], "__array__"))
        return [grad_outputs[0] if wrapped else grad_outputs]
    if not isinstance(grad_outputs, Iterable):
        raise TypeError(
            f"grad: there are {count} outputs in a sequence, so that grad_outputs should be one, "
            f"too, but it is {described(grad_outputs)}"
        )
    seeds = list(grad_outputs)
    if len(seeds) != count:
        raise ValueError(
            f"grad: there are {count} outputs, but {len(seeds)} grad_outputs were given; "
            "pass one for each"
        )
    return seeds
