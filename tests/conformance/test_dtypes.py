"""Every installed operation in float16, float32 and float64, in two of them, and in complex."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Operation
from tinytorch.operation import registry
from tinytorch.samples import Sample
from tinytorch.testing.calls import Call

tinytorch.enable_autograd(quiet=True)

OPERATIONS = [op for name, op in registry.operations.items() if name == op.name]
FLOATS = (np.float16, np.float32, np.float64)
DTYPES = [*((dtype,) for dtype in FLOATS), *permutations(FLOATS, 2)]
LARGEST = 100
"""Elements beyond it are left out: a value near 1000 has an error that is 1000 times as large."""
ROUNDINGS = 64
"""How many times the precision of its dtype a result may be off, next to its largest element."""
NOT_AS_EXACT = {
    "rms_norm": "eps is by default the precision of the input's dtype",
    "group_norm": "a sample has two elements a group, and cancellation leaves little of them",
    "normalize": "a sample has one element a vector, of whose gradient cancellation leaves little",
    "scaled_dot_product_attention": "a sample has scores so large that all weights are near 0 or 1",
}
"""Operations that are another function in another dtype, or have an ill-conditioned sample."""


def rounded(sample: Sample) -> Sample:
    """The sample with numbers that are the same in every dtype."""

    def of(part: Any) -> Any:
        if isinstance(part, list | tuple):
            return type(part)(map(of, part))
        if isinstance(part, np.ndarray) and part.dtype.kind == "f":
            return part.astype(np.float16).astype(np.float64)
        return part

    return Sample(of(sample.inputs), sample.parameters, sample.smooth)


def calls_in_double(operation: Operation) -> Iterator[Call]:
    """The calls of all samples of ordinary numbers, for each output that can be differentiated."""
    for sample in operation.make_samples():
        arrays = Call(operation.function, sample).arrays
        if not sample.smooth or not all(np.all(abs(array) <= LARGEST) for array in arrays):
            continue
        sample = rounded(sample)
        result = operation.function(
            *Call(operation.function, sample).tensors(False)[0], **sample.parameters
        )
        for number in range(len(result) if isinstance(result, list | tuple) else 1):
            call = Call(operation.function, sample, output=number)
            if call.arrays and call().requires_grad:
                yield call


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_floating_dtypes(operation: Operation) -> None:
    """Dtypes promote as in NumPy, gradients have their input's, and all is as exact as that is."""
    for double in calls_in_double(operation):
        weights = double.weights().astype(np.float16).astype(np.float64)
        exact = [double().data, *double.gradients(weights)]
        for dtypes in DTYPES[: 3 if len(double.arrays) < 2 else None]:
            call = Call(operation.function, double.sample, dtypes, double.output)
            with warnings.catch_warnings():  # float16 has few numbers
                warnings.simplefilter("ignore", RuntimeWarning)
                output = call()
                gradients = call.gradients(weights.astype(output.dtype))
            assert output.dtype in promoted(call), f"{operation.name}{double.sample} in {dtypes}"
            for gradient, array in zip(gradients, call.arrays, strict=True):
                assert gradient.dtype == array.dtype or not gradient.any()
            if operation.name not in NOT_AS_EXACT:
                for got, expected in zip([output.data, *gradients], exact, strict=True):
                    require_near(got, expected, f"{operation.name}{double.sample} in {dtypes}")


def promoted(call: Call) -> set[Any]:
    """The dtypes that the result may have: that of the arrays and of NumPy's numbers.

    A list of Python's numbers counts as float32, or not at all where it is weights.
    """
    if "dtype" in call.sample.parameters:
        return {np.dtype(call.sample.parameters["dtype"])}
    strong = [*call.arrays, *(x for x in call.inputs if isinstance(x, np.floating))]
    lists = [np.float32 for x in call.inputs if isinstance(x, list) and float in map(type, x)]
    return {np.result_type(*strong), np.result_type(*strong, *lists)}


def require_near(got: Any, expected: Any, what: str) -> None:
    finite = np.isfinite(expected)
    largest = float(np.max(abs(expected), where=finite, initial=0.01))
    tolerance = ROUNDINGS * float(np.finfo(got.dtype).eps) * largest
    np.testing.assert_allclose(got[finite], expected[finite], 0, tolerance, err_msg=what)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_complex_is_refused(operation: Operation) -> None:
    """A complex array in the place of any tensor is a TypeError, which names the dtype."""
    sample, *_ = (s for s in operation.make_samples() if s.smooth)
    places = len(Call(operation.function, sample).arrays)
    for place in range(places):
        call = Call(operation.function, sample)
        arrays = [
            array.astype(complex) if n == place else array for n, array in enumerate(call.arrays)
        ]
        call.replace(arrays)
        inputs, _ = call.tensors()
        with pytest.raises(TypeError, match="complex"):
            operation.function(*inputs, **sample.parameters)
