"""Weights in files: written whole or not at all, and read without running anything."""

from __future__ import annotations

import io
import os
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import tinytorch_modules as nn


def equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def model(dtype: Any = np.float32) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2, dtype=dtype), nn.BatchNorm1d(2, dtype=dtype))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_there_and_back(dtype: Any, tmp_path: Path) -> None:
    """What was saved is loaded bit for bit, counts of batches among it."""
    one, other = model(dtype), model(dtype)
    one(np.random.default_rng(0).normal(size=(4, 3)))
    nn.save(one, tmp_path / "weights.safetensors")
    assert nn.load(other, str(tmp_path / "weights.safetensors")) == ([], [])
    assert equal(one, other)
    assert other[1].num_batches_tracked.item() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_the_format(tmp_path: Path) -> None:
    """Any reader of the format finds the state under its names, whatever the arrays' layout."""
    layer = nn.Linear(3, 2)
    layer.weight.data = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    nn.save(layer, tmp_path / "weights")
    arrays = safetensors.numpy.load_file(tmp_path / "weights")
    assert sorted(arrays) == ["bias", "weight"]
    np.testing.assert_array_equal(arrays["weight"], [[0, 1, 2], [3, 4, 5]])


def test_what_is_not_strict(tmp_path: Path) -> None:
    """`load` hands `strict` on, and returns what did not fit."""
    nn.save(nn.Linear(3, 2), tmp_path / "weights")
    layer = nn.Linear(3, 2, bias=False)
    with pytest.raises(ValueError, match="unexpected: bias"):
        nn.load(layer, tmp_path / "weights")
    assert nn.load(layer, tmp_path / "weights", strict=False) == ([], ["bias"])


class Malicious:
    """Unpickled, it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def bare(pickled: bytes) -> bytes:
    return pickled


def as_torch_writes(pickled: bytes) -> bytes:
    """The pickle in an archive, as ``torch.save`` has it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    return file.getvalue()


def in_an_array(pickled: bytes) -> bytes:
    """The pickle as the object in a ``.npy`` file."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + pickled


def behind_a_length(pickled: bytes) -> bytes:
    """The pickle where the format has its header."""
    return len(pickled).to_bytes(8, "little") + pickled


@pytest.mark.parametrize("wrap", [bare, as_torch_writes, in_an_array, behind_a_length])
def test_a_pickle_is_not_run(wrap: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """A file that holds a malicious pickle is refused, and nothing in it is run."""
    trace = tmp_path / "trace"
    pickled = pickle.dumps(Malicious(trace))
    (tmp_path / "weights").write_bytes(wrap(pickled))
    layer = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"weights is not a safetensors file.* nothing in it has"):
        nn.load(layer, tmp_path / "weights")
    assert not trace.exists()
    pickle.loads(pickled)
    assert trace.exists(), "the pickle does what it is feared for, once it is run"


@pytest.mark.parametrize("size", [0, 7, 60, -1])
def test_a_file_cut_short(size: int, tmp_path: Path) -> None:
    """A file without its end is refused, and the module is as it was."""
    layer = nn.Linear(3, 2)
    nn.save(layer, tmp_path / "weights")
    data = (tmp_path / "weights").read_bytes()
    (tmp_path / "weights").write_bytes(data[:size])
    other = nn.Linear(3, 2)
    before = other.state_dict()
    with pytest.raises(ValueError, match="is not a safetensors file, or broken"):
        nn.load(other, tmp_path / "weights")
    np.testing.assert_array_equal(other.weight.data, before["weight"])


def test_numbers_that_numpy_does_not_have(tmp_path: Path) -> None:
    """Weights in bfloat16 are refused with what to do, for NumPy has no such dtype."""
    header = b'{"weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[0,2]}}'
    (tmp_path / "weights").write_bytes(len(header).to_bytes(8, "little") + header + b"\x80\x3f")
    with pytest.raises(ValueError, match=r"bfloat16.*float32 where the file is written"):
        nn.load(nn.Linear(1, 1, bias=False), tmp_path / "weights")


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is a FileNotFoundError, as of `open`."""
    with pytest.raises(FileNotFoundError):
        nn.load(nn.Linear(1, 1), tmp_path / "weights")


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_save_that_fails(fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing fails, the old file is there, whole, and no other beside it."""
    old = nn.Linear(3, 2)
    nn.save(old, tmp_path / "weights")

    def fail(*arguments: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, fails, fail)
    with pytest.raises(OSError, match="no space left"):
        nn.save(nn.Linear(3, 2), tmp_path / "weights")
    monkeypatch.undo()
    other = nn.Linear(3, 2)
    nn.load(other, tmp_path / "weights")
    assert equal(old, other)
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_order_of_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file gets its name once all of it is on the disk."""
    done: list[str] = []
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        assert not (tmp_path / "weights").exists()
        done.append("fsync")
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    nn.save(nn.Linear(3, 2), tmp_path / "weights")
    assert done == ["fsync"]
    assert (tmp_path / "weights").exists()


@pytest.mark.parametrize("function", [nn.save, nn.load])
def test_without_safetensors(
    function: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the library, the error says what to install."""
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.delitem(sys.modules, "safetensors.numpy")
    with pytest.raises(ImportError, match=f"{function.__name__} needs safetensors.*pip install"):
        function(nn.Linear(1, 1), tmp_path / "weights")
