"""A small transformer learns to write like the manual of Python, character by character.

The text ships with Python: it is what ``help("topics")`` lists. Nine paragraphs of ten are for
learning, the tenth only for the test. There the transformer has to foretell the next character
better than a bigram model, which knows no more than how often each character follows each other.

Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762. As in GPT-2, what a layer reads
is normalised, not what it writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import tinytorch
import tinytorch_modules as nn
from tinytorch import Tensor, ops
from tinytorch_optim import Adam
from tinytorch_optim.lr_scheduler import LinearLR

sys.path.append(str(Path(__file__).parents[1]))
from training import train

SEED = 0
LAYERS, HEADS, WIDTH, CONTEXT = 2, 4, 64, 64
EPOCHS, STEPS, BATCH_SIZE, LEARNING_RATE, TEMPERATURE = 30, 20, 32, 4e-3, 0.7


def main() -> None:
    tinytorch.manual_seed(SEED)
    # Topics share paragraphs: each is kept once, so that none is both learnt and tested.
    paragraphs = list(dict.fromkeys(p.strip() for t in topics.values() for p in t.split("\n\n")))
    held_out = paragraphs[::10]
    del paragraphs[::10]
    alphabet = sorted(set("\n".join(topics.values())))
    number = {character: i for i, character in enumerate(alphabet)}
    training = np.array([number[character] for character in "\n\n".join(paragraphs)])
    test = np.array([number[character] for character in "\n\n".join(held_out)])
    model = Transformer(len(alphabet))
    print(f"{len(training):,} characters to learn from, {len(alphabet)} different ones")
    print(f"{sum(parameter.size for parameter in model.parameters()):,} parameters")

    optimizer = Adam(model.parameters(), LEARNING_RATE, betas=(0.9, 0.99))
    train(
        model,
        optimizer,
        lambda: random_windows(training),
        lambda windows: mean_loss(model, windows),
        EPOCHS,
        scheduler=LinearLR(optimizer, 1, 0, EPOCHS),
    )
    print(f"\n{''.join(alphabet[i] for i in sample(model, number['T'], 400))}\n")
    # Each character of the test is foretold once, the first of a window from one character alone.
    windows = np.lib.stride_tricks.sliding_window_view(test, CONTEXT + 1)[::CONTEXT]
    with tinytorch.no_grad():
        loss = mean_loss(model, windows).item()
    bigram = bigram_loss(training, windows, len(alphabet))
    print(f"loss for {windows[:, 1:].size:,} characters that it has not seen: {loss:.3f}")
    print(f"loss of the bigram model for the same: {bigram:.3f}")
    if loss >= bigram:
        sys.exit("a loss below that of the bigram model is expected")


class Block(nn.Module):
    """What each place learns from those before it, and then by itself."""

    def __init__(self) -> None:
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.network = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x: Tensor) -> Tensor:
        read = self.norm1(x)
        # Causal: no place looks at what comes after it.
        seen, _ = self.attention(read, read, read, need_weights=False, is_causal=True)
        x = x + seen
        return x + self.network(self.norm2(x))


class Transformer(nn.Module):
    """Scores of what comes next at each place of each text: (texts, length, characters)."""

    def __init__(self, characters: int) -> None:
        self.characters = nn.Embedding(characters, WIDTH)
        self.positions = nn.Embedding(CONTEXT, WIDTH)
        for table in (self.characters, self.positions):
            table.weight.data *= 0.02  # as in GPT-2: what the layers add counts from the beginning
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.scores = nn.Linear(WIDTH, characters)

    def forward(self, text: np.ndarray) -> Tensor:
        x = self.characters(text) + self.positions(np.arange(text.shape[1]))
        return self.scores(self.norm(self.blocks(x)))


def random_windows(text: np.ndarray) -> Iterator[np.ndarray]:
    """Batches of pieces of a text, each a character longer than what the transformer looks at."""
    for _ in range(STEPS):
        starts = tinytorch.default_generator().integers(len(text) - CONTEXT, size=BATCH_SIZE)
        yield text[starts[:, np.newaxis] + np.arange(CONTEXT + 1)]


def mean_loss(model: Transformer, windows: np.ndarray) -> Tensor:
    """The cross-entropy of each character but the first of each window, given those before it."""
    scores = model(windows[:, :-1])
    return ops.cross_entropy(scores.reshape(windows[:, 1:].size, -1), windows[:, 1:].reshape(-1))


def bigram_loss(text: np.ndarray, windows: np.ndarray, characters: int) -> float:
    """The same cross-entropy, by how often each pair is in `text`; 0.1 is added to each."""
    counts = np.full((characters, characters), 0.1)
    np.add.at(counts, (text[:-1], text[1:]), 1)
    chances = counts / counts.sum(axis=1, keepdims=True)
    return -np.log(chances[windows[:, :-1], windows[:, 1:]]).mean()


@tinytorch.no_grad()
def sample(model: Transformer, first: int, length: int) -> list[int]:
    """A text that goes on from its first character, each next one drawn, rather a likely one."""
    text = [first]
    while len(text) < length:
        scores = model(np.array([text[-CONTEXT:]]))[0, -1]
        chances = ops.softmax(scores.astype(np.float64) / TEMPERATURE, dim=-1).data
        text.append(int(tinytorch.default_generator().choice(len(chances), p=chances)))
    return text


if __name__ == "__main__":
    main()
