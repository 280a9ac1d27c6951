"""Module: what a layer has to learn, found among its attributes, and the state that it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import isfunction
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from tinytorch import Array, Tensor

T = TypeVar("T")


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` could not match, where it was not strict."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """A part of a network: it is called, and what it learns is found among its attributes.

    A leaf tensor that requires gradients when it is assigned to an attribute is a parameter, and
    stays one where it is frozen later. A `Module` that is an attribute is a part of this one. A
    subclass defines `forward`; it may have an ``__init__``, which need not call this class's.

    Other objects with a method ``parameters()``, such as a layer of the textbook course, add what
    that returns, under the numbers 0, 1, ...

    Attributes
    ----------
    training : bool
        Whether the module is being trained, on which `Dropout` and the like depend; see `train`.

    Examples
    --------
    >>> class Scale(Module):
    ...     def __init__(self, features):
    ...         self.weight = ones(features, requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return x * self.weight
    >>> scale = Scale(2)
    >>> scale(Tensor([3.0, 4.0])).sum().backward()
    >>> scale.weight.grad
    array([3., 4.], dtype=float32)
    >>> scale.state_dict()
    {'weight': array([1., 1.], dtype=float32)}
    """

    training = True
    _parameter_names: frozenset[str] = frozenset()
    _buffers: Mapping[str, bool] = {}
    """The names of the buffers, and whether each is persistent."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor) and value.requires_grad and value.is_leaf:
            super().__setattr__("_parameter_names", self._parameter_names | {name})
        super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return ``forward`` of the same arguments."""
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output. Each subclass defines it.

        Raises
        ------
        NotImplementedError
            If the subclass does not.
        """
        raise NotImplementedError(
            f"{type(self).__name__} cannot be called, for it does not define forward(self, ...)"
        )

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that is not learnt, such as a running mean, as an attribute.

        Parameters
        ----------
        name : str
            Of the attribute.
        tensor : Tensor or None
            Any shape and dtype. None stands for a buffer that this module does without.
        persistent : bool
            Whether `state_dict` has it.
        """
        self._buffers = {**self._buffers, name: persistent}
        setattr(self, name, tensor)

    # What it consists of.

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules among the attributes, each once, with their names."""
        return _once(self._own_modules())

    def children(self) -> Iterator[Module]:
        """Yield the modules among the attributes, each once."""
        return (child for _, child in self.named_children())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module, named "", and all modules in it, each once, named as in "0.linear"."""
        return _once(_tree(self))

    def modules(self) -> Iterator[Module]:
        """Yield this module and all modules in it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield what is learnt, with names as in "0.weight"; a shared tensor once."""
        return _once(_named(self.named_modules(), Module._own_parameters))

    def parameters(self) -> list[Tensor]:
        """Return what is learnt, a shared tensor once; a list, which can be gone over again."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the tensors that are kept and not learnt, with names as in "1.running_mean"."""
        return _once(_named(self.named_modules(), Module._own_buffers))

    def buffers(self) -> Iterator[Tensor]:
        """Yield the tensors that are kept and not learnt."""
        return (buffer for _, buffer in self.named_buffers())

    def _own_modules(self) -> Iterator[tuple[str, Module]]:
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def _own_parameters(self) -> Iterator[tuple[str, Tensor]]:
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                if name in self._parameter_names and name not in self._buffers and value.is_leaf:
                    yield name, value
            elif not isinstance(value, Module) and _has_parameters(value):
                for number, parameter in enumerate(value.parameters()):
                    yield f"{name}.{number}", parameter

    def _own_buffers(self) -> Iterator[tuple[str, Tensor]]:
        buffers = ((name, getattr(self, name)) for name in self._buffers)
        return ((name, buffer) for name, buffer in buffers if buffer is not None)

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        yield from self._own_parameters()
        yield from (pair for pair in self._own_buffers() if self._buffers[pair[0]])

    # What is done to all of it.

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on all modules in this one, and on itself last; return the module itself."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set `training` of this module and all modules in it; return the module itself."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set `training` to False, as `train(False)` does; return the module itself."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze the parameters, or have them learnt again; return the module itself."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget the gradients: set each parameter's `grad` to None."""
        for parameter in self.parameters():
            parameter.zero_grad()

    # What it knows.

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters and persistent buffers, under PyTorch's names.

        Returns
        -------
        dict of str to array
            In the order of the attributes, parameters first. A shared tensor stands under each of
            its names.
        """
        return {name: _copy(tensor.data, tensor.dtype) for name, tensor in self._state()}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True
    ) -> IncompatibleKeys:
        """Set all parameters and persistent buffers to what `state_dict` returned, here or there.

        Parameters
        ----------
        state_dict : mapping of str to array
            Of the shapes that they have here; converted to the dtypes that they have here. Tensors
            do as well, PyTorch's too.
        strict : bool
            Whether it has to have all names, and no others. It is enough if it has one of the names
            of a shared tensor.

        Returns
        -------
        IncompatibleKeys
            What is missing and what was not expected: nothing, where it is strict.

        Raises
        ------
        ValueError
            If the names are others, or a shape is another one. Nothing has changed then.
        """
        own = dict(self._state())
        given = {name: _array(value) for name, value in state_dict.items()}
        known = [name for name in given if name in own]
        found = {id(own[name]) for name in known}
        missing = [name for name in own if id(own[name]) not in found]
        unexpected = [name for name in given if name not in own]
        reshaped = [
            f"{name} of shape {given[name].shape} in place of {own[name].shape}"
            for name in known
            if given[name].shape != own[name].shape
        ]
        if reshaped or (strict and (missing or unexpected)):
            faults = {"missing": missing, "unexpected": unexpected, "mis-shaped": reshaped}
            listed = "; ".join(f"{what}: {', '.join(x)}" for what, x in faults.items() if x)
            raise ValueError(
                f"load_state_dict: the names and shapes should be those of this "
                f"{type(self).__name__}, but there are {listed}; build the module as the one that "
                "was saved, or pass strict=False where names may differ"
            )
        for tensor, array in [(own[name], _copy(given[name], own[name].dtype)) for name in known]:
            tensor.data = array
        return IncompatibleKeys(missing, unexpected)

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        return _named(_tree(self), Module._own_state)

    # What it looks like.

    def extra_repr(self) -> str:
        """Return what `repr` shows in the brackets; nothing, where a subclass does not say."""
        return ""

    def __repr__(self) -> str:
        layers = [
            f"({name}): {_shown(value)}".replace("\n", "\n  ")
            for name, value in vars(self).items()
            if self._is_layer(name, value)
        ]
        lines = "".join(f"\n  {line}" for line in [*filter(None, [self.extra_repr()]), *layers])
        inside = f"{lines}\n" if layers else self.extra_repr()
        return f"{type(self).__name__}({inside})"

    def _is_layer(self, name: str, value: Any) -> bool:
        return isinstance(value, Module) or _has_parameters(value)


def _has_parameters(value: Any) -> bool:
    """Return whether `value` is a layer, of this package or any other: it has ``parameters()``."""
    return callable(getattr(type(value), "parameters", None))


def _tree(module: Module, name: str = "") -> Iterator[tuple[str, Module]]:
    """Yield a module and all modules in it; one that is in two places twice."""
    yield name, module
    for inner, child in module._own_modules():
        yield from _tree(child, f"{name}.{inner}" if name else inner)


def _named(
    modules: Iterable[tuple[str, Module]], own: Callable[[Module], Iterable[tuple[str, Tensor]]]
) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that `own` finds in each of the modules, with their whole names."""
    for path, module in modules:
        for name, tensor in own(module):
            yield f"{path}.{name}" if path else name, tensor


def _once(pairs: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """Yield each pair whose second object has not been there before."""
    seen: set[int] = set()
    for name, value in pairs:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value


def _shown(layer: Any) -> str:
    """Return what stands for a layer in the tree: its name, if it is a mere function."""
    return layer.__name__ if isfunction(layer) else repr(layer)


def _copy(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return a copy that lies in memory in the order of its axes, as files have it."""
    return np.array(array, dtype, order="C")


def _array(value: Any) -> Array:
    return value.data if isinstance(value, Tensor) else np.asarray(value)
