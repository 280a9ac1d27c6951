"""Rules written out: an array that knows by which formula it came about.

A rule runs on symbols as it runs on arrays. What comes out has the value, the formula in letters,
and the same formula with the numbers in it, as long as all arrays in it are small.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..function import Function

SMALL = 4
"""Elements of an array that is written out within a formula."""
LONGEST = 100
"""Letters of a formula that is still shown."""
_UNKNOWN = "…"
"""What stands for a large array that a rule made without symbols: no formula is shown then."""
_ATOM, _POWER, _PRODUCT, _SUM, _COMPARISON = 5, 4, 3, 2, 1
_SIGNS = {
    "add": ("+", _SUM),
    "subtract": ("-", _SUM),
    "multiply": ("×", _PRODUCT),
    "divide": ("/", _PRODUCT),
    "matmul": ("@", _PRODUCT),
    "power": ("^", _POWER),
    "greater": (">", _COMPARISON),
    "greater_equal": ("≥", _COMPARISON),
    "less": ("<", _COMPARISON),
    "less_equal": ("≤", _COMPARISON),
    "equal": ("=", _COMPARISON),
    "not_equal": ("≠", _COMPARISON),
}


class Term(NamedTuple):
    """A formula, and how strongly its parts hold together."""

    text: str
    strength: int = _ATOM

    def within(self, strength: int) -> str:
        """Return the text as a part of a formula that holds together so strongly."""
        return self.text if self.strength >= strength else f"({self.text})"


class Symbol:
    """An array with the formula by which it came about, in letters and in numbers."""

    def __init__(self, value: Any, letters: Term, numbers: Term) -> None:
        self.value = value
        self.letters = letters
        self.numbers = numbers

    @classmethod
    def named(cls, name: str, value: Any) -> Symbol:
        """Return an array by a name."""
        return cls(value, Term(name), _number(value, name))

    @property
    def formulas(self) -> list[str]:
        """The formula in letters and in numbers, each if it can be shown."""
        texts = [self.letters.text, self.numbers.text]
        return [text for text in texts if len(text) <= LONGEST and _UNKNOWN not in text]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if method != "__call__" or keywords:
            return NotImplemented
        value = ufunc(*map(_value, inputs))
        return _combined(value, _joining(ufunc.__name__), inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        value = function(*map(_value, args), **keywords)
        return _combined(value, _called(function.__name__, keywords), args)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.value, name)
        if name.startswith("__") or not callable(found):
            return found

        def method(*args: Any, **keywords: Any) -> Any:
            value = found(*map(_value, args), **keywords)
            return _combined(value, _called(name, keywords), [self, *args])

        return method

    @property
    def data(self) -> Symbol:
        """The symbol itself, for rules of the textbook's form, which ask a tensor for its array."""
        return self

    @property
    def T(self) -> Any:
        """The symbol with its axes exchanged."""
        return _combined(self.value.T, lambda term: Term(f"{term.within(_ATOM)}ᵀ"), [self])

    def __neg__(self) -> Any:
        return np.negative(self)

    def __getitem__(self, key: Any) -> Any:
        return _combined(self.value[_value(key)], _called("item"), [self, key])


def _binary(ufunc: Any, *, is_reflected: bool = False) -> Callable[[Symbol, Any], Any]:
    if is_reflected:
        return lambda self, other: ufunc(other, self)
    return lambda self, other: ufunc(self, other)


for _name in ("add", "subtract", "multiply", "divide", "matmul", "power"):
    _method = {"subtract": "sub", "multiply": "mul", "divide": "truediv", "power": "pow"}.get(_name)
    setattr(Symbol, f"__{_method or _name}__", _binary(getattr(np, _name)))
    setattr(Symbol, f"__r{_method or _name}__", _binary(getattr(np, _name), is_reflected=True))
for _name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
    _method = {"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le"}.get(_name)
    _method = _method or {"equal": "eq", "not_equal": "ne"}[_name]
    setattr(Symbol, f"__{_method}__", _binary(getattr(np, _name)))


def written_out(node: Function, gradient: Any, results: Sequence[Any]) -> list[list[str]]:
    """Return by which formulas the rule of a node made its results: none where it cannot be said.

    A rule may do what symbols cannot; and what they make of it has to be what it returned.
    """
    twin = copy(node)
    twin.saved = tuple(
        Symbol.named(_letter(node, place, value), value)
        if isinstance(value, ndarray | np.generic)
        else value
        for place, value in enumerate(node.saved)
    )
    twin._given = twin.saved
    try:
        again = twin.apply(Symbol.named("g", gradient))
    except Exception:
        return [[] for _ in results]
    several = again if isinstance(again, tuple | list) else (again,)
    return [
        symbol.formulas if isinstance(symbol, Symbol) and _is_same(symbol.value, result) else []
        for symbol, result in zip(several, results, strict=True)
    ]


def _is_same(value: Any, result: Any) -> bool:
    is_array = isinstance(result, ndarray | np.generic)
    return is_array and np.array_equal(value, result, equal_nan=True)


def _letter(node: Function, place: int, array: Any) -> str:
    """Return what `forward` calls an array that the node saved."""
    tie = node._tie_of(array)
    if tie is None:
        return f"s{place}"
    if tie < 0:
        return "out"
    names = list(inspect.signature(type(node).forward).parameters)[1:]
    own = type(node).forward is not Function.forward
    return names[tie] if own and tie < len(names) else f"x{tie}"


def _value(of: Any) -> Any:
    if isinstance(of, tuple | list):
        return type(of)(map(_value, of))
    return of.value if isinstance(of, Symbol) else of


def _combined(value: Any, join: Callable[..., Term], operands: Any) -> Symbol:
    letters = join(*(x.letters if isinstance(x, Symbol) else _number(x) for x in operands))
    numbers = join(*(x.numbers if isinstance(x, Symbol) else _number(x) for x in operands))
    return Symbol(value, letters, numbers)


def _number(value: Any, name: str = _UNKNOWN) -> Term:
    """Return a value as it stands in a formula; a large array by its name."""
    if isinstance(value, ndarray | np.generic):
        if value.size > SMALL or value.size == 0:
            return Term(name)
        value = value.item() if value.size == 1 else value
    if isinstance(value, bool | int | float):
        return Term(f"{value:.6g}", _ATOM if value >= 0 else _SUM)
    if isinstance(value, ndarray):
        return Term(listed(value.tolist()))
    return Term(str(value) if len(str(value)) < 20 else name)


def listed(values: Any) -> str:
    """Return numbers in nested lists as text."""
    if isinstance(values, list):
        return f"[{', '.join(map(listed, values))}]"
    return f"{values:.4g}"


def _joining(name: str) -> Callable[..., Term]:
    """Return what writes a ufunc between or around its operands."""
    if name == "negative":
        return lambda term: Term(f"-{term.within(_PRODUCT)}", _SUM)
    return _joined(*_SIGNS[name]) if name in _SIGNS else _called(name)


def _joined(sign: str, strength: int) -> Callable[[Term, Term], Term]:
    """Return what puts a sign between two terms, and brackets around them where they are needed."""
    right = strength + (sign not in "+×")
    left = strength + (sign == "^")
    return lambda a, b: Term(f"{a.within(left)} {sign} {b.within(right)}", strength)


def _called(name: str, keywords: Mapping[str, Any] = MappingProxyType({})) -> Callable[..., Term]:
    given = [f"{key}={value}" for key, value in keywords.items()]
    return lambda *terms: Term(f"{name}({', '.join([*(term.text for term in terms), *given])})")
