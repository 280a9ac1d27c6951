"""A small transformer learns to write like the manual of Python, character by character.

The text ships with Python: it is what ``help("topics")`` lists. Nine paragraphs of ten are for
learning, the tenth only for the test. There the transformer has to foretell the next character
better than a bigram model, which knows no more than how often each character follows each other.

Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762. As in GPT-2, what a layer reads
is normalised, not what it writes.
"""

from __future__ import annotations

import sys
from pydoc_data.topics import topics

import numpy as np
import tinytorch
from tinytorch import Tensor, ops
from tqdm import trange

SEED = 0
LAYERS, HEADS, WIDTH, CONTEXT = 2, 4, 64, 64
STEPS, BATCH_SIZE, LEARNING_RATE, TEMPERATURE = 600, 32, 4e-3, 0.7


def main() -> None:
    tinytorch.manual_seed(SEED)
    # Topics share paragraphs: each is kept once, so that none is both learnt and tested.
    paragraphs = list(dict.fromkeys(p.strip() for t in topics.values() for p in t.split("\n\n")))
    held_out = paragraphs[::10]
    del paragraphs[::10]
    alphabet = sorted(set("\n".join(topics.values())))
    number = {character: i for i, character in enumerate(alphabet)}
    train = np.array([number[character] for character in "\n\n".join(paragraphs)])
    test = np.array([number[character] for character in "\n\n".join(held_out)])
    parameters = initial_parameters(len(alphabet))
    optimiser = Adam(parameters)
    print(f"{len(train):,} characters to learn from, {len(alphabet)} different ones")
    print(f"{sum(p.data.size for p in parameters.values()):,} parameters")

    steps = trange(STEPS, desc="learning", unit="step")
    for step in steps:
        starts = tinytorch.default_generator().integers(len(train) - CONTEXT, size=BATCH_SIZE)
        windows = train[starts[:, np.newaxis] + np.arange(CONTEXT + 1)]
        loss = mean_loss(windows, parameters)
        for parameter in parameters.values():
            parameter.zero_grad()
        loss.backward()
        optimiser.step(LEARNING_RATE * (1 - step / STEPS))
        steps.set_postfix_str(f"loss {loss.item():.2f}", refresh=False)

    print(f"\n{''.join(alphabet[i] for i in sample(number['T'], 400, parameters))}\n")
    # Each character of the test is foretold once, the first of a window from one character alone.
    windows = np.lib.stride_tricks.sliding_window_view(test, CONTEXT + 1)[::CONTEXT]
    with tinytorch.no_grad():
        loss = mean_loss(windows, parameters).item()
    bigram = bigram_loss(train, windows, len(alphabet))
    print(f"loss for {windows[:, 1:].size:,} characters that it has not seen: {loss:.3f}")
    print(f"loss of the bigram model for the same: {bigram:.3f}")
    if loss >= bigram:
        sys.exit("a loss below that of the bigram model is expected")


def initial_parameters(characters: int) -> dict[str, Tensor]:
    """Small random weights, and biases of zero."""
    shapes = {"characters": (characters, WIDTH), "positions": (CONTEXT, WIDTH)}
    for layer in range(LAYERS):
        shapes |= {
            f"{layer}.query_key_value": (3 * WIDTH, WIDTH),
            f"{layer}.output": (WIDTH, WIDTH),
            f"{layer}.widen": (4 * WIDTH, WIDTH),
            f"{layer}.widen.bias": (4 * WIDTH,),
            f"{layer}.narrow": (WIDTH, 4 * WIDTH),
            f"{layer}.narrow.bias": (WIDTH,),
        }
    shapes["scores"] = (characters, WIDTH)
    parameters = {}
    for name, shape in shapes.items():
        deviation = 0 if name.endswith("bias") else 0.5 * shape[-1] ** -0.5
        parameters[name] = (tinytorch.randn(shape) * deviation).requires_grad_()
    return parameters


def transformer(text: np.ndarray, p: dict[str, Tensor]) -> Tensor:
    """Scores of what comes next at each place of each text: (texts, length, characters).

    The normalisations need no weights of their own: what they would scale goes into a `linear`.
    """
    texts, length = text.shape
    x = ops.embedding(text, p["characters"]) + p["positions"][:length]
    for layer in range(LAYERS):
        hidden = ops.linear(ops.layer_norm(x, WIDTH), p[f"{layer}.query_key_value"])
        heads = hidden.reshape(texts, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = heads
        # Causal: no place looks at what comes after it.
        seen = ops.scaled_dot_product_attention(query, key, value, is_causal=True)
        seen = seen.permute(0, 2, 1, 3).reshape(texts, length, WIDTH)
        x = x + ops.linear(seen, p[f"{layer}.output"])

        hidden = ops.linear(ops.layer_norm(x, WIDTH), p[f"{layer}.widen"], p[f"{layer}.widen.bias"])
        x = x + ops.linear(ops.gelu(hidden), p[f"{layer}.narrow"], p[f"{layer}.narrow.bias"])
    return ops.linear(ops.layer_norm(x, WIDTH), p["scores"])


def mean_loss(windows: np.ndarray, parameters: dict[str, Tensor]) -> Tensor:
    """The cross-entropy of each character but the first of each window, given those before it."""
    scores = transformer(windows[:, :-1], parameters)
    return ops.cross_entropy(scores.reshape(windows[:, 1:].size, -1), windows[:, 1:].reshape(-1))


class Adam:
    """Kingma and Ba (2015), arXiv:1412.6980: each weight's steps are of about the same length."""

    def __init__(self, parameters: dict[str, Tensor]) -> None:
        self.parameters = parameters.values()
        self.means = [np.zeros_like(p.data) for p in self.parameters]
        self.squares = [np.zeros_like(p.data) for p in self.parameters]
        self.steps = 0

    def step(self, rate: float, beta1: float = 0.9, beta2: float = 0.99) -> None:
        self.steps += 1
        for p, mean, square in zip(self.parameters, self.means, self.squares, strict=True):
            mean += (1 - beta1) * (p.grad - mean)
            square += (1 - beta2) * (p.grad**2 - square)
            mean_now, square_now = mean / (1 - beta1**self.steps), square / (1 - beta2**self.steps)
            p.data -= rate * mean_now / (np.sqrt(square_now) + 1e-8)


def bigram_loss(train: np.ndarray, windows: np.ndarray, characters: int) -> float:
    """The same cross-entropy, by how often each pair is in `train`; 0.1 is added to each."""
    counts = np.full((characters, characters), 0.1)
    np.add.at(counts, (train[:-1], train[1:]), 1)
    chances = counts / counts.sum(axis=1, keepdims=True)
    return -np.log(chances[windows[:, :-1], windows[:, 1:]]).mean()


@tinytorch.no_grad()
def sample(first: int, length: int, parameters: dict[str, Tensor]) -> list[int]:
    """A text that goes on from its first character, each next one drawn, rather a likely one."""
    text = [first]
    while len(text) < length:
        scores = transformer(np.array([text[-CONTEXT:]]), parameters)[0, -1]
        chances = ops.softmax(scores.astype(np.float64) / TEMPERATURE, dim=-1).data
        text.append(int(tinytorch.default_generator().choice(len(chances), p=chances)))
    return text


if __name__ == "__main__":
    main()
