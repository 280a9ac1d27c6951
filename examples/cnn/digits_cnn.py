"""A small convolutional network learns to read handwritten digits.

The data are the UCI digits that scikit-learn ships: 1,797 images of 8 by 8 pixels. Three quarters
of them are for learning, the others only for the test. Each time an image is learnt from, it is
moved by up to one pixel either way: there it is the same digit, and not the same image.

LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition,
Proceedings of the IEEE 86:2278-2324.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tinytorch
import tinytorch_modules as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tinytorch import Tensor, ops
from tinytorch_optim import SGD
from tinytorch_optim.lr_scheduler import LinearLR

sys.path.append(str(Path(__file__).parents[1]))
from training import shuffled, train

SEED = 0
EPOCHS, BATCH_SIZE, LEARNING_RATE, MOMENTUM = 30, 64, 0.05, 0.9
REQUIRED_ACCURACY = 0.98


def main() -> None:
    tinytorch.manual_seed(SEED)
    train_images, test_images, train_labels, test_labels = load_data()
    model = network()
    print(f"{sum(parameter.size for parameter in model.parameters()):,} parameters")

    def loss_of(batch: np.ndarray) -> Tensor:
        return ops.cross_entropy(model(moved(train_images[batch])), train_labels[batch])

    optimizer = SGD(model.parameters(), LEARNING_RATE, MOMENTUM)
    train(
        model,
        optimizer,
        lambda: shuffled(len(train_images), BATCH_SIZE),
        loss_of,
        EPOCHS,
        scheduler=LinearLR(optimizer, 1, 0, EPOCHS),
    )
    accuracy = evaluate(model, test_images, test_labels)
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


def network() -> nn.Module:
    """Scores of the ten digits for each image.

    The shapes: (n, 1, 8, 8), (n, 16, 8, 8), (n, 32, 4, 4), (n, 64, 2, 2), (n, 256), (n, 10).
    """
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), halved),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), halved),
        *(nn.Flatten(), nn.Linear(256, 10)),
    )


def halved(images: Tensor) -> Tensor:
    """The images at half their height and width: the largest of each four pixels."""
    return ops.max_pool2d(images, 2)


@tinytorch.no_grad()
def evaluate(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of the images that are read right."""
    scores = model.eval()(images)
    return np.mean(scores.argmax(axis=1).data == labels)


if __name__ == "__main__":
    main()
