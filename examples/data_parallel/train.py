"""A network learns to read handwritten digits on several ranks: ``mpiexec -n 4 python train.py``.

Each rank takes its part of each batch, and has the mean of all gradients after backward. So all
have the same network all the time, and what is learnt does not depend on their number.
"""

from __future__ import annotations

import sys

import numpy as np
import tinytorch
import tinytorch_modules as nn
from mpi4py import MPI
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tinytorch import ops
from tinytorch_ops_mpi import DataParallel
from tinytorch_optim import SGD

RANK, RANKS = MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size
EPOCHS, BATCH_SIZE, LEARNING_RATE, MOMENTUM = 30, 32, 0.05, 0.9
REQUIRED_ACCURACY = 0.96


def main() -> None:
    if BATCH_SIZE % RANKS:
        sys.exit(f"a batch of {BATCH_SIZE} has no equal parts for {RANKS} ranks")
    tinytorch.manual_seed(0)  # the same order of examples on all ranks
    digits = load_digits()
    images, test_images, labels, test_labels = train_test_split(
        digits.data.astype(np.float32) / 16, digits.target, random_state=0, stratify=digits.target
    )
    model = nn.Sequential(
        *(nn.Linear(64, 128), nn.ReLU()), *(nn.Linear(128, 64), nn.ReLU()), nn.Linear(64, 10)
    )
    DataParallel(model)
    optimizer = SGD(model.parameters(), LEARNING_RATE, MOMENTUM)
    for _ in range(EPOCHS):
        order = tinytorch.default_generator().permutation(len(images))
        batches = order[: len(images) // BATCH_SIZE * BATCH_SIZE].reshape(-1, BATCH_SIZE)
        for own in batches[:, RANK::RANKS]:
            optimizer.zero_grad()
            ops.cross_entropy(model(images[own]), labels[own]).backward()
            optimizer.step()

    with tinytorch.no_grad():
        accuracy = np.mean(model(test_images).data.argmax(axis=1) == test_labels)
    if RANK == 0:
        print(f"{RANKS} ranks, accuracy on {len(test_images)} images not seen: {accuracy:.1%}")
    if accuracy < REQUIRED_ACCURACY:
        sys.exit(f"an accuracy of at least {REQUIRED_ACCURACY:.0%} is expected")


if __name__ == "__main__":
    main()
