"""Layers of neural networks for tinytorch, and their weights in files that PyTorch shares."""

from __future__ import annotations

from tinytorch_ops_nn import GELU, ReLU, Sigmoid, Softmax, Tanh

from .attention import MultiHeadAttention, MultiheadAttention
from .containers import ModuleList, Sequential
from .convolution import Conv1d, Conv2d
from .files import load, save
from .layers import Dropout, Embedding, Flatten, Linear
from .module import IncompatibleKeys, Module
from .normalization import BatchNorm1d, BatchNorm2d, LayerNorm

__version__ = "0.1.0"

__all__ = [
    "GELU",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "IncompatibleKeys",
    "LayerNorm",
    "Linear",
    "Module",
    "ModuleList",
    "MultiHeadAttention",
    "MultiheadAttention",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "load",
    "save",
]
