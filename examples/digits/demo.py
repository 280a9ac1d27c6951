"""A network learns to read handwritten digits.

The data are the UCI digits that scikit-learn ships: 1,797 images of 8 by 8 pixels. Three quarters
of them are for learning, the others only for the test. Two pictures are written into the folder
where this is run: the loss while learning, and the graph that backward goes through.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import numpy as np
import tinytorch
from pictures import draw_graph, draw_losses
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tinytorch import Tensor
from tinytorch.operation import registry
from tqdm import trange

EPOCHS, BATCH_SIZE, LEARNING_RATE, MOMENTUM = 30, 64, 0.05, 0.9
REQUIRED_ACCURACY = 0.96


def main() -> None:
    tinytorch.enable_autograd(quiet=True)
    tinytorch.manual_seed(0)
    print_operations()

    digits = load_digits()
    images = digits.data.astype(np.float32) / 16  # from 0, white, to 1, black
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )
    parameters = {
        "W1": random_weights(64, 128),
        "b1": tinytorch.zeros(128, requires_grad=True),
        "W2": random_weights(128, 64),
        "b2": tinytorch.zeros(64, requires_grad=True),
        "W3": random_weights(64, 10),
        "b3": tinytorch.zeros(10, requires_grad=True),
    }
    velocities = {name: np.zeros_like(p.data) for name, p in parameters.items()}
    train_losses, test_losses = [], []

    epochs = trange(EPOCHS, desc="learning", unit="epoch")
    for _ in epochs:
        shuffled = tinytorch.default_generator().permutation(len(train_images))
        batch_losses = []
        for start in range(0, len(shuffled), BATCH_SIZE):
            batch = shuffled[start : start + BATCH_SIZE]
            scores = network(Tensor(train_images[batch]), parameters)
            loss = tinytorch.ops.cross_entropy(scores, train_labels[batch])
            for parameter in parameters.values():
                parameter.zero_grad()
            loss.backward()
            update(parameters, velocities)
            batch_losses.append(loss.item())
        test_loss, accuracy = evaluate(test_images, test_labels, parameters)
        train_losses.append(np.mean(batch_losses))
        test_losses.append(test_loss)
        epochs.set_postfix_str(f"accuracy {accuracy:.1%}", refresh=False)

    print(f"accuracy on {len(test_images)} images it has not seen: {accuracy:.1%}")
    draw_losses(train_losses, test_losses, Path("loss.png"))
    draw_graph(loss, parameters, Path("graph.png"))
    for name in ("loss.png", "graph.png"):
        print(f"wrote {Path(name).resolve()}")
    if accuracy < REQUIRED_ACCURACY:
        sys.exit(f"an accuracy of at least {REQUIRED_ACCURACY:.0%} is expected")


def network(images: Tensor, parameters: dict[str, Tensor]) -> Tensor:
    """Scores of the ten digits for each image: two hidden layers."""
    p = parameters
    hidden = (images @ p["W1"] + p["b1"]).relu()
    hidden = (hidden @ p["W2"] + p["b2"]).relu()
    return hidden @ p["W3"] + p["b3"]


def random_weights(inputs: int, outputs: int) -> Tensor:
    """Weights with which relu keeps the variance from layer to layer (He et al. 2015)."""
    return (tinytorch.randn(inputs, outputs) * (2 / inputs) ** 0.5).requires_grad_()


def update(parameters: dict[str, Tensor], velocities: dict[str, np.ndarray]) -> None:
    """One step of gradient descent with momentum."""
    for name, parameter in parameters.items():
        velocities[name] = MOMENTUM * velocities[name] + parameter.grad
        parameter.data -= LEARNING_RATE * velocities[name]


@tinytorch.no_grad()
def evaluate(
    images: np.ndarray, labels: np.ndarray, parameters: dict[str, Tensor]
) -> tuple[float, float]:
    """The loss, and the share of the images that are read right."""
    scores = network(Tensor(images), parameters)
    loss = tinytorch.ops.cross_entropy(scores, labels)
    return loss.item(), np.mean(scores.data.argmax(axis=1) == labels)


def print_operations() -> None:
    """Say which distributions gave which operations."""
    for report in registry.reports:
        names = ", ".join(sorted(operation.name for operation in report.operations))
        print(textwrap.fill(f"{report.plugin}: {names}", width=100, subsequent_indent="    "))


if __name__ == "__main__":
    main()
