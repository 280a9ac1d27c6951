"""The Backward classes by the textbook's names, made by hand from their inputs, and asked."""

from __future__ import annotations

from math import erf
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tinytorch
import tinytorch_ops_losses as losses
import tinytorch_ops_nn as nn
from tinytorch import Function, SparseGradient, Tensor, sum_to_shape

CORE = ["Add", "Sub", "Mul", "Div", "Matmul", "Sum", "Reshape", "Transpose"]
NN = ["ReLU", "Sigmoid", "Softmax", "GELU", "Permute", "Embedding", "Slice"]
LOSSES = ["MSE", "BCE", "CrossEntropy"]


def draw(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


A, B, ROW = draw(2, 3), draw(2, 3, seed=1) + 3, draw(3, seed=2) + 3
P, T = 1 / (1 + np.exp(A)), 1 / (1 + np.exp(-B))
G, SQUARE, ONE = draw(2, 3, seed=3), draw(2, 2, seed=4), np.array(0.7)
LABELS = np.array([2.0, 0.0])


def softmax(x: Any) -> Any:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def normal_cdf(x: Any) -> Any:
    return (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2


def at(index: Any, gradient: Any, shape: tuple[int, ...]) -> Any:
    spread = np.zeros(shape)
    np.add.at(spread, index, gradient)
    return spread


# The class, what it is made from, the gradient of the output, and what its rule has to answer.
CASES: list[tuple[str, tuple[Any, ...], Any, tuple[Any, ...]]] = [
    ("Add", (A, B), G, (G, G)),
    ("Add", (A, ROW), G, (G, G.sum(0))),
    ("Sub", (A, B), G, (G, -G)),
    ("Sub", (ROW, A), G, (G.sum(0), -G)),
    ("Mul", (A, B), G, (G * B, G * A)),
    ("Mul", (A, ROW), G, (G * ROW, (G * A).sum(0))),
    ("Div", (A, B), G, (G / B, -G * A / B**2)),
    ("Matmul", (A, B.T), SQUARE, (SQUARE @ B, (A.T @ SQUARE))),
    ("Matmul", (A, ROW), G[:, 0], (np.outer(G[:, 0], ROW), A.T @ G[:, 0])),
    ("Sum", (A,), ONE, (np.full((2, 3), 0.7),)),
    ("Sum", (A, 0), G[0], (np.stack([G[0], G[0]]),)),
    ("Sum", (A, 1, True), G[:, :1], (np.repeat(G[:, :1], 3, axis=1),)),
    ("Reshape", (A, (3, 2)), G.reshape(3, 2), (G,)),
    ("Transpose", (A,), G.T, (G,)),
    ("Transpose", (draw(2, 3, 4), 0, 2), draw(4, 3, 2), (draw(4, 3, 2).swapaxes(0, 2),)),
    ("ReLU", (A,), G, (G * (A > 0),)),
    ("Sigmoid", (A,), G, (G * P * (1 - P),)),
    ("Softmax", (A,), G, (softmax(A) * (G - (G * softmax(A)).sum(1, keepdims=True)),)),
    ("Softmax", (A, 0), G, (softmax(A.T).T * (G - (G * softmax(A.T).T).sum(0)),)),
    (
        "GELU",
        (A,),
        G,
        (G * (normal_cdf(A) + A * np.exp(-(A**2) / 2) / np.sqrt(2 * np.pi)),),
    ),
    ("Permute", (draw(2, 3, 4), (2, 0, 1)), draw(4, 2, 3), (draw(4, 2, 3).transpose(1, 2, 0),)),
    ("Embedding", (A, np.array([1, 1, 0])), draw(3, 3), (at([1, 1, 0], draw(3, 3), (2, 3)), None)),
    (
        "Embedding",
        (A, np.array([[1.0, 1.0]])),
        draw(1, 2, 3),
        (at([[1, 1]], draw(1, 2, 3), (2, 3)), None),
    ),
    ("Slice", (A, (slice(None), 1)), G[:, 0], (at((slice(None), 1), G[:, 0], (2, 3)),)),
    ("Slice", (A, [0, 0, 1]), draw(3, 3), (at([0, 0, 1], draw(3, 3), (2, 3)),)),
    ("MSE", (A, B), ONE, (0.7 * (A - B) / 3, 0.7 * (B - A) / 3)),
    ("BCE", (P, T), ONE, (0.7 * (P - T) / (P * (1 - P)) / 6, 0.7 * np.log(1 / P - 1) / 6)),
    ("CrossEntropy", (A, LABELS), ONE, ((softmax(A) - np.eye(3)[[2, 0]]) * 0.35, None)),
]


def backward_class(name: str) -> type[Function]:
    home: ModuleType = tinytorch if name in CORE else nn if name in NN else losses
    found: type[Function] = getattr(home, f"{name}Backward")
    return found


def tensors(inputs: tuple[Any, ...]) -> list[Any]:
    """The floating arrays as tensors, of which all but labels and indices ask for gradients."""
    return [
        Tensor(value, requires_grad=value.dtype.kind == "f" and value is not LABELS)
        if isinstance(value, np.ndarray)
        else value
        for value in inputs
    ]


def answers(node: Function, gradient: Any) -> tuple[Any, ...]:
    given = node.apply(gradient)
    return tuple(
        answer.to_dense() if isinstance(answer, SparseGradient) else answer
        for answer in (given if isinstance(given, tuple) else (given,))
    )


each_case = pytest.mark.parametrize(
    ("name", "inputs", "gradient", "expected"),
    [pytest.param(*case, id=f"{case[0]}-{number}") for number, case in enumerate(CASES)],
)


@each_case
def test_asked(name: str, inputs: Any, gradient: Any, expected: tuple[Any, ...]) -> None:
    """A record made from the inputs, and nothing else, answers with their gradients."""
    node = backward_class(name)(*tensors(inputs))
    given = answers(node, gradient)
    assert len(given) == len(expected)
    for answer, wanted in zip(given, expected, strict=True):
        assert (answer is None) == (wanted is None)
        if wanted is not None:
            answer = sum_to_shape(np.asarray(answer), wanted.shape)
            np.testing.assert_allclose(answer, wanted, rtol=1e-9)


@each_case
def test_attached(name: str, inputs: Any, gradient: Any, expected: tuple[Any, ...]) -> None:
    """A record attached to a result that was computed apart carries its gradient to the inputs."""
    made_from = tensors(inputs)
    result = Tensor(np.zeros_like(gradient))
    result._grad_fn = backward_class(name)(*made_from)
    (result * 2).backward(gradient)
    for tensor, wanted in zip(made_from, expected, strict=False):
        if wanted is not None:
            np.testing.assert_allclose(tensor.grad, 2 * wanted, rtol=1e-9)


def test_all_are_tried() -> None:
    """There is a case for each of the textbook's classes."""
    assert {name for name, *_ in CASES} == {*CORE, *NN, *LOSSES}
    assert all(issubclass(backward_class(name), Function) for name in [*CORE, *NN, *LOSSES])


@pytest.mark.parametrize("name", ["Mul", "Div", "Matmul"])
def test_only_what_is_asked_for(name: str) -> None:
    """An input that asks for no gradient gets none."""
    node = backward_class(name)(
        Tensor(A, requires_grad=True), Tensor(B.T if name == "Matmul" else B)
    )
    first, second = answers(node, SQUARE if name == "Matmul" else G)
    assert first is not None
    assert second is None
