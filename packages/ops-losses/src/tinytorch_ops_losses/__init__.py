"""Loss functions for tinytorch."""

from __future__ import annotations

from .binary import (
    BCEBackward,
    BCEWithLogitsBackward,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)
from .classification import CrossEntropyBackward, cross_entropy
from .modules import BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss
from .regression import MSEBackward, mse_loss

__version__ = "0.1.0"

__all__ = [
    "BCEBackward",
    "BCEWithLogitsBackward",
    "BinaryCrossEntropyLoss",
    "CrossEntropyBackward",
    "CrossEntropyLoss",
    "MSEBackward",
    "MSELoss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "mse_loss",
]
