"""Operations without a class of one's own: from a derivative, or from a closure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from .arguments import described, require_function
from .arrays import Array
from .function import Function
from .operation import Operation
from .samples import Sample, broadcasting, uniform
from .samples import elementwise as samples_of_one
from .tensor import Tensor


def elementwise(
    name: str,
    *,
    forward: Callable[..., Any],
    derivative: Callable[..., Any] | Sequence[Callable[..., Any]],
    doc: str = "",
    domain: tuple[float, float] = (-2.0, 2.0),
    avoid: Sequence[float] = (),
    **fields: Any,
) -> Operation:
    """Make an elementwise operation from a function and its derivative.

    Both are written in plain NumPy. For gradients of gradients the derivative runs on Tensors, as
    any rule does: it may use operators, NumPy's functions and other operations. The gradient is
    that of the output times the derivative, summed down to the shape of the input.

    Parameters
    ----------
    name : str
        The name of the operation, and of its method unless `method` says otherwise.
    forward : callable
        Takes as many arrays as there are derivatives, and then the parameters of the operation.
    derivative : callable, or sequence of them
        One for each input, called with all inputs and parameters. Of one input, itself.
    doc : str
        The docstring of the public function; by default that of `forward`.
    domain : (float, float)
        Between these lie the numbers of the samples, unless `samples` is given.
    avoid : sequence of float
        Points where there is no derivative, for samples of one input.
    **fields
        The other fields of the Operation: ``method``, ``samples``, ``bad_inputs``, ``reference``...

    Returns
    -------
    Operation
        Calling it calls its function. The function takes Tensors, arrays and numbers of shapes that
        broadcast, and gives a Tensor of the broadcast shape, or an array if it is given no Tensor.

    Raises
    ------
    TypeError
        If the forward, or a derivative, is no function, or the forward takes fewer arguments than
        there are derivatives.
    ValueError
        If there is no derivative.

    Examples
    --------
    >>> lorentz = elementwise(
    ...     "lorentz",
    ...     forward=lambda x: 1 / (1 + x * x),
    ...     derivative=lambda x: -2 * x / (1 + x * x) ** 2,
    ...     doc="Lorentz curve 1 / (1 + x^2), elementwise.",
    ... )
    >>> lorentz(Tensor([1.0]))
    Tensor(data=[0.5], shape=(1,))
    """
    derivatives = tuple(derivative) if isinstance(derivative, Sequence) else (derivative,)
    if not isinstance(name, str):
        raise TypeError(f"elementwise: name should be a string, but it is {described(name)}")
    if not derivatives:
        raise ValueError(f"elementwise: {name!r} should have a derivative for each of its inputs")
    for rule in (forward, *derivatives):
        require_function("elementwise", f"forward and derivative of {name!r}", rule)
    signature = _signature(name, forward, len(derivatives))

    class Rule(Function):
        batched = True

        def forward(self, *inputs: Any, **parameters: Any) -> Any:
            self.save(*inputs)
            self.parameters = parameters
            return forward(*inputs, **parameters)

        def apply(self, grad_output: Any) -> Any:
            inputs = self.saved
            return tuple(
                grad_output * rule(*inputs, **self.parameters) if needed else None
                for rule, needed in zip(derivatives, self.needs_input_grad, strict=True)
            )

    summary = doc or inspect.getdoc(forward) or f"{name}, elementwise."
    names, count = list(signature.parameters), len(derivatives)

    def split(bound: inspect.BoundArguments) -> tuple[Sequence[Any], Mapping[str, Any]]:
        positional = dict(zip(names[count:], bound.args[count:], strict=False))
        return bound.args[:count], positional | bound.kwargs

    gradient = "the output's, times the derivative that was given."
    signature = _annotated(signature, names[:count])
    function = _public(Rule, signature, split, forward, name, summary, gradient)
    fields.setdefault("method", name)
    if "samples" not in fields:
        fields["samples"] = (
            samples_of_one(domain, avoid=avoid)
            if len(derivatives) == 1
            else broadcasting(domain, domain)
            if len(derivatives) == 2
            else [Sample(tuple(uniform((2, 3), *domain, seed=i) for i in range(len(derivatives))))]
        )
    return Operation(function, Rule, **fields)


@overload
def custom_gradient(forward: Callable[..., Any], /) -> Operation: ...


@overload
def custom_gradient(**fields: Any) -> Callable[[Callable[..., Any]], Operation]: ...


def custom_gradient(forward: Callable[..., Any] | None = None, /, **fields: Any) -> Any:
    """Make an operation of a function that returns its result and a closure for its gradient.

    The closure takes the gradient of the result, and returns that of each input: one, or a tuple of
    them in the order of the inputs, None where there is none. What it needs of the forward it finds
    in the variables around it. For gradients of gradients the whole function runs again, on
    Tensors; its inputs are kept for that.

    Parameters
    ----------
    forward : callable
        Its positional parameters are the inputs, given to it as arrays; its keyword-only ones are
        the parameters of the operation. Its name and docstring become the operation's.
    **fields
        The other fields of the Operation: ``method``, ``samples``, ``bad_inputs``, ``reference``...

    Returns
    -------
    Operation
        Calling it calls its function, which takes Tensors, arrays and numbers, and gives a Tensor,
        or an array if it is given no Tensor.

    Raises
    ------
    TypeError
        If it is no function; and by the operation, if the function does not return its
        result and a closure.

    Examples
    --------
    >>> @custom_gradient(method="damped")
    ... def damped(x, *, rate=1.0):
    ...     "Exponential decay exp(-rate x), elementwise."
    ...     result = np.exp(-rate * x)
    ...     return result, lambda grad_output: -rate * grad_output * result
    >>> damped(Tensor([0.0]), rate=2.0)
    Tensor(data=[1.], shape=(1,))
    """
    if forward is None:
        return lambda function: custom_gradient(function, **fields)
    require_function("custom_gradient", "what it decorates", forward)
    function_of_arrays, name = forward, getattr(forward, "__name__", type(forward).__name__)

    class Rule(Function):
        rerun_forward = True

        def forward(self, *inputs: Any, **parameters: Any) -> Any:
            answer = function_of_arrays(*inputs, **parameters)
            if not (isinstance(answer, tuple) and len(answer) == 2 and callable(answer[1])):
                raise TypeError(
                    f"{name}: the function should return its result and a function of the "
                    f"gradient, as custom_gradient says, but it returned {described(answer)}"
                )
            result, gradient = answer
            self.save(gradient)
            return result

        def apply(self, grad_output: Any) -> Any:
            (gradient,) = self.saved
            return gradient(grad_output)

    def split(bound: inspect.BoundArguments) -> tuple[Sequence[Any], Mapping[str, Any]]:
        return bound.args, bound.kwargs

    doc = inspect.getdoc(forward) or ""
    gradient = "by the closure that the function returns."
    signature = inspect.signature(forward)
    positional = [p.name for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    signature = _annotated(signature, positional)
    function = _public(Rule, signature, split, forward, name, doc, gradient)
    return Operation(function, Rule, **fields)


def _signature(name: str, forward: Callable[..., Any], inputs: int) -> inspect.Signature:
    """Return the signature of a function, of which the first parameters are the inputs."""
    if isinstance(forward, np.ufunc):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [inspect.Parameter(letter, kind) for letter in "xyzuvw"[: forward.nin]]
    else:
        parameters = list(inspect.signature(forward).parameters.values())
    if len(parameters) < inputs:
        raise TypeError(
            f"elementwise: forward of {name!r} should take {inputs} arrays, one for each "
            f"derivative, but it takes {len(parameters)}"
        )
    return inspect.Signature(parameters)


def _annotated(signature: inspect.Signature, inputs: Sequence[str]) -> inspect.Signature:
    """Return a signature of functions of arrays as that of the function of Tensors."""
    parameters = [
        p.replace(annotation=Tensor | Array | float) if p.name in inputs else p
        for p in signature.parameters.values()
    ]
    return inspect.Signature(parameters, return_annotation=Tensor)


def _public(
    rule: type[Function],
    signature: inspect.Signature,
    split: Callable[[inspect.BoundArguments], tuple[Sequence[Any], Mapping[str, Any]]],
    like: Callable[..., Any],
    name: str,
    doc: str,
    gradient: str,
) -> Callable[..., Tensor]:
    """Return the function that calls a rule with inputs and parameters, and name both."""

    def function(*arguments: Any, **keywords: Any) -> Tensor:
        inputs, parameters = split(signature.bind(*arguments, **keywords))
        return rule.call(*inputs, **parameters)

    title = "".join(part.capitalize() for part in name.split("_"))
    rule.__name__ = rule.__qualname__ = f"{title}Backward"
    rule.__doc__ = f"{doc.partition(chr(10))[0]} Gradient: {gradient}"
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    if inspect.isfunction(like):
        function.__wrapped__ = like  # type: ignore[attr-defined]  # whose file is the operation's
    function.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for
    rule.__module__ = function.__module__ = getattr(like, "__module__", None) or __name__
    return function
