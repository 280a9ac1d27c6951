"""A network learns to read handwritten digits.

The data are the UCI digits that scikit-learn ships: 1,797 images of 8 by 8 pixels. A quarter of
them is only for the test, and a fifth of the others says when there is no more to learn. Two
pictures are written into the folder where this is run: the loss while learning, and the graph that
backward goes through, this one also as a page in which a click on a box tells what it is. Killed
and run again there, it goes on where it was.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import numpy as np
import tinytorch
import tinytorch_modules as nn
from pictures import draw_losses
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tinytorch import Tensor
from tinytorch.operation import registry
from tinytorch_optim import SGD

sys.path.append(str(Path(__file__).parents[1]))
from training import shuffled, train

EPOCHS, BATCH_SIZE, LEARNING_RATE, MOMENTUM, PATIENCE = 50, 32, 0.05, 0.9, 10
REQUIRED_ACCURACY = 0.96
CHECKPOINT, LOSS = Path("digits.checkpoint"), Path("loss.png")
GRAPHS = Path("graph.png"), Path("graph.html")


def main() -> None:
    tinytorch.enable_autograd(quiet=True)
    tinytorch.manual_seed(0)
    print_operations()

    digits = load_digits()
    images = digits.data.astype(np.float32) / 16  # from 0, white, to 1, black
    images, test_images, labels, test_labels = split(images, digits.target, 1 / 4)
    images, validation_images, labels, validation_labels = split(images, labels, 1 / 5)
    model = nn.Sequential(
        *(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2)),
        *(nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.2)),
        nn.Linear(64, 10),
    )

    def loss_of(batch: np.ndarray) -> Tensor:
        return mean_loss(model, images[batch], labels[batch])

    losses = train(
        model,
        SGD(model.parameters(), LEARNING_RATE, MOMENTUM),
        lambda: shuffled(len(images), BATCH_SIZE),
        loss_of,
        EPOCHS,
        validate=lambda: mean_loss(model, validation_images, validation_labels).item(),
        patience=PATIENCE,
        checkpoint=CHECKPOINT,
    )
    CHECKPOINT.unlink()  # the next run begins anew

    accuracy = evaluate(model, test_images, test_labels)
    print(f"accuracy on {len(test_images)} images it has not seen: {accuracy:.1%}")
    draw_losses(losses, LOSS)
    draw_graph(model.train(), loss_of(np.arange(BATCH_SIZE)))
    for picture in (LOSS, *GRAPHS):
        print(f"wrote {picture.resolve()}")
    if accuracy < REQUIRED_ACCURACY:
        sys.exit(f"an accuracy of at least {REQUIRED_ACCURACY:.0%} is expected")


def split(images: np.ndarray, labels: np.ndarray, share: float) -> list[np.ndarray]:
    """The images but a share, that share, and the labels of each; all digits in both."""
    return train_test_split(images, labels, test_size=share, random_state=0, stratify=labels)


def mean_loss(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> Tensor:
    """The cross-entropy of the scores that the images get."""
    return tinytorch.ops.cross_entropy(model(images), labels)


@tinytorch.no_grad()
def evaluate(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of the images that are read right."""
    scores = model.eval()(images)
    return np.mean(scores.data.argmax(axis=1) == labels)


def draw_graph(model: nn.Module, loss: Tensor) -> None:
    """Draw what is recorded for some images, with the norms of its gradients."""
    for name, parameter in model.named_parameters():
        tinytorch.inspect.name(parameter, name).zero_grad()
    tinytorch.inspect.name(loss, "loss").backward(retain_graph=True)
    drawing = tinytorch.inspect.draw(loss)
    for path in GRAPHS:
        drawing.save(path)


def print_operations() -> None:
    """Say which distributions gave which operations."""
    for report in registry.reports:
        names = ", ".join(sorted(operation.name for operation in report.operations))
        print(textwrap.fill(f"{report.plugin}: {names}", width=100, subsequent_indent="    "))


if __name__ == "__main__":
    main()
