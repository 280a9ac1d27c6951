"""Operations of neural networks for tinytorch: layers as functions, activations, indexing."""

from __future__ import annotations

from .activations import (
    LogSigmoidBackward,
    SigmoidBackward,
    SoftplusBackward,
    SoftsignBackward,
    TanhBackward,
    logsigmoid,
    sigmoid,
    softplus,
    softsign,
    tanh,
)
from .affine import LinearBackward, bilinear, linear
from .attention import AttentionBackward, scaled_dot_product_attention
from .average_pooling import (
    AdaptiveAvgPoolBackward,
    AvgPoolBackward,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
)
from .batch_norms import BatchNormBackward, InstanceNormBackward, batch_norm, instance_norm
from .bounded import (
    HardsigmoidBackward,
    HardswishBackward,
    HardtanhBackward,
    ReLU6Backward,
    hardsigmoid,
    hardswish,
    hardtanh,
    relu6,
)
from .convolution import conv1d, conv2d
from .correlation import ConvBackward, ConvTransposeBackward
from .dropouts import DropoutBackward, dropout
from .embedding_tables import EmbeddingBackward, embedding, one_hot
from .exponential_rectifiers import CELUBackward, ELUBackward, SELUBackward, celu, elu, selu
from .filling import IndexPutBackward, MaskedFillBackward, index_put, masked_fill
from .gates import GLUBackward, MishBackward, SiLUBackward, glu, mish, silu
from .gathering import (
    GatherAlongBackward,
    ScatterAddBackward,
    gather,
    index_select,
    scatter_add,
    take_along_dim,
)
from .gaussian import GELUBackward, gelu
from .group_norms import GroupNormBackward, group_norm
from .indexing import SliceBackward, getitem
from .interpolation import ResampleBackward, interpolate
from .joining import CatBackward, StackBackward, cat, stack
from .max_pooling import MaxPoolBackward, max_pool1d, max_pool2d
from .modules import GELU, ReLU, Sigmoid, Softmax, Tanh
from .normalization import LayerNormBackward, RMSNormBackward, layer_norm, rms_norm
from .padding import ExtendBackward, PadBackward, pad
from .rectifiers import LeakyReLUBackward, PReLUBackward, ReLUBackward, leaky_relu, prelu, relu
from .shaping import PermuteBackward, permute
from .similarity import cosine_similarity, normalize
from .softmaxes import LogSoftmaxBackward, SoftmaxBackward, log_softmax, softmax
from .splitting import chunk, narrow, select, split, unbind
from .transposed_convolution import conv_transpose1d, conv_transpose2d

__version__ = "0.1.0"

__all__ = [
    "GELU",
    "AdaptiveAvgPoolBackward",
    "AttentionBackward",
    "AvgPoolBackward",
    "BatchNormBackward",
    "CELUBackward",
    "CatBackward",
    "ConvBackward",
    "ConvTransposeBackward",
    "DropoutBackward",
    "ELUBackward",
    "EmbeddingBackward",
    "ExtendBackward",
    "GELUBackward",
    "GLUBackward",
    "GatherAlongBackward",
    "GroupNormBackward",
    "HardsigmoidBackward",
    "HardswishBackward",
    "HardtanhBackward",
    "IndexPutBackward",
    "InstanceNormBackward",
    "LayerNormBackward",
    "LeakyReLUBackward",
    "LinearBackward",
    "LogSigmoidBackward",
    "LogSoftmaxBackward",
    "MaskedFillBackward",
    "MaxPoolBackward",
    "MishBackward",
    "PReLUBackward",
    "PadBackward",
    "PermuteBackward",
    "RMSNormBackward",
    "ReLU",
    "ReLU6Backward",
    "ReLUBackward",
    "ResampleBackward",
    "SELUBackward",
    "ScatterAddBackward",
    "SiLUBackward",
    "Sigmoid",
    "SigmoidBackward",
    "SliceBackward",
    "Softmax",
    "SoftmaxBackward",
    "SoftplusBackward",
    "SoftsignBackward",
    "StackBackward",
    "Tanh",
    "TanhBackward",
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "bilinear",
    "cat",
    "celu",
    "chunk",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_similarity",
    "dropout",
    "elu",
    "embedding",
    "gather",
    "gelu",
    "getitem",
    "glu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "index_put",
    "index_select",
    "instance_norm",
    "interpolate",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "masked_fill",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "narrow",
    "normalize",
    "one_hot",
    "pad",
    "permute",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "scaled_dot_product_attention",
    "scatter_add",
    "select",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "split",
    "stack",
    "take_along_dim",
    "tanh",
    "unbind",
]
