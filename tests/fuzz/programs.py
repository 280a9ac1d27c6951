"""A program of operations: data that any library can run, and that prints itself as Python."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from tinytorch import Tensor

DETACH = "detach"
"""The one call that is no operation: the value again, cut off from the graph."""

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": operator.matmul,
}
SYMBOLS = dict(
    zip(["add", "subtract", "multiply", "divide", "power", "matmul"], OPERATORS, strict=True)
)
"""How operations are called by Python's operators, by their names."""
_NAMES = {symbol: name for name, symbol in SYMBOLS.items()}


@dataclass(frozen=True)
class Value:
    """A value of the program by its number; the leaves come first, then what each line makes."""

    number: int

    def __repr__(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True)
class Leaf:
    """A tensor that the program begins with."""

    array: Any
    requires_grad: bool


@dataclass(frozen=True)
class Line:
    """One call: of an operation by its name, of one of `OPERATORS`, or `DETACH`."""

    call: str
    inputs: tuple[Any, ...]
    parameters: Mapping[str, Any]
    results: tuple[Value, ...] = ()
    in_tuple: bool = False
    """Whether the call returns several tensors, if only one of them."""
    recorded: bool = True
    """Whether the line stands outside of ``no_grad``."""

    @property
    def is_cut(self) -> bool:
        """Whether no gradient passes, so that the results count as constants."""
        return not self.recorded or self.call == DETACH

    @property
    def operands(self) -> list[Value]:
        """The values that the line takes."""
        return [part for part in flat(self.inputs) if isinstance(part, Value)]

    def in_double(self) -> Line:
        """The same with float64 in the place of every other floating dtype."""
        inputs, parameters = _mapped(_doubled, self.inputs), _mapped(_doubled, self.parameters)
        return replace(self, inputs=inputs, parameters=parameters)


@dataclass(frozen=True)
class Pass:
    """One backward from an output, with the gradient that it starts from."""

    output: Value
    seed: Any


@dataclass(frozen=True)
class Program:
    """Leaves, lines, and the backward passes that follow; all but the last keep the graph."""

    leaves: tuple[Leaf, ...]
    lines: tuple[Line, ...]
    passes: tuple[Pass, ...]

    @property
    def operations(self) -> set[str]:
        """The names of the operations in it."""
        return {_NAMES.get(line.call, line.call) for line in self.lines} - {DETACH}

    def in_double(self) -> Program:
        """The same with float64 in the place of every other floating dtype."""
        return Program(
            tuple(replace(leaf, array=_doubled(leaf.array)) for leaf in self.leaves),
            tuple(line.in_double() for line in self.lines),
            tuple(Pass(one.output, _doubled(one.seed)) for one in self.passes),
        )

    def __repr__(self) -> str:
        """The program in Python, to be pasted."""
        text = [
            "import numpy as np",
            "import tinytorch",
            "from numpy import inf, nan",
            "from tinytorch import Tensor, no_grad, ops",
            "",
            "tinytorch.enable_autograd(quiet=True)",
        ]
        for number, leaf in enumerate(self.leaves):
            flag = ", requires_grad=True" if leaf.requires_grad else ""
            text.append(f"v{number} = Tensor({_written(leaf.array)}{flag})")
        for recorded, lines in groupby(self.lines, key=lambda line: line.recorded):
            text += [] if recorded else ["with no_grad():"]
            indent = "" if recorded else "    "
            text += [indent + _statement(line) for line in lines]
        for number, one in enumerate(self.passes, start=1):
            keeps = "" if number == len(self.passes) else ", retain_graph=True"
            text.append(f"{one.output}.backward({_written(one.seed)}{keeps})")
        leaves = enumerate(self.leaves)
        graded = [f"v{number}.grad" for number, leaf in leaves if leaf.requires_grad]
        return "\n".join([*text, f"print({', '.join(graded)})"])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis shows, which else takes it to pieces."""
        printer.text("<the program above>")


@dataclass(frozen=True)
class Library:
    """What runs a program: tinytorch, or another with the same way of working."""

    leaf: Callable[[Any, bool], Any]
    constant: Callable[[Any], Any]
    function: Callable[[str], Callable[..., Any]]
    no_grad: Callable[[], AbstractContextManager[Any]]


Change = Callable[[Line, list[Any]], list[Any]]


def run(
    program: Program,
    library: Library,
    frozen: Sequence[Any] | None = None,
    change: Change = lambda line, results: results,
) -> list[Any]:
    """Return all values of a program, the leaves first.

    Where `frozen` has the values of another run, the results of lines that are cut off are taken
    from there. What a line gives may be changed.
    """
    values = [library.leaf(leaf.array, leaf.requires_grad) for leaf in program.leaves]
    for line in program.lines:
        if frozen is not None and line.is_cut:
            values += [frozen[value.number] for value in line.results]
        else:
            results, _ = run_line(line, library, values)
            values += change(line, results)
    return values


def run_line(line: Line, library: Library, values: Sequence[Any]) -> tuple[list[Any], bool]:
    """Return what one line makes, as a list, and whether there could be several."""

    def argument(part: Any) -> Any:
        return values[part.number] if isinstance(part, Value) else library.constant(part)

    inputs, parameters = _mapped(argument, line.inputs), _mapped(argument, line.parameters)
    if line.call == DETACH:
        return [inputs[0].detach()], False
    function = OPERATORS.get(line.call) or library.function(line.call)
    if line.recorded:
        result = function(*inputs, **parameters)
    else:
        with library.no_grad():
            result = function(*inputs, **parameters)
    in_tuple = isinstance(result, list | tuple)
    return list(result) if in_tuple else [result], in_tuple


def backward(
    program: Program, values: Sequence[Any], as_gradient: Callable[[Any], Any] = lambda seed: seed
) -> None:
    """Run the backward passes."""
    for number, one in enumerate(program.passes, start=1):
        output = values[one.output.number]
        output.backward(as_gradient(one.seed), retain_graph=number < len(program.passes))


def _statement(line: Line) -> str:
    results = ", ".join(map(repr, line.results)) + ("," if line.in_tuple else "")
    arguments = [_written(part) for part in line.inputs]
    arguments += [f"{name}={_written(part)}" for name, part in line.parameters.items()]
    if line.call == DETACH:
        call = f"{arguments[0]}.detach()"
    elif line.call in OPERATORS:
        call = f"{arguments[0]} {line.call} {arguments[1]}"
    else:
        call = f"ops.{line.call}({', '.join(arguments)})"
    return f"{results} = {call}"


def _written(part: Any) -> str:
    """The Python expression for an argument."""
    if isinstance(part, np.ndarray):
        return f'np.array({part.tolist()}, "{part.dtype}").reshape({part.shape})'
    if isinstance(part, Tensor):
        return f"Tensor({_written(part.data)})"
    if isinstance(part, list):
        return f"[{', '.join(map(_written, part))}]"
    if isinstance(part, tuple):
        return f"({', '.join(map(_written, part))}{',' if len(part) == 1 else ''})"
    return f"np.{part.__name__}" if isinstance(part, type) else repr(part)


def flat(part: Any) -> Iterator[Any]:
    """What is in a list or tuple, and in those inside."""
    if isinstance(part, list | tuple):
        for x in part:
            yield from flat(x)
    else:
        yield part


def _mapped(function: Callable[[Any], Any], part: Any) -> Any:
    """Apply a function to what containers hold."""
    if isinstance(part, list | tuple):
        return type(part)(_mapped(function, x) for x in part)
    if isinstance(part, Mapping):
        return {name: _mapped(function, x) for name, x in part.items()}
    return function(part)


def _doubled(part: Any) -> Any:
    if isinstance(part, Tensor):
        return Tensor(_doubled(part.data))
    if isinstance(part, np.ndarray) and part.dtype.kind == "f":
        return part.astype(np.float64)
    if isinstance(part, type) and issubclass(part, np.floating):
        return np.float64
    return part
