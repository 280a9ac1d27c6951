"""How far float16 is from float64, where many elements are added up."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Tensor

EPS = float(np.finfo(np.float16).eps)


def errors(function: Any, *arrays: Any) -> list[float]:
    """The errors of the result and of each gradient in float16, in units of its precision.

    The arrays are rounded to float16 beforehand. Half a unit is the rounding of the result alone.
    """
    halves = [np.asarray(array, np.float16) for array in arrays]
    got = _result_and_gradients(function, halves)
    exact = _result_and_gradients(function, [array.astype(np.float64) for array in halves])
    assert {array.dtype for array in got} == {np.dtype(np.float16)}
    return [
        float(np.max(abs(a - b)) / np.max(abs(b))) / EPS for a, b in zip(got, exact, strict=True)
    ]


def _result_and_gradients(function: Any, arrays: list[Any]) -> list[Any]:
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    result = function(*leaves)
    drawn = np.random.default_rng(1).uniform(0.5, 1.5, result.shape) / max(1, result.size) ** 0.5
    result.backward(np.asarray(drawn, np.float16).astype(result.dtype))
    return [result.data, *(leaf.grad for leaf in leaves)]
