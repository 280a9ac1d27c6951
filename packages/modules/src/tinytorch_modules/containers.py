"""Modules that hold others in a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self

from .module import Module


class _Row(Module):
    """Layers under the names 0, 1, ..., where all else finds them as attributes like any other."""

    def __init__(self, layers: Iterable[Any]) -> None:
        for layer in layers:
            self.append(layer)

    def append(self, layer: Any) -> Self:
        """Add a layer at the end; return the module itself.

        Raises
        ------
        TypeError
            If it cannot be called.
        """
        if not callable(layer):
            raise TypeError(
                f"{type(self).__name__}: layer {len(self)} should be a Module or something else "
                f"that is called on a tensor, but it is a {type(layer).__name__}"
            )
        setattr(self, str(len(self)), layer)
        return self

    def __len__(self) -> int:
        return sum(map(str.isdigit, vars(self)))

    def __iter__(self) -> Iterator[Any]:
        return (layer for name, layer in vars(self).items() if name.isdigit())

    def _is_layer(self, name: str, value: Any) -> bool:
        return name.isdigit() or super()._is_layer(name, value)


class Sequential(_Row):
    """Layers one after the other, each called on what the one before returned.

    Parameters
    ----------
    *layers : Module or callable
        Functions too, such as `tinytorch_ops_nn.silu`, and layers of the textbook course.

    Examples
    --------
    >>> from tinytorch_modules import Linear, ReLU
    >>> Sequential(Linear(2, 4), ReLU(), Linear(4, 1))
    Sequential(
      (0): Linear(in_features=2, out_features=4, bias=True)
      (1): ReLU()
      (2): Linear(in_features=4, out_features=1, bias=True)
    )
    """

    def __init__(self, *layers: Any) -> None:
        super().__init__(layers)

    def forward(self, x: Any) -> Any:
        """Return what the last layer returns; `x` itself, where there is none."""
        for layer in self:
            x = layer(x)
        return x

    def __getitem__(self, index: int | slice) -> Any:
        """Return a layer, or several as a Sequential that shares them."""
        chosen = list(self)[index]
        return type(self)(*chosen) if isinstance(index, slice) else chosen


class ModuleList(_Row):
    """A list of layers, each of which the program calls as it likes.

    Parameters
    ----------
    modules : iterable of Module
        The layers. In a plain list they would not be found.

    Examples
    --------
    >>> from tinytorch_modules import Linear
    >>> layers = ModuleList(Linear(2, 2) for _ in range(3))
    >>> len(layers.parameters())
    6
    """

    def __init__(self, modules: Iterable[Any] = ()) -> None:
        super().__init__(modules)

    def __getitem__(self, index: int | slice) -> Any:
        """Return a layer, or several as a ModuleList that shares them."""
        chosen = list(self)[index]
        return type(self)(chosen) if isinstance(index, slice) else chosen
