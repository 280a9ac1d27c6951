"""The plugin: what `tinytorch.enable_autograd` finds."""

from __future__ import annotations

import tinytorch
from tinytorch import Operation

from . import (
    activations,
    affine,
    attention,
    average_pooling,
    batch_norms,
    bounded,
    convolution,
    dropouts,
    embedding_tables,
    exponential_rectifiers,
    filling,
    gates,
    gathering,
    gaussian,
    group_norms,
    indexing,
    interpolation,
    joining,
    max_pooling,
    normalization,
    padding,
    rectifiers,
    shaping,
    similarity,
    softmaxes,
    splitting,
    transposed_convolution,
)


@tinytorch.hookimpl
def tinytorch_register_ops() -> list[Operation]:
    """Return the operations of this package."""
    families = (
        activations,
        affine,
        attention,
        average_pooling,
        batch_norms,
        bounded,
        convolution,
        dropouts,
        embedding_tables,
        exponential_rectifiers,
        filling,
        gates,
        gathering,
        gaussian,
        group_norms,
        indexing,
        interpolation,
        joining,
        max_pooling,
        normalization,
        padding,
        rectifiers,
        shaping,
        similarity,
        softmaxes,
        splitting,
        transposed_convolution,
    )
    return [operation for family in families for operation in family.OPERATIONS]
