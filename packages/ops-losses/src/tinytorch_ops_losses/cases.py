"""Sample inputs and mistakes that the losses share, for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from tinytorch.samples import BadInput, Sample, bad, sample, uniform

from .reduction import REDUCTIONS

SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (4,), (2, 3), (4, 1), (0, 3), (2, 1, 3))

Range = tuple[float, float]


def pairs(
    inputs: Range = (-2, 2), targets: Range = (-2, 2), *variants: Mapping[str, Any]
) -> list[Sample]:
    """Return predictions with a target for each, in all shapes; one shape for further variants."""
    return [
        sample(uniform(shape, *inputs), uniform(shape, *targets, seed=1), reduction=reduction)
        for shape in SHAPES
        for reduction in REDUCTIONS
    ] + [
        sample(uniform((2, 3), *inputs), uniform((2, 3), *targets, seed=1)),
        sample(uniform((2, 3), *inputs), uniform((3, 2), *targets, seed=1).T),
        *(
            sample(uniform((2, 3), *inputs), uniform((2, 3), *targets, seed=2), **variant)
            for variant in variants
        ),
    ]


def signed_pairs(inputs: Range = (-2, 2), *variants: Mapping[str, Any]) -> list[Sample]:
    """Return predictions with a label 1 or -1 for each."""
    return [
        sample(uniform(shape, *inputs), signs(shape), reduction=reduction)
        for shape in SHAPES
        for reduction in REDUCTIONS
    ] + [
        sample(uniform((2, 3), *inputs), signs((2, 3)).astype(np.int32)),
        *(sample(uniform((2, 3), *inputs), signs((2, 3), 1), **variant) for variant in variants),
    ]


def signs(shape: tuple[int, ...], seed: int = 0) -> Any:
    """Return labels 1 and -1, integers."""
    return np.asarray(np.where(uniform(shape, seed=seed + 7) > 0, 1, -1))


def mistakes(inputs: Any, target: Any, **parameters: Any) -> list[BadInput]:
    """Return calls with a wrong shape, dtype or reduction, made of three predictions that do."""
    return [
        bad(ValueError, r"reshape\(\(3, 1\)\)", inputs[:, None], target, **parameters),
        bad(ValueError, "target of its own", inputs, target[:2], **parameters),
        bad(
            ValueError,
            "reduction should be one of",
            inputs,
            target,
            **{**parameters, "reduction": "max"},
        ),
        bad(TypeError, "predictions come first", np.arange(3), target, **parameters),
        bad(TypeError, "predictions come first.*|dtype object", None, target, **parameters),
        bad(TypeError, "target should hold numbers", uniform(()), None, **parameters),
    ]


def bad_weights(name: str, inputs: Any, target: Any, way: str) -> list[BadInput]:
    """Return calls with weights that do not fit three predictions."""
    return [
        bad(ValueError, way, inputs, target, **{name: np.ones((2, 3))}),
        bad(TypeError, f"{name} should hold real numbers", inputs, target, **{name: "heavy"}),
    ]
