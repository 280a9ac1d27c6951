"""The losses as the course's callables, which its trainers and milestones make once and call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from tinytorch import Tensor

from .binary import binary_cross_entropy
from .classification import cross_entropy
from .regression import mse_loss


class _Criterion(ABC):
    """A loss as a layer: it is called, and it has nothing to learn."""

    @abstractmethod
    def forward(self, predictions: Any, targets: Any) -> Tensor:
        """Return the loss of the predictions."""

    def __call__(self, predictions: Any, targets: Any) -> Tensor:
        return self.forward(predictions, targets)

    def parameters(self) -> list[Tensor]:
        """Return the parameters to train: none."""
        return []


class MSELoss(_Criterion):
    """Mean of `mse_loss`.

    Examples
    --------
    >>> MSELoss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
    Tensor(data=2., shape=())
    """

    def forward(self, predictions: Any, targets: Any) -> Tensor:
        return mse_loss(predictions, targets)


class BinaryCrossEntropyLoss(_Criterion):
    """Mean of `binary_cross_entropy`, of probabilities.

    Examples
    --------
    >>> BinaryCrossEntropyLoss()(Tensor([0.5, 0.5]), Tensor([1.0, 0.0]))
    Tensor(data=0.6931472, shape=())
    """

    def forward(self, predictions: Any, targets: Any) -> Tensor:
        return binary_cross_entropy(predictions, targets)


class CrossEntropyLoss(_Criterion):
    """Mean of `cross_entropy`, of logits of shape (N, C) and labels of shape (N,).

    Examples
    --------
    >>> CrossEntropyLoss()(Tensor([[0.0, 0.0], [5.0, 5.0]]), Tensor([1.0, 0.0]))
    Tensor(data=0.6931472, shape=())
    """

    def forward(self, predictions: Any, targets: Any) -> Tensor:
        return cross_entropy(predictions, targets)
