"""The colours of pictures can be told apart by everybody, and texts on them can be read."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tinytorch.inspect.palette import (
    COLOURS,
    DATA,
    DISTRIBUTIONS,
    GROUND,
    INK,
    LINE,
    PARAMETER,
    fills,
)

# Machado, Oliveira and Fernandes (2009), at full severity, on linear RGB.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]
FILLS = (PARAMETER, DATA, *DISTRIBUTIONS)
each_ground = pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])


def linear(colour: str) -> Any:
    c = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: Any) -> Any:
    xyz = np.clip(TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1, 1.08883]), 1e-9, None)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    dark, light = sorted(linear(colour) @ TO_XYZ[1] for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


@each_ground
@pytest.mark.parametrize("sight", SIGHTS)
def test_fills_differ(sight: str, ground: int) -> None:
    """Any two fills differ by at least 15 in CIE Lab, also for colour-blind readers."""
    seen = [lab(SIGHTS[sight] @ linear(colour[ground])) for colour in FILLS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 15


@each_ground
def test_texts_can_be_read(ground: int) -> None:
    """Texts have the contrast that WCAG 2 asks for, on each fill and on the ground; lines less."""
    assert min(contrast(INK[ground], colour[ground]) for colour in (*FILLS, GROUND)) >= 4.5
    assert contrast(LINE[ground], GROUND[ground]) >= 3


def test_no_two_are_one() -> None:
    """No light colour serves twice: by it the dark one is found."""
    assert len({colour.light for colour in COLOURS}) == len(COLOURS)


def test_a_distribution_keeps_its_colour() -> None:
    """Core has one colour in every picture, and each kind of leaf has its own."""
    few, many = fills(["tinytorch-core"]), fills(["other", "data", "tinytorch-core", "parameter"])
    assert few["tinytorch-core"] == many["tinytorch-core"] == DISTRIBUTIONS[0]
    assert (many["data"], many["parameter"]) == (DATA, PARAMETER)
    assert list(few) == ["tinytorch-core"]
