"""Going over parameters in blocks, so that a rule can be written as its formula reads.

What a rule computes with is never larger than a block, however large the parameter is, and stays in
the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from tinytorch import Array

SIZE = 2**15
"""The elements of a block."""


def blocks(data: Array, gradient: Array, buffers: Iterable[Array]) -> Any:
    """Return a context manager that yields the arrays block by block, each a 1-d array.

    Blocks of the data and of the buffers are written through to the arrays, whatever their layout;
    the gradient is read-only, and is converted to the dtype of the data.
    """
    arrays = [data, gradient, *buffers]
    access: list[Any] = [["readwrite"], ["readonly"], *[["readwrite"]] * (len(arrays) - 2)]
    return np.nditer(
        arrays,
        flags=["buffered", "external_loop", "zerosize_ok"],
        op_flags=access,
        op_dtypes=[data.dtype] * len(arrays),
        casting="same_kind",
        buffersize=SIZE,
    )
