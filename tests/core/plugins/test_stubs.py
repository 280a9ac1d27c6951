"""`python -m tinytorch stubs`: what type checkers are told about the plugins that are installed.

Whether they understand it is tested in tests/stubs, with the checkers.
"""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path

import pytest
import tinytorch
from tinytorch.plugins import examine
from tinytorch.stubs import remove_stubs, write_stubs

PLUGIN = """
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, List, Literal, NoReturn, Optional, TypeVar

import numpy as np
import tinytorch
from numpy.typing import ArrayLike, DTypeLike
from tinytorch import Operation, Tensor

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")
Axes = int | tuple[int, ...] | None


class Mode(Enum):
    FAST = 1


class Outer:
    class Inner: ...


{definitions}


@tinytorch.hookimpl
def tinytorch_register_ops():
    return [Operation({function}, method="op", {fields})]
"""


def install(site, definitions, function="op", fields=""):
    """Install a plugin of one operation."""
    site.install("demo", PLUGIN.format(definitions=definitions, function=function, fields=fields))


def written(site):
    """Write stubs, and return the text of each file by its name."""
    return {path.name: path.read_text("utf-8") for path in write_stubs(examine(), site.folder)}


def definitions(stub):
    """Return the first line of each definition in a stub, without the def, by its name."""
    lines = [line.strip() for line in stub.splitlines() if line.strip().startswith("def ")]
    return {line[4 : line.index("(")]: line[4:-1] for line in lines}


def test_the_methods_of_a_plugin(site):
    """The class has each method of the plugin, its types imported, and its first line."""
    install(
        site,
        "def op(x: Tensor, axis: int = 0, *, inner: Outer.Inner | None = None) -> Tensor:\n"
        "    'A σ.\\n\\n    More.'",
    )
    stub = written(site)["_attached.pyi"]
    assert stub.partition("\n\n")[0].splitlines()[1:] == [
        f"# Of demo 1.0, tinytorch-core {tinytorch.__version__}.",
        "# mypy: disable-error-code=type-arg",
        "from demo import Outer",
        "from tinytorch._methods import CoreMethods",
        "from tinytorch.tensor import Tensor",
    ]
    assert stub.partition("\n\n")[2].splitlines() == [
        "class AttachedMethods(CoreMethods):",
        "    def op(self, axis: int = ..., *, inner: Outer.Inner | None = ...) -> Tensor:",
        "        'A σ.'",
    ]


@pytest.mark.parametrize(
    ("given", "declared"),
    [
        ("x: Tensor", "x: Tensor"),
        ("x", "x: Any"),
        ("x=1", "x: Any = ..."),
        ("x: Tensor, y: float, /, *z: Any, **more: bool", None),
        ("x: Optional[Tensor]", "x: Tensor | None"),
        ("x: 'Tensor | int'", "x: Tensor | int"),
        ("x: List['Tensor']", "x: list[Tensor]"),
        ("x: Sequence[float] | tuple[int, ...] | None", None),
        ("x: Axes", "x: int | tuple[int, ...] | None"),
        ("x: ArrayLike", "x: ArrayLike"),
        ("x: ArrayLike | None, y: DTypeLike = None", "x: ArrayLike | None, y: DTypeLike = ..."),
        ("x: np.ndarray[Any, np.dtype[np.float64]]", "x: ndarray[Any, dtype[float64]]"),
        ("x: np.random.Generator", "x: Generator"),
        ("x: Literal['sum', \"it's\", 1, None]", "x: Literal['sum', \"it's\", 1, None]"),
        ("x: Annotated[int, 'of atoms']", "x: int"),
        ("x: Callable[[int, Tensor], str], y: Callable[..., Any]", None),
        ("x: type[Mode]", "x: type[Mode]"),
        # What cannot be expressed.
        ("x: Decimal, y: int", "x: Any, y: int"),
        ("x: Literal[Mode.FAST]", "x: Any"),
        ("x: list[T]", "x: Any"),
        ("x: no_such_name", "x: Any"),
        ("x: 1 / 0", "x: Any"),
        ("x: len", "x: Any"),
        ("x: type('Nowhere', (), {})", "x: Any"),
    ],
)
def test_annotations(site, given, declared):
    """Types are declared as the function has them, and as Any where they cannot be expressed."""
    install(site, f"def op({given}): ...")
    stub = written(site)["ops.pyi"]
    assert definitions(stub)["op"] == f"op({declared or given}) -> Any"


@pytest.mark.parametrize("result", ["Tensor", "None", "NoReturn", "tuple[Tensor, ...]"])
def test_results(site, result):
    """The type of the result is declared as the function has it."""
    install(site, f"def op(x) -> {result}: ...")
    assert definitions(written(site)["ops.pyi"])["op"] == f"op(x: Any) -> {result}"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no type statement")
def test_type_statements(site):
    """A type that a type statement defines is declared as what it stands for."""
    install(site, "type Dims = int | list[Dims2]\ntype Dims2 = str\ndef op(x: Dims): ...")
    assert definitions(written(site)["ops.pyi"])["op"] == "op(x: int | list[str]) -> Any"


@pytest.mark.parametrize(
    ("function", "method"),
    [
        ("def op(x, y): ...", "(self, y: Any) -> Any"),
        ("def op(x, /, y): ...", "(self, /, y: Any) -> Any"),
        ("def op(x=1, y=2): ...", "(self, y: Any = ...) -> Any"),
        ("def op(*tensors): ...", "(self, /, *tensors: Any) -> Any"),
        ("@functools.wraps(len)\ndef op(x): ...\nop.__name__ = 'op'", "(self, /) -> Any"),
        # What no method can have is not declared in detail.
        ("def op(): ...", "(self, *args: Any, **kwargs: Any) -> Any"),
        ("def op(x, self): ...", "(self, *args: Any, **kwargs: Any) -> Any"),
        ("def op(x): ...\nop.__signature__ = 3", "(self, *args: Any, **kwargs: Any) -> Any"),
    ],
)
def test_the_tensor_is_self(site, function, method):
    """The parameter that takes the tensor is that of the method by which Python passes it."""
    install(site, function)
    assert definitions(written(site)["_attached.pyi"])["op"] == f"op{method}"


def test_aliases_and_names_that_cannot_be_called(site):
    """Aliases are declared as well, but not operators, which core declares."""
    install(site, "def op(x): ...", fields="aliases=('zoom', '__getitem__')")
    files = written(site)
    assert definitions(files["_attached.pyi"]).keys() == {"op", "zoom"}
    functions = definitions(files["ops.pyi"]).keys()
    assert {"op", "zoom", "exp"} <= functions
    assert "__getitem__" not in functions


def test_an_operation_with_the_name_of_a_type(site):
    """In a stub that has a function `float` the type goes by another name."""
    install(site, "def rate(x: float, y: Sequence) -> float: ...", "rate", "aliases=('float',)")
    for stub in written(site).values():
        assert "def float" not in stub or "from builtins import float as _float" in stub
    stub = written(site)["ops.pyi"]
    assert definitions(stub)["float"] == "float(x: _float, y: Sequence) -> _float"


def test_two_types_of_one_name(site):
    """Of two types that share a name, one is imported under another."""
    site.write("colours.py", "class Mode: ...")
    install(site, "import colours\ndef op(x: Mode, y: colours.Mode): ...")
    stub = written(site)["ops.pyi"]
    assert definitions(stub)["op"] == "op(x: Mode, y: _Mode) -> Any"
    assert "from colours import Mode as _Mode" in stub.splitlines()


def test_short_forms(site):
    """Operations without a class of their own are declared like others, and give Tensors."""
    short = """
    OP = tinytorch.elementwise(
        "op", forward=lambda x, rate=1.0: x * rate, derivative=lambda x, rate=1.0: rate, doc="R."
    )"""
    install(site, inspect.cleandoc(short), "OP.function")
    stub = written(site)["_attached.pyi"]
    assert definitions(stub)["op"] == "op(self, rate: Any = ...) -> Tensor"


def test_every_operation_that_is_installed(tmp_path):
    """Each is declared with its parameters and types, under names that the stub imports."""
    reports = examine()
    _, ops, *_ = write_stubs(reports, tmp_path)
    namespace: dict[str, object] = {}
    exec(compile(ops.read_text("utf-8"), str(ops), "exec"), namespace)
    operations = [op for report in reports for op in report.operations]
    assert operations
    for operation in operations:
        for name in operation.function_names:
            if not name.startswith("_"):
                assert outline(namespace[name]) == outline(operation.function), name


def outline(function):
    """Return the parameters and types of a function, without the values of defaults."""
    signature = inspect.signature(function, eval_str=True)
    parameters = signature.parameters.values()
    return [
        *((p.name, p.kind, p.annotation, p.default is p.empty) for p in parameters),
        signature.return_annotation,
    ]


def test_core_alone(site):
    """Without plugins there is nothing to add, and the stub is a class all the same."""
    stub = written(site)["_attached.pyi"]
    tree = ast.parse(stub)
    assert isinstance(tree.body[-1], ast.ClassDef)
    assert definitions(stub) == {}


def test_broken_and_blocked_plugins_are_left_out(site, source):
    """What cannot be used is not declared, and spoils nothing."""
    install(site, "def op(x): ...")
    site.install("broken", "import no_such_module")
    site.install("first", source("triple"))
    site.install("second", source("triple"))
    site.install("unwanted", source("fourfold"))
    site.block("unwanted")
    assert definitions(written(site)["_attached.pyi"]).keys() == {"op"}


def test_the_package_is_partial_and_has_all_stubs_of_core(site):
    """Its mark says that core has the rest; but pyright sees no stub of core's beside it."""
    files = written(site)
    assert files["py.typed"] == "partial\n"
    core = Path(tinytorch.__file__).parent
    stubs = [path for path in core.rglob("*.pyi") if "template" not in path.parts]
    assert {str(path.relative_to(core)) for path in stubs} <= files.keys()
    assert files["_methods.pyi"] == (core / "_methods.pyi").read_text("utf-8")


def test_writing_again(site, source):
    """A second run declares what is installed then."""
    install(site, "def op(x): ...")
    written(site)
    site.block("demo")
    site.install("other", source("double"))
    assert definitions(written(site)["_attached.pyi"]).keys() == {"double"}


def test_beside_core(site):
    """Without a place of its own the package lies where core is installed."""
    site.distribution("tinytorch-core", "tinytorch-core = tinytorch.core_ops.plugin")
    files = write_stubs(examine())
    assert {path.parent for path in files} == {site.folder / "tinytorch-stubs"}
    assert remove_stubs() == sorted(files)


def test_removing(site):
    """Removing leaves nothing of the package, and does nothing where there is none."""
    site.write("mine.py", "")
    files = write_stubs(examine(), site.folder)
    assert remove_stubs(site.folder) == sorted(files)
    assert [path.name for path in site.folder.iterdir()] == ["mine.py"]
    assert remove_stubs(site.folder) == []


def test_what_is_not_ours_stays(site):
    """A package of that name which something else has put there is neither changed nor removed."""
    site.write("tinytorch-stubs/_attached.pyi", "class AttachedMethods: ...")
    for command in (lambda: write_stubs(examine(), site.folder), lambda: remove_stubs(site.folder)):
        with pytest.raises(FileExistsError, match=r"stubs: .* was not written by this .* --output"):
            command()
    (path,) = (site.folder / "tinytorch-stubs").iterdir()
    assert path.read_text("utf-8") == "class AttachedMethods: ..."


def test_a_place_that_cannot_be_written(site):
    """The error names the folder, and says how to choose another."""
    site.write("file", "")
    with pytest.raises(OSError, match=r"stubs: .*file.* cannot be written .* --output typings"):
        write_stubs(examine(), site.folder / "file")


def test_the_command(site):
    """It prints which files it has written, or removed, and on the error stream what it missed."""
    install(site, "print('hello')\ndef op(x): ...")
    site.install("broken", "import no_such_module")
    finished = site.run("-m", "tinytorch", "stubs", "--output", "typings")
    assert finished.returncode == 0, finished.stderr
    files = sorted((site.folder / "typings" / "tinytorch-stubs").iterdir())
    assert sorted(finished.stdout.splitlines()) == [
        str(path.relative_to(site.folder)) for path in files
    ]
    assert "broken 1.0 (broken) failed" in finished.stderr
    removed = site.run("-m", "tinytorch", "stubs", "--output", "typings", "--remove")
    assert sorted(removed.stdout.splitlines()) == sorted(finished.stdout.splitlines())
    assert not (site.folder / "typings" / "tinytorch-stubs").exists()


def test_the_command_says_what_is_in_its_way(site):
    """Where it can write nothing, it exits with 2 and says so in one line."""
    site.write("file", "")
    finished = site.run("-m", "tinytorch", "stubs", "--output", "file")
    assert finished.returncode == 2
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("stubs: ")
