"""The project's sessions: ``nox`` runs those that decide a merge, ``nox --list`` names them all."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import nox
from packaging.metadata import Metadata

# Older ones fail on a version manager's shim with no interpreter behind it, where they should skip.
nox.needs_version = ">=2026.8.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
TOOLS = nox.project.load_toml(ROOT / "pyproject.toml")
PACKAGES = {
    path.parent.name: nox.project.load_toml(path)
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}
MODULES = {name: package["tool"]["flit"]["module"]["name"] for name, package in PACKAGES.items()}
# Tests that need nothing of the repository but the installed packages.
PORTABLE = [
    *("core", "ops_nn", "ops_losses", "ops_math", "ops_mpi"),
    *("modules", "optim", "textbook"),
]
PYTHONS = ["3.11", "3.12", "3.13"]
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
ASSERT_ABSENT = """
import importlib.util, sys
found = [name for name in sys.argv[1:] if importlib.util.find_spec(name)]
assert not found, f"{found} can be imported, and should not be installed"
"""

IN_PARALLEL = ("-n", "logical", "--maxprocesses=4")  # pytest on the cores that there are
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # and each process on one

os.environ["UV_PYTHON_DOWNLOADS"] = "never"
# A plugin that fails must not pass for one that is not there.
os.environ["TINYTORCH_STRICT_PLUGINS"] = "1"
# No session leaves anything beside the sources; and what many processes import is compiled once.
os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".nox" / "pycache")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def group(name: str) -> tuple[str, ...]:
    """The requirements of one of the dependency groups."""
    return nox.project.dependency_groups(TOOLS, name)


def sources(*, mpi: bool = False) -> list[str]:
    """Arguments that install the packages as they stand in the tree; what needs MPI, with one."""
    names = [name for name in PACKAGES if mpi or name != "ops-mpi"]
    packages = [argument for name in names for argument in ("-e", f"packages/{name}")]
    return [*packages, *group("mpi")] if mpi else packages


def oldest(claims: list[str]) -> tuple[str, ...]:
    """The oldest releases that requirements allow."""
    return tuple(claim.replace(">=", "==") for claim in claims)


def wheel(name: str) -> Path:
    """The wheel of a package, as the `build` session left it."""
    distribution = PACKAGES[name]["project"]["name"].replace("-", "_")
    (path,) = DIST.glob(f"{distribution}-*.whl")
    return path


def run_on_wheels(
    session: nox.Session,
    *names: str,
    tests: list[str],
    also: tuple[str, ...] = (),
    kit: bool = False,
    parallel: bool = True,
) -> None:
    """Run tests on wheels of the named packages, with no other package and no source in reach."""
    session.install(*(str(wheel(name)) for name in names), *group("test"), *also)
    absent = [MODULES[name] for name in PACKAGES if name not in names]
    with tempfile.TemporaryDirectory(prefix="tinytorch-") as place:
        shutil.copy(ROOT / "pyproject.toml", place)
        shutil.copytree(ROOT / "tests", Path(place, "tests"))
        with session.chdir(place):
            session.run("python", "-c", ASSERT_ABSENT, *absent, log=False)
            paths = [f"tests/{path}" for path in tests]
            cores = IN_PARALLEL if parallel else ()
            session.run("pytest", *cores, *paths, *session.posargs, env=ONE_THREAD)
            if kit and not session.posargs:
                projects = [PACKAGES[name]["project"] for name in names]
                distributions = [p["name"] for p in projects if "entry-points" in p]
                session.run(
                    "python",
                    "-m",
                    "tinytorch",
                    "check",
                    *distributions,
                    *IN_PARALLEL,
                    env=ONE_THREAD,
                )


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and which module may import which."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    # The linter reads imports without running them: the sources are enough.
    path = os.pathsep.join(str(ROOT / "packages" / name / "src") for name in PACKAGES)
    session.run("lint-imports", "--no-logo", env={"PYTHONPATH": path})


@nox.session
def build(session: nox.Session) -> None:
    """The sdist and the wheel of every package, and what must be in them."""
    backends = [p["build-system"]["requires"] for p in PACKAGES.values()]
    session.install(*group("build"), *sorted(set().union(*backends)))
    shutil.rmtree(DIST, ignore_errors=True)
    for name in PACKAGES:
        # The backend is here: environments of its own for each would take far longer.
        options = ("--no-isolation", "--outdir", str(DIST))
        session.run("python", "-m", "build", *options, f"packages/{name}", silent=True)
    if len({check_built(name) for name in PACKAGES}) != 1:
        session.error("The versions of the packages are not in step.")


def check_built(name: str) -> str:
    """Look into the wheel and the sdist of a package; its version."""
    module, built = MODULES[name], wheel(name)
    distribution, version, tag = built.stem.split("-", 2)
    assert tag == "py3-none-any", built.name
    info = f"{distribution}-{version}.dist-info"
    with zipfile.ZipFile(built) as archive:
        missing = {f"{module}/py.typed", f"{info}/licenses/LICENSE"} - set(archive.namelist())
        assert not missing, f"{built.name} lacks {missing}"
        assert not any("_cache/" in path for path in archive.namelist()), built.name
        # Refuses, as the index would, what the standard does not allow.
        metadata = Metadata.from_email(archive.read(f"{info}/METADATA"))
    assert metadata.license_expression == "MIT", built.name
    root = f"{distribution}-{version}"
    with tarfile.open(DIST / f"{root}.tar.gz") as archive:
        wanted = {f"{root}/{path}" for path in ("LICENSE", "README.md", f"src/{module}/py.typed")}
        assert not wanted - set(archive.getnames()), f"{root}.tar.gz lacks one of {wanted}"
    return version


@nox.session(requires=["build"])
def types(session: nox.Session) -> None:
    """Types of every package, and of a user's file that sees the wheels alone."""
    session.install(*(str(wheel(name)) for name in PACKAGES), *group("types"))
    session.run("mypy", "packages")
    session.run("mypy", "--strict", "--config-file=", "tests/typing/user_file.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Every test but those against PyTorch, and the examples in docstrings, on the sources."""
    also = (*group("scipy"), *group("contraction"), *group("training"))
    session.install(*sources(mpi=True), *group("test"), *also)
    session.run("pytest", *IN_PARALLEL, *session.posargs, env=ONE_THREAD)
    if not session.posargs:
        session.run("pytest", "--doctest-modules", "packages")


# Those that end in t have no GIL. They are looked for as the others are, and skipped where missing.
@nox.session(python=["3.11", "3.12", "3.13", "3.13t", "3.14t"])
def stress(session: nox.Session) -> None:
    """Threads, signals and failing allocations at random moments; TINYTORCH_STRESS=10 for more."""
    session.install("-e", "packages/core", *group("test"))
    without_gil = {"PYTHON_GIL": "0"} if str(session.python).endswith("t") else {}
    session.run("pytest", "tests/stress", *session.posargs, env={**ONE_THREAD, **without_gil})


@nox.session
def mutations(session: nox.Session) -> None:
    """Faults planted in the rules of all packages, which the kit has to catch."""
    session.install(*sources(mpi=True), *group("test"))
    session.run("pytest", *IN_PARALLEL, "tests/mutations", *session.posargs, env=ONE_THREAD)


@nox.session(requires=["build"])
def core(session: nox.Session) -> None:
    """Core alone."""
    run_on_wheels(session, "core", tests=["core"], kit=True)


@nox.session(requires=["build"])
def ops_nn(session: nox.Session) -> None:
    """Core and the operations of neural networks, nothing else."""
    run_on_wheels(session, "core", "ops-nn", tests=["ops_nn"], kit=True)


@nox.session(requires=["build"])
def ops_losses(session: nox.Session) -> None:
    """Core and the losses, nothing else."""
    run_on_wheels(session, "core", "ops-losses", tests=["ops_losses"], kit=True)


@nox.session(requires=["build"])
def ops_math(session: nox.Session) -> None:
    """Core and the mathematical functions, nothing else."""
    run_on_wheels(
        session, "core", "ops-math", tests=["ops_math"], kit=True, also=group("contraction")
    )


@nox.session(requires=["build"])
def ops_mpi(session: nox.Session) -> None:
    """Core and the collectives over MPI, nothing else; one rank."""
    run_on_wheels(session, "core", "ops-mpi", tests=["ops_mpi"], kit=True, also=group("mpi"))


@nox.session
def mpi(session: nox.Session) -> None:
    """Programs on 1, 2, 3 and 4 ranks of this machine, those that fail among them."""
    also = (*group("test"), *group("training"), "./tests/plugins/softramp")
    needed = ("-r", "examples/data_parallel/requirements.txt")
    session.install(*sources(mpi=True), *also, *needed)
    # More ranks than cores may be waiting: without this they take the time of those that compute.
    env = {**ONE_THREAD, "MPIR_CVAR_ENABLE_HEAVY_YIELD": "1"}
    session.run("pytest", "tests/mpi/test_processes.py", *session.posargs, env=env)
    if not session.posargs:
        session.run("mpiexec", "-n", "4", "python", "examples/data_parallel/train.py", env=env)


@nox.session(requires=["build"])
def modules(session: nox.Session) -> None:
    """Core, the operations of neural networks and the modules made of them, nothing else."""
    run_on_wheels(session, "core", "ops-nn", "modules", tests=["modules"], also=group("weights"))


@nox.session(requires=["build"])
def optim(session: nox.Session) -> None:
    """Core and the optimisers, nothing else."""
    run_on_wheels(session, "core", "optim", tests=["optim"])


@nox.session(requires=["build"])
def plugin(session: nox.Session) -> None:
    """Distributions that are not ours, on top of core."""
    folders = [f"plugins/{name}" for name in ("softramp", "special", "sparse")]
    installed = tuple(f"./tests/{folder}" for folder in folders)
    run_on_wheels(session, "core", tests=[f"{folder}/tests" for folder in folders], also=installed)


@nox.session(requires=["build"])
def broken_plugins(session: nox.Session) -> None:
    """What a user sees of distributions that are broken, each in one way."""
    installers = ("flit_core>=3.11,<5", "pip")
    run_on_wheels(session, "core", tests=["plugins/broken/tests"], also=installers)


@nox.session(requires=["build"])
def template(session: nox.Session) -> None:
    """An op package as core's wheel makes it: installed, checked, and by its own sessions."""
    session.install(str(wheel("core")), "nox")
    with tempfile.TemporaryDirectory(prefix="tinytorch-") as place, session.chdir(place):
        session.run("python", "-m", "tinytorch", "new-plugin", "Fancy.Ops")
        session.install("-e", "./fancy-ops[test]")
        with session.chdir("fancy-ops"):
            session.run("pytest")
            session.run("python", "-m", "tinytorch", "check", "fancy-ops")
            # Core is not where its sessions would look for it.
            found = {"PIP_FIND_LINKS": str(DIST), "UV_FIND_LINKS": str(DIST)}
            session.run("python", "-m", "nox", env=found)


@nox.session(requires=["build"])
def tutorial(session: nox.Session) -> None:
    """docs/tutorial.md, followed to the letter in an empty folder."""
    session.install(*group("test"))
    # The fixtures of the other tests need what the page installs in an environment of its own.
    session.run("pytest", "--noconftest", "tests/tutorial", *session.posargs)


@nox.session(requires=["build"])
def stubs(session: nox.Session) -> None:
    """A user's program as mypy and pyright see it, with stubs of what is installed and without."""
    also = (*group("stubs"), "./tests/plugins/softramp")
    # Its tests write into the environment, one after the other.
    run_on_wheels(session, *PACKAGES, tests=["stubs"], also=also, parallel=False)
    session.install(*sources())  # core then lies elsewhere than the stubs
    session.run("pytest", "tests/stubs", *session.posargs)


# NumPy 2.0 was built for Python 3.11, and not yet for 3.13.
@nox.session(python="3.11", requires=["build"])
def minimums(session: nox.Session) -> None:
    """The oldest NumPy and pluggy that core claims to work with."""
    project = PACKAGES["core"]["project"]
    also = (*oldest(project["dependencies"]), *group("weights"), *group("mpi"))
    run_on_wheels(session, *PACKAGES, tests=PORTABLE, also=also, kit=True)
    # These tests need a newer pytest than the kit does.
    session.install(*oldest(project["optional-dependencies"]["testing"]))
    session.run("python", "-m", "tinytorch", "check", project["name"], env=ONE_THREAD)


@nox.session(name="python", python=[p for p in PYTHONS if p != RUNNING], requires=["build"])
def python_matrix(session: nox.Session) -> None:
    """Every Python that is claimed and present, but the one that runs the other sessions."""
    also = (*group("weights"), *group("mpi"))
    run_on_wheels(session, *PACKAGES, tests=PORTABLE, also=also, kit=True)


@nox.session
def demo(session: nox.Session) -> None:
    """A network that learns to read digits; what it draws goes to build/demo."""
    session.install(*sources(), "-r", "examples/digits/requirements.txt")
    place = ROOT / "build" / "demo"
    place.mkdir(parents=True, exist_ok=True)
    session.chdir(place)
    session.run("python", str(ROOT / "examples" / "digits" / "demo.py"), *session.posargs)


@nox.session
def cnn(session: nox.Session) -> None:
    """A convolutional network that learns to read digits: at least 98% are read right."""
    session.install(*sources(), "-r", "examples/cnn/requirements.txt")
    session.run("python", "examples/cnn/digits_cnn.py", *session.posargs)


@nox.session
def transformer(session: nox.Session) -> None:
    """A transformer that learns to write English, better than a bigram model does."""
    session.install(*sources(), "-r", "examples/transformer/requirements.txt")
    session.run("python", "examples/transformer/topics_transformer.py", *session.posargs)


@nox.session
def pictures(session: nox.Session) -> None:
    """Pictures of graphs, laid out; with `write`, those of docs/pictures are written anew."""
    needed = ("-r", "examples/transformer/requirements.txt")
    session.install(*sources(), *group("test"), *needed)
    session.install("-e", "packages/core[inspect]")
    if session.posargs == ["write"]:
        session.run("python", "docs/pictures/generate.py")
    else:
        session.run("pytest", "tests/pictures", *session.posargs, env=ONE_THREAD)


@nox.session
def site(session: nox.Session) -> None:
    """The site of the documentation, in build/site; warnings are errors, and so are dead links."""
    needed = ("-r", "examples/transformer/requirements.txt")
    session.install(*sources(), "-e", "packages/core[inspect]", *group("site"), *needed)
    place = ROOT / "build" / "site"
    shutil.rmtree(place, ignore_errors=True)
    options = ("--fail-on-warning", "--keep-going", "--quiet", "--fresh-env")
    doctrees = ("--doctree-dir", session.create_tmp())
    session.run("sphinx-build", *options, *doctrees, "docs", str(place))
    session.run("pytest", "tests/site", *session.posargs)


@nox.session
def notebooks(session: nox.Session) -> None:
    """The notebooks, in Binder's environment; with `write`, they are written anew from pages."""
    session.install("-r", ".binder/requirements.txt", *group("notebooks"))
    if session.posargs == ["write"]:
        session.run("python", "docs/notebooks/generate.py")
    else:
        session.run("pytest", "tests/notebooks", *session.posargs, env=ONE_THREAD)


@nox.session
def comparison(session: nox.Session) -> None:
    """The table in docs/compare.md; of PyTorch's column `parity` takes care."""
    session.install(*sources(), *group("comparison"))
    session.run("pytest", "tests/comparison", *session.posargs, env=ONE_THREAD)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@nox.session(default=CHROMIUM is not None, requires=["site"])
def browser(session: nox.Session) -> None:
    """The site and the pages of pictures in a browser: clicks, dark grounds, narrow windows."""
    if CHROMIUM is None:
        session.skip("there is no Chromium here; install it, as by `apt-get install chromium`")
    needed = ("-r", "examples/transformer/requirements.txt")
    session.install(*sources(), *group("browser"), *needed)
    session.install("-e", "packages/core[inspect]")
    session.run("pytest", "tests/browser", *session.posargs, env=ONE_THREAD)


# Always by pip, which can be told where a build without graphics-card libraries lies; uv looks
# elsewhere, and fetches gigabytes.
@nox.session(python="3.11", venv_backend="venv", default=False)
def parity(session: nox.Session) -> None:
    """Agreement with PyTorch, which is too large a download for every run."""
    session.install(*sources(), *group("parity"))
    tests = ("tests/parity", "tests/comparison")
    session.run("pytest", *IN_PARALLEL, *tests, *session.posargs, env=ONE_THREAD)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """How much of core its own tests and the kit run: at least 98%, by branch."""
    session.install(*sources(mpi=True), *group("coverage"), *group("scipy"))
    tests = ("tests/core", "tests/textbook", "tests/conformance")
    # Coverage imports and allocates in the processes that these two look at.
    others = "not imported_when_it_is_used and not allocation_of_pythons"
    session.run("coverage", "erase")
    session.run(
        *("coverage", "run", "-m", "pytest", *IN_PARALLEL, *tests, "-k", others), env=ONE_THREAD
    )
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


# By pip, for the same reason.
@nox.session(python="3.11", venv_backend="venv", default=False)
def fuzz(session: nox.Session) -> None:
    """Random programs against differences and PyTorch: how many, and from which batch on."""
    session.install(*sources(), *group("parity"))
    programs = session.posargs[0] if session.posargs else "20000"
    first = session.posargs[1] if session.posargs[1:] else str(random.randrange(10**6))
    session.log(f"{programs} programs, from batch {first} on")
    session.run(
        "pytest",
        *IN_PARALLEL,
        "tests/fuzz",
        "tests/parity/test_random_programs.py",
        env={**ONE_THREAD, "TINYTORCH_FUZZ_PROGRAMS": programs, "TINYTORCH_FUZZ_FIRST": first},
    )


@nox.session(default=False)
def reference(session: nox.Session) -> None:
    """The pages of all operations, docs/operations, written anew from the code."""
    session.install(*sources(mpi=True))
    session.run("python", "docs/operations/generate.py")


# By pip, for the same reason as parity.
@nox.session(python="3.11", venv_backend="venv", default=False)
def bench(session: nox.Session) -> None:
    """Time and memory beside NumPy by hand, PyTorch, autograd and MyGrad."""
    session.install(*sources(), *group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)
