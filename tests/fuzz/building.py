"""From steps to the lines of a program.

A step is a few small numbers, and whatever they are, a `Builder` makes lines of it: leaving out a
step leaves a program, so that a failure shrinks to few lines.

The arguments of an operation are those of one of its samples, with values of the program in the
place of floating arrays: the values as they are, where the operation takes them, or else small
changes of the sample. The first reaches shapes that no sample has; the second what an operation
asks for, such as a matrix that can be inverted.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from tinytorch import Operation, Tensor
from tinytorch.samples import Sample

from .libraries import RECORDED
from .programs import DETACH, SYMBOLS, Leaf, Line, Pass, Program, Value, flat, run_line

DTYPES = [np.float64, np.float32, np.float16]
MOST_ELEMENTS, MOST_AXES = 200, 5
LARGEST = 100.0
"""Values beyond it are left out, so that differences of sums keep enough digits."""
NEAR = 0.1
"""How far a sample is changed, relative to the spread of its elements."""

A_CONSTANT = 15
"""The source that stands for no value of the program, but for what the sample has."""
OF_SYMMETRIC_MATRICES = ["cholesky"]
"""Operations whose references and counterparts look at one half of a matrix, ours at both."""
CHOOSE_AMONG_EQUALS = ["topk"]
"""Operations whose indices may be others elsewhere, where elements are equal."""


class View(NamedTuple):
    """A step that sees a value in another shape, or a part of it, or converts it."""

    kind: int
    source: int
    recorded: bool


class Cut(NamedTuple):
    """A step that detaches a value."""

    source: int
    recorded: bool


class Call(NamedTuple):
    """A step that calls an operation, with the arguments of one of its samples."""

    operation: Operation
    sample: int
    sources: tuple[int, ...]
    as_they_are: bool
    with_symbol: bool
    recorded: bool


class Refused(Exception):
    """A call does not take the arguments, or gives what a program cannot go on with."""


class Builder:
    """Makes lines of steps, and runs each, so that shapes and values are known."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.lines: list[Line] = []
        self.values: list[Tensor] = []
        self.doubles: list[Tensor] = []
        """The values in float64, which have to lie where the operations are defined as well."""
        self.pool: list[Value] = []
        """The leaves, and the floating results of steps: what further steps take."""
        self.recorded = True

    def add_leaf(self, shape: tuple[int, ...], dtype: Any, requires_grad: bool) -> None:
        """Begin with one more leaf."""
        drawn = np.random.default_rng([len(self.leaves), *shape]).uniform(-2, 2, shape)
        array = np.asarray(drawn, np.float16).astype(dtype)  # the same in every dtype
        self.leaves.append(Leaf(array, requires_grad))
        self.pool.append(Value(len(self.values)))
        self.values.append(Tensor(array, requires_grad))
        self.doubles.append(Tensor(array, requires_grad, np.float64))

    def add(self, step: View | Cut | Call) -> None:
        """Add the lines of a step; none where nothing makes the operation work."""
        self.recorded = step.recorded
        if isinstance(step, Cut):
            self.pool.append(self._line(DETACH, self._source(step.source)))
        elif isinstance(step, View):
            self._attempt(lambda: self._view(step))
        else:
            ways = [self._as_it_is, self._near][0 if step.as_they_are else 1 :]
            self._attempt(*(lambda fit=fit: self._call(step, fit) for fit in ways))

    def program(self, further: Sequence[int], twice: bool) -> Program:
        """What has been added, with a backward from each end and from some values further in."""
        taken = {operand for line in self.lines for operand in line.operands}
        made = [value for line in self.lines for value in line.results]
        graded = [value for value in made if self.values[value.number].requires_grad]
        outputs = [value for value in graded if value not in taken]
        outputs += [graded[-1 - number % len(graded)] for number in further if graded]
        passes = [Pass(value, self._seed(value)) for value in dict.fromkeys(outputs)]
        return Program(tuple(self.leaves), tuple(self.lines), tuple(passes * (1 + twice)))

    def _seed(self, value: Value) -> Any:
        array = self._array(value)
        generator = np.random.default_rng(value.number)
        signs = generator.choice([-1.0, 1.0], array.shape)
        drawn = np.asarray(signs * generator.uniform(0.5, 1.5, array.shape), np.float16)
        return drawn.astype(array.dtype)

    def _attempt(self, *ways: Callable[[], None]) -> None:
        """Take the first way that is not refused."""
        lines, values = len(self.lines), len(self.values)
        for way in ways:
            try:
                return way()
            except Refused:
                del self.lines[lines:], self.values[values:], self.doubles[values:]
        return None

    def _view(self, step: View) -> None:
        source = self._source(step.source)
        ways = _views(self._array(source).shape)
        name, *arguments = ways[step.kind % len(ways)]
        self.pool.append(self._line(name, source, *arguments))

    def _call(self, step: Call, fit: Callable[[Value, Any], Value]) -> None:
        name = step.operation.name
        samples = samples_of(step.operation)
        sample = samples[step.sample % len(samples)]
        sources = iter(step.sources)

        def argument(part: Any) -> Any:
            if isinstance(part, list | tuple) and any(isinstance(x, np.ndarray) for x in part):
                return type(part)(map(argument, part))
            if not isinstance(part, np.ndarray):
                return part
            if part.dtype.kind != "f":
                return Tensor(part)
            number = next(sources, A_CONSTANT)
            if number == A_CONSTANT:
                return Tensor(part.astype(self._array(self._source(0)).dtype))
            return fit(self._source(number), part)

        inputs = [argument(part) for part in sample.inputs]
        if name in OF_SYMMETRIC_MATRICES and isinstance(inputs[0], Value):
            both = self._line("+", inputs[0], self._line("transpose", inputs[0]))
            inputs[0] = self._line("*", both, 0.5)
        call = SYMBOLS.get(name, name) if step.with_symbol else name
        self._line(call, *inputs, **sample.parameters)
        dtype = self._array(self._source(0)).dtype.type
        self.pool += [
            result if self._is_floating(result) else self._line("astype", result, dtype)
            for result in self.lines[-1].results
        ]

    def _line(self, call: str, /, *inputs: Any, **parameters: Any) -> Value:
        """Add a line, and return the first value that it makes."""
        line = Line(call, inputs, parameters, recorded=self.recorded)
        made, in_tuple = _checked(line, self.values)
        in_double, _ = _checked(line.in_double(), self.doubles)
        first = len(self.values)
        results = tuple(Value(first + position) for position in range(len(made)))
        self.values += made
        self.doubles += in_double
        self.lines.append(replace(line, results=results, in_tuple=in_tuple))
        return results[0]

    # How a value becomes an argument.

    def _as_it_is(self, source: Value, sample: Any) -> Value:
        """The value, squeezed between the least and the largest element of the sample."""
        array = self._array(source)
        if not array.size:
            return source
        if not sample.size:
            return self._in_shape(source, sample.shape)
        low, high = float(sample.min()), float(sample.max())
        if low <= array.min() and array.max() <= high:
            return source
        half = (high - low) / 2 or NEAR * max(1.0, abs(low))
        return self._wave(source, half, (low + high) / 2)

    def _near(self, source: Value, sample: Any) -> Value:
        """The sample, changed a little by the value in its shape."""
        value = self._in_shape(source, sample.shape)
        if not sample.size:
            return value
        spread = float(np.ptp(sample)) or max(1.0, abs(float(sample.flat[0])))
        return self._wave(value, NEAR * spread, sample.astype(self._array(value).dtype))

    def _wave(self, source: Value, half: float, middle: Any) -> Value:
        return self._line("+", self._line("*", self._line("sin", source), half), middle)

    def _in_shape(self, source: Value, shape: tuple[int, ...]) -> Value:
        """The elements of a value in another shape, each as often as is needed."""
        given = self._array(source).shape
        if given == shape:
            return source
        if _broadcasts(given, shape):
            return self._line("broadcast_to", source, shape)
        if prod(given) == prod(shape):
            return self._line("reshape", source, shape)
        if not prod(given):
            return self._line("broadcast_to", self._line("sum", source), shape)
        flattened = self._line("reshape", source, -1)
        indices = np.arange(prod(shape)) % prod(given)
        return self._line("reshape", self._line("getitem", flattened, indices), shape)

    def _source(self, number: int) -> Value:
        """One of the pool, counted from the last."""
        return self.pool[-1 - number % len(self.pool)]

    def _is_floating(self, value: Value) -> bool:
        return self._array(value).dtype.kind == "f"

    def _array(self, value: Value) -> Any:
        return self.values[value.number].data


@cache
def samples_of(operation: Operation) -> list[Sample]:
    """The samples of an operation at which its gradient is the derivative, of small numbers."""
    return [sample for sample in operation.make_samples() if sample.smooth and _is_small(sample)]


def _is_small(sample: Sample) -> bool:
    arrays = [part for part in flat(sample.inputs) if isinstance(part, np.ndarray)]
    return all(bool(np.all(abs(array) <= LARGEST)) for array in arrays if array.dtype.kind == "f")


def _checked(line: Line, values: Sequence[Tensor]) -> tuple[list[Tensor], bool]:
    """What a line makes, if a program can go on with it, and whether in a tuple."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, in_tuple = run_line(line, RECORDED, values)
    except (TypeError, ValueError, IndexError) as error:
        raise Refused from error
    for result in made:
        array = result.data
        too_many = array.size > MOST_ELEMENTS or array.ndim > MOST_AXES
        if too_many or not np.all(abs(array.astype(np.float64)) <= LARGEST):
            raise Refused
    if not made:
        raise Refused
    return made, in_tuple


def _broadcasts(given: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(given, shape) == shape
    except ValueError:
        return False


def _views(shape: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """What can be done to a tensor of a shape: names of operations, each with its arguments."""
    ways: list[tuple[Any, ...]] = [
        ("reshape", -1),
        ("unsqueeze", 0),
        ("broadcast_to", (2, *shape)),
        ("transpose",),
        ("reshape", shape[::-1]),
        ("squeeze",),
        ("clone",),
        ("getitem", None),
        *(("astype", dtype) for dtype in DTYPES),
    ]
    if shape:
        ways += [
            ("flip", 0),
            ("getitem", slice(1, None)),
            ("getitem", (..., slice(None, None, 2))),
            ("permute", tuple(range(len(shape)))[::-1]),
            ("unsqueeze", -1),
        ]
    if shape and shape[-1]:
        ways.append(("getitem", (..., -1)))
    return ways
