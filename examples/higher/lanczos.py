"""The largest eigenvalue of a network's Hessian, which is never built.

Lanczos' method asks for products of the matrix with vectors only, and `func.hvp` gives those at the
price of a few gradients each. How sharp a minimum is, and how long a step may be, is read off this
eigenvalue.

Lanczos (1950), Journal of Research of the National Bureau of Standards 45:255-282.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tinytorch import Tensor, func

INPUTS, HIDDEN = 4, 8
SIZE = (INPUTS + 1) * HIDDEN


def loss(weights: Tensor, x: np.ndarray, y: np.ndarray) -> Tensor:
    """The mean squared error of a network whose weights are one long vector."""
    w1 = weights[: INPUTS * HIDDEN].reshape(INPUTS, HIDDEN)
    w2 = weights[INPUTS * HIDDEN :]
    return ((np.tanh(x @ w1) @ w2 - y) ** 2).mean()


def largest_eigenvalue(
    product: Callable[[np.ndarray], np.ndarray], size: int, steps: int = 30, seed: int = 0
) -> float:
    """The largest eigenvalue of a symmetric matrix, of which products with vectors are known.

    In a basis of the vectors v, A v, A² v, ... the matrix is tridiagonal, and the eigenvalues at
    its ends are soon those of A.
    """
    direction = np.random.default_rng(seed).normal(size=size)
    basis: list[np.ndarray] = []
    diagonal, beside = [], []
    for _ in range(min(steps, size)):
        basis.append(direction / np.linalg.norm(direction))
        direction = product(basis[-1])
        diagonal.append(direction @ basis[-1])
        # Twice, for what rounding left of the earlier vectors would grow.
        for _ in range(2):
            direction = direction - sum(direction @ v * v for v in basis)
        beside.append(np.linalg.norm(direction))
        if beside[-1] < 1e-10:  # the basis spans all that v has a part in
            break
    tridiagonal = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    return float(np.linalg.eigvalsh(tridiagonal)[-1])


def initial(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, inputs and what the network should make of them."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(50, INPUTS))
    return generator.normal(size=SIZE), x, np.sin(x.sum(axis=1))


def main() -> None:
    weights, x, y = initial()

    def product(vector: np.ndarray) -> np.ndarray:
        return func.hvp(lambda w: loss(w, x, y), (weights,), (vector,))[1]

    found = largest_eigenvalue(product, SIZE)
    print(f"largest eigenvalue of a Hessian of {SIZE} by {SIZE}, by 30 products: {found:.8f}")
    expected = np.linalg.eigvalsh(func.hessian(loss)(weights, x, y))[-1]
    print(f"by the whole matrix: {expected:.8f}")
    assert abs(found - expected) < 1e-8 * expected


if __name__ == "__main__":
    main()
