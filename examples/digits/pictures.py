"""The pictures of the demo: the loss while learning, and the graph that backward walks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import networkx as nx
from matplotlib.patches import Patch
from tinytorch import Function, Tensor
from tinytorch.operation import registry

plt.switch_backend("Agg")  # pictures go to files: no screen is needed

COLOURS = {
    "tinytorch-core": "#cfe3f7",
    "tinytorch-ops-nn": "#d3efc9",
    "tinytorch-ops-losses": "#fbdcbd",
    "parameter": "#fff3b0",
    "data, no gradient": "#eeeeee",
}
EDGE = "#444444"


def draw_losses(train: Sequence[float], test: Sequence[float], path: Path) -> None:
    """Draw the loss over the epochs, one curve each for the training and the test images."""
    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    epochs = range(1, len(train) + 1)
    axes.plot(epochs, train, label="training images")
    axes.plot(epochs, test, label="test images")
    axes.set(xlabel="epoch", ylabel="cross-entropy", yscale="log", title="Learning to read digits")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


def draw_graph(loss: Tensor, parameters: dict[str, Tensor], path: Path) -> None:
    """Draw the recorded operations behind `loss`, whose backward has run, with the data on top."""
    graph = recorded_graph(loss)
    labels = {node: label_of(node, parameters) for node in graph}
    position = {
        node: (column, row)
        for row, layer in enumerate(nx.topological_generations(graph.reverse()))
        for column, node in enumerate(sorted(layer, key=lambda n: labels[n][1] == "parameter"))
    }
    columns, rows = zip(*position.values(), strict=True)
    figure, axes = plt.subplots(figsize=(6.4, 0.8 * max(rows) + 2), layout="constrained")
    axes.set(xlim=(-0.5, max(columns) + 0.5), ylim=(-0.5, max(rows) + 0.5))
    axes.set_title("Forward along the arrows; gradients flow against them")
    axes.axis("off")
    boxes = {}
    for node, (label, kind) in labels.items():
        style = {"boxstyle": "round,pad=0.4", "facecolor": COLOURS[kind], "edgecolor": EDGE}
        text = axes.text(*position[node], label, ha="center", va="center", bbox=style)
        boxes[node] = text.get_bbox_patch()
    figure.draw_without_rendering()  # gives the boxes their sizes, so that arrows can end at them
    for source, target in graph.edges:
        ends = {"patchA": boxes[source], "patchB": boxes[target]}
        arrow = {"arrowstyle": "-|>", "color": EDGE, **ends}
        axes.annotate("", position[target], position[source], arrowprops=arrow)
    legend = [Patch(facecolor=COLOURS[kind], edgecolor=EDGE, label=kind) for kind in COLOURS]
    figure.legend(handles=legend, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=150)


def recorded_graph(loss: Tensor) -> nx.DiGraph:
    """Walk from the loss back along `next_functions`; edges point forward."""
    graph = nx.DiGraph()
    waiting = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        for position, source in enumerate(node.next_functions):
            if isinstance(source, Function) and source not in graph:
                waiting.append(source)
            # An input without an edge, such as the images, gets a node here all the same.
            graph.add_edge(source or ("data", node, position), node)
    return graph


def label_of(node: Any, parameters: dict[str, Tensor]) -> tuple[str, str]:
    """What is written on a node, and which kind it is of."""
    if isinstance(node, tuple):
        return "data", "data, no gradient"
    if isinstance(node, Function):
        makers = (name for name, op in registry.operations.items() if op.backward is type(node))
        return type(node).__name__, registry.owners[next(makers)].distribution
    # The end of an edge, and the parameter that it leads to, hold one and the same gradient.
    name = next(name for name, parameter in parameters.items() if parameter.grad is node.grad)
    return f"{name}  {parameters[name].shape}", "parameter"
