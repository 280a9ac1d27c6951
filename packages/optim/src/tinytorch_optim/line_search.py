"""The line search of LBFGS: it looks for a step length that meets the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite, sqrt
from typing import NamedTuple

from tinytorch import Array

DECREASE, CURVATURE = 1e-4, 0.9
"""What the two conditions ask for: c₁ and c₂ of Nocedal and Wright."""


class Point(NamedTuple):
    """A point on the line."""

    length: float
    """How far it is from the start, in lengths of the direction."""
    loss: float
    gradient: Array
    slope: float
    """The derivative of the loss along the line."""


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    length: float,
    *,
    limit: int,
    is_short: Callable[[float], bool],
) -> Point:
    """Return a point that meets the conditions.

    The line is followed until an interval has such a point inside, and the interval is narrowed
    then. If it becomes too short, or more than `limit` points are evaluated, its lower end has to
    do. Nocedal and Wright (2006), Numerical optimization, algorithms 3.5 and 3.6.
    """

    def is_too_high(point: Point) -> bool:
        return point.loss > start.loss + DECREASE * point.length * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -CURVATURE * start.slope

    previous, point, count = start, evaluate(length), 1
    while count <= limit:
        if is_too_high(point) or (count > 2 and point.loss >= previous.loss):
            break
        if is_flat(point):
            return point
        if point.slope >= 0:
            break
        least = point.length + 0.01 * (point.length - previous.length)
        length = cubic_minimum((previous, point), least, 10 * point.length)
        previous, point, count = point, evaluate(length), count + 1
    else:
        previous = start

    ends = [previous, point]
    low, high = _by_loss(ends)
    was_close = False
    while count <= limit:
        left, right = sorted(end.length for end in ends)
        if is_short(right - left):
            break
        length = cubic_minimum(ends, left, right)
        margin = 0.1 * (right - left)
        is_close = min(right - length, length - left) < margin
        if is_close and (was_close or not left < length < right):
            is_left = abs(length - left) <= abs(length - right)
            length, is_close = left + margin if is_left else right - margin, False
        was_close = is_close
        point, count = evaluate(length), count + 1
        if is_too_high(point) or point.loss >= ends[low].loss:
            ends[high] = point
            low, high = _by_loss(ends)
            continue
        if is_flat(point):
            return point
        if point.slope * (ends[high].length - ends[low].length) >= 0:
            ends[high] = ends[low]
        ends[low] = point
    return ends[low]


def _by_loss(ends: list[Point]) -> tuple[int, int]:
    return (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)


def cubic_minimum(points: Iterable[Point], least: float, most: float) -> float:
    """Return where the cubic through two points, with their slopes, has its minimum.

    It is held between two bounds, and is the middle of them where the cubic has no minimum. Nocedal
    and Wright (2006), equation 3.59.
    """
    a, b = sorted(points, key=lambda point: point.length)
    width = b.length - a.length
    if width:
        mean = a.slope + b.slope - 3 * (b.loss - a.loss) / width
        square = mean * mean - a.slope * b.slope
        root = sqrt(square) if square >= 0 else 0.0
        divisor = b.slope - a.slope + 2 * root
        if square >= 0 and divisor:
            length = b.length - width * ((b.slope + root - mean) / divisor)
            if isfinite(length):
                return min(max(length, least), most)
    return (least + most) / 2
