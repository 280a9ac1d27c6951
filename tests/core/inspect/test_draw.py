"""The picture of a graph: what is in it, as text, as DOT and as Mermaid, which need no extra."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, GradientError, Tensor
from tinytorch.inspect import Drawing, draw, layout, name


def leaf(*shape: int, value: float = 1.0, label: str = "") -> Tensor:
    tensor = tinytorch.full(shape, value, requires_grad=True)
    return name(tensor, label) if label else tensor


def rows(drawing: Drawing) -> list[list[str]]:
    """Return the cells of each line, without what the blocks are drawn with."""
    return [line.strip("│┌└ ").split("  ") for line in str(drawing).splitlines()]


def cells(drawing: Drawing) -> list[list[str]]:
    return [[cell.strip() for cell in row if cell.strip()] for row in rows(drawing)]


def test_list() -> None:
    """Each leaf and operation has a line with its number, inputs, shape, dtype and distribution."""
    w, b = leaf(3, 2, label="w"), leaf(2, label="b")
    y = name(name(tinytorch.ones(4, 3), "x") @ w + b, "y")
    assert cells(draw(y)) == [
        ["1", "x", "(4, 3) float32"],
        ["2", "w", "(3, 2) float32"],
        ["3", "matmul(1, 2)", "(4, 2)", "tinytorch-core"],
        ["4", "b", "(2,) float32"],
        ["5", "y = add(3, 4)", "(4, 2)", "tinytorch-core"],
    ]


def test_numbers_are_shown() -> None:
    """A number that a rule has saved is shown as itself; one that none has saved, as a dot."""
    x = leaf(2)
    assert cells(draw(x * 3 + 5))[1:] == [
        ["2", "3", "() float32"],
        ["3", "multiply(1, 2)", "(2,)", "tinytorch-core"],
        ["4", "add(3, ·)", "(2,)", "tinytorch-core"],
    ]


def test_a_leaf() -> None:
    """A leaf alone is a picture, too."""
    assert cells(draw(leaf(2, label="x"))) == [["1", "x", "(2,) float32"]]


def test_without_a_graph() -> None:
    """A tensor without a graph is refused, and so is what is no tensor."""
    with pytest.raises(GradientError, match="requires gradients"):
        draw(Tensor([1.0]))
    with pytest.raises(TypeError, match="list"):
        draw([1.0])


def test_gradients_after_backward() -> None:
    """Before backward there are no gradients; after it leaves have the norm of their `grad`."""
    x = leaf(2, value=3.0, label="x")
    y = (x * x).sum()
    assert "gradient" not in str(draw(y))
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    assert [row[-1] for row in cells(draw(y))] == [
        f"gradient {np.linalg.norm(x.grad):.3g}",  # of two backwards
        f"gradient {np.sqrt(2):.3g}",
        "gradient 1",
    ]


def test_gradients_of_our_own() -> None:
    """Where a gradient is given, all boxes show what it sends there, and no `grad` changes."""
    x = leaf(2)
    y = x * 4
    assert [row[-1] for row in cells(draw(y, [3.0, 4.0]))] == [
        "gradient 20",
        "() float32",
        "gradient 5",
    ]
    assert x.grad is None
    y.sum().backward()


def test_a_released_graph() -> None:
    """After a backward that released the graph, the gradients of leaves are there, and a word."""
    x = leaf(1)
    y = x * x
    y.backward()
    text = str(draw(y))
    assert "gradient 2" in text
    assert "retain_graph=True" in text


def test_several_elements() -> None:
    """A tensor of several elements says which gradient it would have to know."""
    x = leaf(2)
    y = x * x
    y.backward([1.0, 1.0], retain_graph=True)
    assert "pass draw() what backward() was given" in str(draw(y))


@pytest.mark.parametrize(
    ("factor", "mark"),
    [
        *((0.0, "▼ vanished"), (1e-9, "▼ vanished"), (1e5, "▲ exploded"), (-1e4, "▲ exploded")),
        *((np.inf, "▲ infinite"), (np.nan, "✖ NaN"), (1.0, ""), (-100.0, "")),
    ],
)
def test_marks(factor: float, mark: str) -> None:
    """A gradient that vanished, exploded, or is infinite or NaN is marked, and no other."""
    x = Tensor(np.ones(1), requires_grad=True)
    y = x * factor
    y.backward(retain_graph=True)
    drawing = draw(y)
    assert cells(drawing)[0][-1] == f"gradient {abs(factor):.3g} {mark}".strip()
    assert ("penwidth=3" in drawing.dot) == bool(mark)
    assert mark in drawing.mermaid
    assert mark in drawing.dot


def test_repeated_parts_are_folded() -> None:
    """Layers are shown once, with the range of their gradients, the worst mark and all names."""
    x = leaf(1, label="x")
    for layer in range(12):
        x = x * leaf(1, value=0.01 if layer else 1.0, label=f"w{layer}")
    x.backward(retain_graph=True)
    drawing = draw(x)
    assert cells(drawing)[1:] == [
        ["12 times, each fed by the one before"],
        ["2", "w0…11", "(1,) float32", "gradient 1e-22 to 1e-20 ▼ vanished"],
        ["3", "multiply(1, 2)", "(1,)", "tinytorch-core", "gradient 1e-22 to 1 ▼ vanished"],
        [],
    ]
    assert len(cells(draw(x, fold=False))) == 25


def test_what_comes_after_a_fold() -> None:
    """What uses the last of the repetitions is drawn as using the one that is shown."""
    x = leaf(1)
    for _ in range(30):
        x = x + x
    assert cells(draw(x.sum()))[-1][1] == "sum(2)"


def test_parts_side_by_side() -> None:
    """Parts that are repeated without one being fed by the other are said to be no more than so."""
    x = leaf(2)
    parts = [(x + 1).exp().sum() for _ in range(8)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    assert ["8 times"] in cells(draw(total))


def test_large_graphs() -> None:
    """Ten thousand operations that are all the same make a small picture."""
    x = leaf(1, label="x")
    for _ in range(5_000):
        x = x * 0.9 + 0.1
    assert len(cells(draw(x))) < 10


def test_deep_graphs_without_a_pattern() -> None:
    """Nothing is recursive: a deep graph in which nothing repeats itself is listed as well."""
    x = leaf(1)
    random = np.random.default_rng(0)
    for choice in random.integers(3, size=10_000):
        x = (x + 1, abs(x), -x)[choice]
    assert len(cells(draw(x))) > 5_000


def test_dot() -> None:
    """DOT has a node for each box, an arrow for each input with the shape that flows, a cluster."""
    x = leaf(3, label='a "b" <c>')
    for _ in range(20):
        x = -x + x
    text = draw(x).dot
    assert text.startswith("digraph {")
    assert "a &quot;b&quot; &lt;c&gt;" in text
    assert text.count(" -> ") == 3
    assert text.count('label=" (3,) "') == 1
    assert text.count("subgraph cluster_") == 1
    assert text.count("{") == text.count("}")


def test_mermaid() -> None:
    """Mermaid has the same boxes and arrows, and nothing in a name can break out of its quotes."""
    x = leaf(3, label='a "b" <c> #1')
    text = draw(x * x).mermaid
    assert text.splitlines()[0] == "flowchart TD"
    assert 'n1["a #quot;b#quot; #lt;c#gt; #35;1<br>(3,) float32"]' in text
    assert text.count("n1 --> n2") == 2


@pytest.mark.parametrize("ending", [".dot", ".gv", ".mmd", ".md", ".txt"])
def test_save_without_the_extra(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What needs no layout is saved without the extra."""
    monkeypatch.setattr(layout, "import_module", _not_there)
    file = tmp_path / f"graph{ending}"
    draw(leaf(1) * 2).save(file)
    assert "multiply" in file.read_text("utf-8")


@pytest.mark.parametrize("ending", [".svg", ".png", ".pdf", ".html"])
def test_what_needs_the_extra(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs a layout says, without the extra, how to install it, and writes no file."""
    monkeypatch.setattr(layout, "import_module", _not_there)
    with pytest.raises(ImportError, match=r"pip install 'tinytorch-core\[inspect\]'"):
        draw(leaf(1) * 2).save(tmp_path / f"graph{ending}")
    assert list(tmp_path.iterdir()) == []


def _not_there(name: str) -> Any:
    raise ModuleNotFoundError(name)


def test_unknown_endings(tmp_path: Path) -> None:
    """A name that ends otherwise is refused, with all endings that there are."""
    with pytest.raises(ValueError, match=r"\.svg.*graph\.jpg"):
        draw(leaf(1) * 2).save(tmp_path / "graph.jpg")


def test_a_notebook_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook shows the list where nothing can lay the picture out."""
    monkeypatch.setattr(layout, "find_spec", lambda name: None)
    drawing = draw(leaf(1) * 2)
    assert drawing._repr_mimebundle_() == {"text/plain": str(drawing)}


def test_too_many_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that nobody could take in is refused before it is laid out; a notebook lists it."""
    monkeypatch.setattr(layout, "MOST_BOXES", 2)
    drawing = draw(leaf(1) * 2)
    with pytest.raises(ValueError, match="2 boxes, but this one would have 3"):
        drawing.svg  # noqa: B018 - asked for its error
    assert set(drawing._repr_mimebundle_()) == {"text/plain"}


def test_nothing_is_kept_alive() -> None:
    """A drawing, which a notebook may keep for long, keeps no array of the graph alive."""
    x = leaf(2)
    y = x * x
    saved = weakref.ref(y.data), weakref.ref(y.grad_fn)
    drawing = draw(y)
    del y
    gc.collect()
    assert [reference() for reference in saved] == [None, None]
    assert "multiply" in str(drawing)


def test_details() -> None:
    """Of an operation are told: rule, docstring, parameters, what it saved, and its gradient."""
    x = leaf(2, 3)
    y = x.exp().sum(axis=1).sum()
    y.backward(retain_graph=True)
    exp, total = draw(y)._picture.boxes[1:3]
    told = json.loads(json.dumps(exp.details.as_dict()))
    assert "Gradient" in told["rule"]
    assert "Parameters" in told["about"]
    assert told["saved"][0].startswith("output: (2, 3) float32")
    assert told["gradient"] == ["(2, 3) float32\n[[1. 1. 1.]\n [1. 1. 1.]]", "norm: 2.45"]
    assert "axis = 1" in total.details.parameters


def test_rules_from_elsewhere() -> None:
    """A rule that nobody registered has the name of its class, and the package that it is from."""

    class ThirdPowerBackward(Function):
        def forward(self, x: Any) -> Any:
            self.save(x)
            return x**3

        def apply(self, grad_output: Any) -> Any:
            return 3 * self.saved[0] ** 2 * grad_output

    row = cells(draw(ThirdPowerBackward.call(leaf(1))))[-1]
    assert row[1] == "third_power(1)"
    assert row[-1] == __name__.partition(".")[0]
