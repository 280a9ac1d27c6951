"""A small convolutional network learns to read handwritten digits.

The data are the UCI digits that scikit-learn ships: 1,797 images of 8 by 8 pixels. Three quarters
of them are for learning, the others only for the test. Each time an image is learnt from, it is
moved by up to one pixel either way: there it is the same digit, and not the same image.

LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition,
Proceedings of the IEEE 86:2278-2324.
"""

from __future__ import annotations

import math
import sys

import numpy as np
import tinytorch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tinytorch import Tensor, ops
from tqdm import trange

SEED = 0
EPOCHS, BATCH_SIZE, LEARNING_RATE, MOMENTUM = 30, 64, 0.05, 0.9
REQUIRED_ACCURACY = 0.98


def main() -> None:
    tinytorch.manual_seed(SEED)
    train_images, test_images, train_labels, test_labels = load_data()
    parameters = {
        "kernels1": random_weights(16, 1, 3, 3),
        "bias1": tinytorch.zeros(16, requires_grad=True),
        "kernels2": random_weights(32, 16, 3, 3),
        "bias2": tinytorch.zeros(32, requires_grad=True),
        "kernels3": random_weights(64, 32, 3, 3),
        "bias3": tinytorch.zeros(64, requires_grad=True),
        "weights": random_weights(10, 64 * 2 * 2),
        "bias": tinytorch.zeros(10, requires_grad=True),
    }
    velocities = {name: np.zeros_like(p.data) for name, p in parameters.items()}
    print(f"{sum(p.data.size for p in parameters.values()):,} parameters")

    epochs = trange(EPOCHS, desc="learning", unit="epoch")
    for epoch in epochs:
        rate = LEARNING_RATE * (1 - epoch / EPOCHS)
        shuffled = tinytorch.default_generator().permutation(len(train_images))
        for start in range(0, len(shuffled), BATCH_SIZE):
            batch = shuffled[start : start + BATCH_SIZE]
            scores = network(Tensor(moved(train_images[batch])), parameters)
            loss = ops.cross_entropy(scores, train_labels[batch])
            for parameter in parameters.values():
                parameter.zero_grad()
            loss.backward()
            update(parameters, velocities, rate)
        epochs.set_postfix_str(f"loss {loss.item():.4f}", refresh=False)

    accuracy = evaluate(test_images, test_labels, parameters)
    print(f"accuracy on {len(test_images)} images it has not seen: {accuracy:.1%}")
    if accuracy < REQUIRED_ACCURACY:
        sys.exit(f"an accuracy of at least {REQUIRED_ACCURACY:.0%} is expected")


def load_data() -> list[np.ndarray]:
    """The images to learn from, those for the test, and the labels of each.

    Images have an axis for the colour channels, of which there is one: (images, 1, 8, 8).
    """
    digits = load_digits()
    images = digits.images[:, np.newaxis].astype(np.float32) / 16  # from 0, white, to 1, black
    return train_test_split(
        images, digits.target, test_size=0.25, random_state=SEED, stratify=digits.target
    )


def moved(images: np.ndarray) -> np.ndarray:
    """The images, each moved by a few pixels: at most one along each axis."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    # All nine ways to cut each image out: (n, 1, 3, 3, 8, 8).
    ways = np.lib.stride_tricks.sliding_window_view(padded, (8, 8), axis=(2, 3))
    down, right = tinytorch.default_generator().integers(3, size=(2, len(images)))
    return ways[np.arange(len(images)), :, down, right]


def network(images: Tensor, parameters: dict[str, Tensor]) -> Tensor:
    """Scores of the ten digits for each image.

    The shapes: (n, 1, 8, 8), (n, 16, 8, 8), (n, 32, 4, 4), (n, 64, 2, 2), (n, 256), (n, 10).
    """
    p = parameters
    hidden = ops.conv2d(images, p["kernels1"], p["bias1"], padding=1).relu()
    hidden = ops.conv2d(hidden, p["kernels2"], p["bias2"], padding=1).relu()
    hidden = ops.max_pool2d(hidden, 2)
    hidden = ops.conv2d(hidden, p["kernels3"], p["bias3"], padding=1).relu()
    hidden = ops.max_pool2d(hidden, 2)
    return ops.linear(hidden.reshape(len(images), -1), p["weights"], p["bias"])


def random_weights(outputs: int, *inputs: int) -> Tensor:
    """Weights with which relu keeps the variance from layer to layer (He et al. 2015)."""
    deviation = (2 / math.prod(inputs)) ** 0.5
    return (tinytorch.randn(outputs, *inputs) * deviation).requires_grad_()


def update(parameters: dict[str, Tensor], velocities: dict[str, np.ndarray], rate: float) -> None:
    """One step of gradient descent with momentum."""
    for name, parameter in parameters.items():
        velocities[name] = MOMENTUM * velocities[name] + parameter.grad
        parameter.data -= rate * velocities[name]


@tinytorch.no_grad()
def evaluate(images: np.ndarray, labels: np.ndarray, parameters: dict[str, Tensor]) -> float:
    """The share of the images that are read right."""
    scores = network(Tensor(images), parameters)
    return np.mean(scores.argmax(axis=1).data == labels)


if __name__ == "__main__":
    main()
