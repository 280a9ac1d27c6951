"""Einstein's notation: sums of products of any number of tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from string import ascii_letters
from typing import Any

import numpy as np
from tinytorch import Operation, ReshapeBackward, Tensor, in_common_dtype
from tinytorch.samples import Sample, bad, sample, uniform

from .contraction import ContractBackward
from .diagonals import DiagonalBackward
from .operands import integers, operand
from .shaping import MovedimBackward


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sum of products in Einstein's notation, of any number of tensors.

    Each axis has a letter. Elements with equal letters are multiplied, and the letters that the
    result does not have are summed over: ``einsum("ij,jk->ik", x, y)`` is the matrix product.

    Several tensors are multiplied two by two, in the order that opt_einsum finds where it is
    installed, or else NumPy, each time by a matrix product (BLAS). Axes of length 1 broadcast, as
    in PyTorch.

    Parameters
    ----------
    equation : str, or Tensor or array
        Letters for the axes of each tensor, separated by commas; ``...`` stands for any number of
        axes, which broadcast. A letter that a tensor has twice means its diagonal. After ``->``
        come the letters of the result; without it, those of ``...`` and then, in the order of the
        alphabet, all that occur once. Or else the first tensor, where lists of numbers take the
        place of letters: ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.
    *operands : Tensor, array or number, or sequence of int
        As many tensors as the equation has terms (also together, in one list); or a list of numbers
        (and Ellipsis) for each tensor, and at the end, if wanted, one for the result.

    Returns
    -------
    Tensor
        Of the axes that the equation says; dtypes promote as in NumPy. The gradient of each tensor
        is the sum of products of the output's with the other tensors.

    Raises
    ------
    TypeError
        If an operand is no tensor, or a label is neither a letter nor a number.
    ValueError
        If the equation does not fit the tensors: their number, dimensions or lengths, or letters of
        the result that no tensor has or that are there twice.

    References
    ----------
    Smith and Gray (2018), opt_einsum, Journal of Open Source Software 3(26):753.

    Examples
    --------
    >>> einsum("ij,j->i", Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 10.0]))
    Tensor(data=[21. 43.], shape=(2,))
    """
    if not isinstance(equation, str):
        equation, operands = _from_lists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0]) if _are_tensors(operands[0]) else operands
    tensors = in_common_dtype(*(operand("einsum", value) for value in operands))
    terms, result = _parsed(equation, tuple([x.ndim for x in tensors]))
    lengths = _lengths(equation, terms, [x.shape for x in tensors])
    reduced = [_broadcast(x, term, lengths) for x, term in zip(tensors, terms, strict=True)]
    times = Counter(label for _, term in reduced for label in set(term))
    kept = {label for label in times if times[label] > 1} | set(result)
    return _product([_reduced(x, term, kept) for x, term in reduced], result)


def _are_tensors(values: Sequence[Any]) -> bool:
    return any(isinstance(value, Tensor | np.ndarray) for value in values)


def _from_lists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the equation and the tensors of a call with lists of numbers in place of letters."""
    lists = arguments[1::2]
    tensors, result = arguments[: 2 * len(lists) : 2], arguments[2 * len(lists) :]
    if not lists:
        raise TypeError(
            "einsum: an equation comes first, as in einsum('ij,jk', x, y), or else each tensor is "
            f"followed by a list of numbers, but only {type(arguments[0]).__name__} was given"
        )
    equation = ",".join(map(_letters, lists))
    return "->".join([equation, *map(_letters, result)]), tensors


_ALPHABET = "".join(sorted(ascii_letters))
"""All letters, in the order in which those of the result come if it is not said."""


def _letters(labels: Any) -> str:
    if not isinstance(labels, tuple | list):
        raise TypeError(
            "einsum: each tensor should be followed by a list of numbers, one for each of its "
            f"axes, but a {type(labels).__name__} was given"
        )
    numbers = integers("einsum", "labels", [x for x in labels if x is not Ellipsis])
    outside = [x for x in numbers if not 0 <= x < len(_ALPHABET)]
    if outside:
        raise ValueError(
            f"einsum: labels should be from 0 to {len(_ALPHABET) - 1}, but {outside[0]} was given"
        )
    return "".join("..." if x is Ellipsis else _ALPHABET[x] for x in labels)


@lru_cache(maxsize=1024)
def _parsed(equation: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """Return the letters of each operand and of the result, with letters in place of dots."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    given = inputs.split(",")
    for term in (*given, output):
        _check_term(equation, term)
    if len(given) != len(ndims):
        raise ValueError(
            f"einsum: the equation {equation!r} is for {len(given)} tensors, but {len(ndims)} were "
            "given"
        )
    covered = max(map(_covered, given, ndims, [equation] * len(ndims)))
    free = [letter for letter in ascii_letters if letter not in equation]
    if covered > len(free):
        raise ValueError(f"einsum: there are not enough letters for all axes in {equation!r}")
    dots = "".join(free[:covered])
    terms = tuple(
        term.replace("...", dots[covered - _covered(term, ndim, equation) :])
        for term, ndim in zip(given, ndims, strict=True)
    )
    if not arrow:
        times = Counter(inputs.replace(".", "").replace(",", ""))
        return terms, dots + "".join(sorted(letter for letter in times if times[letter] == 1))
    result = output.replace("...", dots)
    faulty = [x for x in result if result.count(x) > 1 or not any(x in term for term in terms)]
    if faulty:
        raise ValueError(
            f"einsum: each letter of the result should occur in it once, and in some tensor, but "
            f"{faulty[0]!r} in {equation!r} does not"
        )
    return terms, result


def _check_term(equation: str, term: str) -> None:
    letters = term.replace("...", "", 1)
    if not all(letter in _ALPHABET for letter in letters):
        raise ValueError(
            f"einsum: a term is made of letters from a to z and A to Z, and at most one '...', but "
            f"{term!r} in {equation!r} is not"
        )


def _covered(term: str, ndim: int, equation: str) -> int:
    """Return how many axes the dots of a term stand for."""
    letters = len(term.replace("...", ""))
    if ndim < letters or (ndim > letters and "..." not in term):
        raise ValueError(
            f"einsum: the term {term!r} of {equation!r} names {letters} axes, but the tensor has "
            f"{ndim} dimensions"
        )
    return ndim - letters


def _lengths(
    equation: str, terms: Iterable[str], shapes: Iterable[tuple[int, ...]]
) -> dict[str, int]:
    """Return the length of the axes of each letter, and refuse any that differ."""
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, int] = {}
        for letter, length in zip(term, shape, strict=True):
            known = lengths.get(letter, 1)
            if own.setdefault(letter, length) != length or 1 != known != length != 1:
                raise ValueError(
                    f"einsum: axes of one letter should have equal lengths, or length 1, but those "
                    f"of {letter!r} in {equation!r} have lengths {known} and {length}; the shapes "
                    f"are {', '.join(map(str, shapes))}"
                )
            lengths[letter] = length if known == 1 else known
    return lengths


def _broadcast(x: Any, term: str, lengths: dict[str, int]) -> tuple[Any, str]:
    """Return an operand without the axes of length 1 that stand for longer ones."""
    own = [y for y, length in zip(term, x.shape, strict=True) if length == lengths[y]]
    if len(own) == len(term):
        return x, term
    shape = tuple(lengths[letter] for letter in own)
    return ReshapeBackward.call(x, shape=shape), "".join(own)


def _reduced(x: Any, term: str, kept: set[str]) -> tuple[Any, str]:
    """Return an operand with each letter once, and without those that nothing else has."""
    for letter in sorted({letter for letter in term if term.count(letter) > 1}):
        while term.count(letter) > 1:
            axes = term.index(letter), term.rindex(letter)
            x = DiagonalBackward.call(x, offset=0, axes=axes)
            term = "".join(y for i, y in enumerate(term) if i not in axes) + letter
    lone = tuple(axis for axis, letter in enumerate(term) if letter not in kept)
    if lone:
        x = x.sum(axis=lone)
        term = "".join(letter for letter in term if letter in kept)
    return x, term


def _product(operands: list[tuple[Any, str]], result: str) -> Tensor:
    """Multiply the operands two by two, summing over each letter when all that have it are in."""
    shapes = tuple(x.shape for x, _ in operands)
    for step in _path(tuple(term for _, term in operands), result, shapes):
        chosen = [operands.pop(position) for position in sorted(step, reverse=True)]
        while len(chosen) > 1:
            (a, of_a), (b, of_b) = chosen.pop(), chosen.pop()
            others = [*operands, *chosen]
            needed = result + "".join(term for _, term in others)
            own = [letter for letter in dict.fromkeys(of_a + of_b) if letter in needed]
            term = "".join(own) if others else result
            chosen.append((ContractBackward.call(a, b, terms=(of_a, of_b, term)), term))
        operands.extend(chosen)
    ((x, term),) = operands
    places = tuple(result.index(letter) for letter in term)
    # Also where nothing moves: the result is not the operand itself.
    return MovedimBackward.call(x, source=tuple(range(len(places))), destination=places)


@lru_cache(maxsize=1024)
def _path(
    terms: tuple[str, ...], result: str, shapes: tuple[tuple[int, ...], ...]
) -> list[tuple[int, ...]]:
    """Return the positions that are multiplied, step by step; products come in at the end."""
    if len(terms) <= 2:
        return [tuple(range(len(terms)))]
    equation = f"{','.join(terms)}->{result}"
    try:
        path = import_module("opt_einsum").contract_path(equation, *shapes, shapes=True)[0]
    except ImportError:
        stand_ins = [np.broadcast_to(np.zeros(()), shape) for shape in shapes]
        path = np.einsum_path(equation, *stand_ins, optimize="greedy")[0][1:]
    return [tuple(step) for step in path]


def _numpy_einsum(*operands: Any, optimize: Any = False) -> Tensor:
    return einsum(*operands)  # the order of NumPy's `optimize` is found in any case


def _einsums() -> list[Sample]:
    def call(equation: str, *shapes: tuple[int, ...]) -> Sample:
        return sample(equation, *(uniform(shape, seed=i) for i, shape in enumerate(shapes)))

    return [
        call("ij,jk->ik", (2, 3), (3, 4)),
        call("ij,jk", (2, 3), (3, 4)),
        call("ij,jk->ki", (2, 3), (3, 4)),
        call("ba,cb", (2, 3), (4, 2)),
        call("ij,jk->", (2, 3), (3, 4)),
        call("ij,jk->k", (2, 3), (3, 4)),
        call("ij,ij->ij", (2, 3), (2, 3)),
        call("ij,ij->", (2, 3), (2, 3)),
        call("bi,bi->b", (2, 3), (2, 3)),
        call("i,j->ij", (2,), (3,)),
        call("i,j->ji", (2,), (3,)),
        call("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
        call("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 2, 4)),
        call("abc,cbd->da", (2, 3, 4), (4, 3, 2)),
        call("ij->ji", (2, 3)),
        call("ij->ij", (2, 3)),
        call("ba", (2, 3)),
        call("ij->", (2, 3)),
        call("ij->j", (2, 3)),
        call("ii", (3, 3)),
        call("ii->i", (3, 3)),
        call("iji->j", (3, 2, 3)),
        call("iii->i", (2, 2, 2)),
        call("iijj->ij", (2, 2, 3, 3)),
        call("ii,ij->j", (3, 3), (3, 2)),
        call("ij,kl->il", (2, 3), (4, 2)),
        call("...i,...i->...", (2, 1, 3), (4, 3)),
        call("i...,...j->ij...", (2, 3), (3, 4)),
        call("...ij,...jk", (5, 2, 3), (3, 4)),
        call("...", (2, 3)),
        call("...->...", ()),
        call("a...b->b...a", (2, 3, 4, 2)),
        call("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
        call("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)),
        call("i,j,k->kji", (2,), (3,), (4,)),
        call("a,ab,abc,bc->c", (2,), (2, 3), (2, 3, 4), (3, 4)),
        call("ab,bc,cd,de->ae", (2, 3), (3, 2), (2, 4), (4, 2)),
        call("B b, b A -> A B", (2, 3), (3, 4)),
        call(",->", (), ()),
        call("i,->i", (3,), ()),
        call("ij,jk->ik", (0, 3), (3, 4)),
        call("ij,jk->ik", (2, 0), (0, 4)),
        call("ij,ij->i", (2, 3), (2, 1)),
        call("ij,jk->ik", (2, 1), (3, 4)),
        sample(uniform((2, 3)), [0, 1], uniform((3, 4)), [1, 2], [0, 2]),
        sample(uniform((2, 3)), [51, 0], uniform((3, 4)), [0, 25]),
        sample("ij,jk", [uniform((2, 3)), uniform((3, 4))]),
    ]


def _plain_einsum(equation: Any, *operands: Any) -> Any:
    if len(operands) == 1 and isinstance(operands[0], list):
        operands = tuple(operands[0])
    return np.einsum(equation, *operands)


_X, _Y = uniform((2, 3)), uniform((3, 4))

OPERATIONS: list[Operation] = [
    Operation(
        einsum,
        ContractBackward,
        torch="einsum",
        numpy={np.einsum: _numpy_einsum},
        samples=_einsums,
        reference=_plain_einsum,
        bad_inputs=[
            bad(ValueError, "is for 2 tensors, but 1", "ij,jk", _X),
            bad(ValueError, "names 3 axes, but the tensor has 2", "ijk", _X),
            bad(ValueError, "names 1 axes, but the tensor has 2", "i", _X),
            bad(ValueError, "names 1 axes, but the tensor has 0", "i", uniform(())),
            bad(ValueError, "lengths 3 and 2", "ij,jk", _X, _X),
            bad(ValueError, "equal lengths", "ii", _X),
            bad(ValueError, "'k' in 'ij->k' does not", "ij->k", _X),
            bad(ValueError, "'i' in 'ij->ii' does not", "ij->ii", _X),
            bad(ValueError, "made of letters", "i1", _X),
            bad(ValueError, "made of letters", "..j..", _X),
            bad(ValueError, "made of letters", "......", _X),
            bad(ValueError, "made of letters", "ij->->j", _X),
            bad(ValueError, "is for 1 tensors, but 0", "ij"),
            bad(TypeError, "an equation comes first", _X),
            bad(TypeError, "followed by a list of numbers", _X, _X),
            bad(TypeError, "labels should be", _X, [0.5, 1]),
            bad(ValueError, "labels should be from 0 to 51, but 52", _X, [0, 52]),
            bad(TypeError, "einsum: a tensor holds", "ij,jk", _X, None),
        ],
    ),
]
