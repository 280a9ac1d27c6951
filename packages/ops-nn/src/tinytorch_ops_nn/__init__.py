"""Operations of neural networks for tinytorch: activations, softmax, slicing, embedding."""

from __future__ import annotations

from .activations import (
    GELUBackward,
    LogSoftmaxBackward,
    ReLUBackward,
    SigmoidBackward,
    SoftmaxBackward,
    TanhBackward,
    gelu,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from .indexing import EmbeddingBackward, SliceBackward, embedding, getitem
from .joining import CatBackward, StackBackward, cat, stack
from .modules import GELU, ReLU, Sigmoid, Softmax, Tanh
from .shaping import PermuteBackward, permute

__version__ = "0.1.0"

__all__ = [
    "GELU",
    "CatBackward",
    "EmbeddingBackward",
    "GELUBackward",
    "LogSoftmaxBackward",
    "PermuteBackward",
    "ReLU",
    "ReLUBackward",
    "Sigmoid",
    "SigmoidBackward",
    "SliceBackward",
    "Softmax",
    "SoftmaxBackward",
    "StackBackward",
    "Tanh",
    "TanhBackward",
    "cat",
    "embedding",
    "gelu",
    "getitem",
    "log_softmax",
    "permute",
    "relu",
    "sigmoid",
    "softmax",
    "stack",
    "tanh",
]
