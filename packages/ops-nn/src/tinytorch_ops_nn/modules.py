"""The activations as small objects, in the way of the course's layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from tinytorch import Tensor

from . import activations, rectifiers
from .gaussian import gelu
from .softmaxes import softmax


class _Activation(ABC):
    """A function as a layer: it is called, and it has nothing to learn."""

    @abstractmethod
    def forward(self, x: Any) -> Tensor:
        """Return the activation of `x`, of its shape."""

    def __call__(self, x: Any) -> Tensor:
        return self.forward(x)

    def parameters(self) -> list[Tensor]:
        """Return what is to be learnt: nothing."""
        return []

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ReLU(_Activation):
    """`relu` as an object.

    Examples
    --------
    >>> ReLU()(Tensor([-1.0, 2.0]))
    Tensor(data=[0. 2.], shape=(2,))
    """

    def forward(self, x: Any) -> Tensor:
        """Return ``relu(x)``."""
        return rectifiers.relu(x)


class Sigmoid(_Activation):
    """`sigmoid` as an object.

    Examples
    --------
    >>> Sigmoid()(Tensor([0.0]))
    Tensor(data=[0.5], shape=(1,))
    """

    def forward(self, x: Any) -> Tensor:
        """Return ``sigmoid(x)``."""
        return activations.sigmoid(x)


class Tanh(_Activation):
    """`tanh` as an object.

    Examples
    --------
    >>> Tanh()(Tensor([0.0]))
    Tensor(data=[0.], shape=(1,))
    """

    def forward(self, x: Any) -> Tensor:
        """Return ``tanh(x)``."""
        return activations.tanh(x)


class GELU(_Activation):
    """`gelu` as an object.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        As in `gelu`.

    Examples
    --------
    >>> GELU("tanh")(Tensor([0.0, 10.0]))
    Tensor(data=[ 0. 10.], shape=(2,))
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Tensor:
        """Return ``gelu(x, approximate)``."""
        return gelu(x, self.approximate)


class Softmax(_Activation):
    """`softmax` as an object, which may be told the axis when it is called.

    Parameters
    ----------
    dim : int
        The axis, where the call names none.

    Examples
    --------
    >>> Softmax()(Tensor([[1.0, 1.0]]), dim=-1)
    Tensor(data=[[0.5 0.5]], shape=(1, 2))
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any, dim: int | None = None) -> Tensor:
        """Return ``softmax(x, dim)``."""
        return softmax(x, self.dim if dim is None else dim)

    def __call__(self, x: Any, dim: int | None = None) -> Tensor:
        return self.forward(x, dim)
