"""PyTorch's old weights files: read without PyTorch, and without running what a file would like to run."""

import os
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from tests.support.marks import examples
from trainer.errors import WeightsError
from trainer.networks.weights.torch_files import MAGIC, read_state_dict

TORCH, TORCH_UTILS = ModuleType("torch"), ModuleType("torch._utils")


def named(module: ModuleType, name: str) -> type:
    """A class of that name in what stands for PyTorch while we write."""
    setattr(module, name, type(name, (), {"__module__": module.__name__}))
    return getattr(module, name)


KINDS = {np.dtype("f4"): named(TORCH, "FloatStorage"), np.dtype("i8"): named(TORCH, "LongStorage")}
REBUILD, DOUBLES = named(TORCH_UTILS, "_rebuild_tensor_v2"), named(TORCH, "DoubleStorage")


@dataclass(frozen=True)
class Storage:
    """A run of values, saved by reference."""

    key: str
    values: NDArray[Any]


@dataclass(frozen=True)
class View:
    """A tensor on a storage: offset, shape and strides count values."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return REBUILD, (self.storage, self.offset, self.shape, self.strides, False, OrderedDict())


@dataclass(frozen=True)
class Call:
    """Something that a pickle asks its reader to call."""

    function: Callable[..., Any]
    argument: str

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, (self.argument,)


class Pickler(pickle.Pickler):
    """Writes storages as PyTorch does."""

    def persistent_id(self, value: object) -> tuple[object, ...] | None:
        if not isinstance(value, Storage):
            return None
        return "storage", KINDS[value.values.dtype], value.key, "cpu", value.values.size, None


def pickled(value: object) -> bytes:
    buffer = BytesIO()
    with patch.dict(sys.modules, {"torch": TORCH, "torch._utils": TORCH_UTILS}):
        Pickler(buffer, protocol=2).dump(value)
    return buffer.getvalue()


def saved(state: object, storages: Mapping[str, NDArray[Any]], *, magic: int = MAGIC) -> bytes:
    """A file in the old format, as `torch.save(..., _use_new_zipfile_serialization=False)` writes it."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = [pickled(value) for value in (magic, 1001, system, state, list(storages))]
    body = [values.size.to_bytes(8, "little") + values.tobytes() for values in storages.values()]
    return b"".join([*head, *body])


Read = Callable[[bytes], dict[str, NDArray[Any]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return partial(read_bytes, tmp_path / "weights.pth")


def read_bytes(path: Path, data: bytes) -> dict[str, NDArray[Any]]:
    path.write_bytes(data)
    return read_state_dict(path)


def simple() -> tuple[bytes, dict[str, NDArray[Any]]]:
    """A small file, and what is in it."""
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 3
    count = np.array(7, np.int64)
    storages = {"11": kernel.ravel(), "22": count.ravel()}
    state = OrderedDict(
        kernel=View(Storage("11", kernel.ravel()), 0, (2, 3, 4), (12, 4, 1)),
        turned=View(Storage("11", kernel.ravel()), 4, (4, 2), (1, 12)),
        count=View(Storage("22", count.ravel()), 0, (), ()),
    )
    return saved(state, storages), {"kernel": kernel, "turned": kernel[:, 1].T, "count": count}


def test_tensors_come_back(read: Read) -> None:
    data, wanted = simple()
    result = read(data)
    assert list(result) == list(wanted)
    for name, values in wanted.items():
        assert result[name].dtype == values.dtype
        np.testing.assert_array_equal(result[name], values)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), arrays.arrays(np.float32, arrays.array_shapes(max_dims=4, max_side=5)))
def test_views_with_any_strides_come_back(read: Read, draw: st.DataObject, whole: NDArray[np.float32]) -> None:
    view = draw.draw(st.permutations(range(whole.ndim)).map(whole.transpose))
    for axis in range(view.ndim):
        first, step = draw.draw(st.integers(0, view.shape[axis] - 1)), draw.draw(st.integers(1, 3))
        view = view[(slice(None),) * axis + (slice(first, None, step),)]
    offset = (view.__array_interface__["data"][0] - whole.__array_interface__["data"][0]) // 4
    tensor = View(Storage("0", whole.ravel()), offset, view.shape, tuple(stride // 4 for stride in view.strides))
    result = read(saved(OrderedDict(view=tensor), {"0": whole.ravel()}))
    np.testing.assert_array_equal(result["view"], view)


@pytest.mark.parametrize("place", ["magic number", "state", "keys"])
@pytest.mark.parametrize("function", [os.system, eval, getattr, DOUBLES], ids=lambda function: function.__name__)
def test_a_file_that_names_anything_else_is_refused_and_runs_nothing(
    function: Callable[..., Any], place: str, read: Read, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    call = pickled(Call(function, f"touch {ran}"))
    parts = {"magic number": pickled(MAGIC), "protocol": pickled(1001), "system": pickled({})}
    parts |= {"state": pickled(OrderedDict()), "keys": pickled([])}
    assert read(b"".join(parts.values())) == {}
    with pytest.raises(WeightsError, match=rf"it names \w+\.{function.__name__}"):
        read(b"".join((parts | {place: call}).values()))
    assert not ran.exists()
    if function is os.system:  # what Python's own reader makes of it
        pickle.loads(call)  # noqa: S301  # proves that the file is as dangerous as it is meant to be
        assert ran.exists()


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (25,), (1,)),
        (1, (2, 3, 4), (12, 4, 1)),
        (24, (1,), (1,)),
        (-1, (2,), (1,)),
        (5, (3,), (-1,)),
        (0, (2, 2), (1, 23)),
        (0, (2,), (2**70,)),
        (0, (2**70,), (0,)),
        (0, (-1,), (1,)),
        (0, (2, 2), (1,)),
        (0, (2.5,), (1,)),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], read: Read
) -> None:
    values = np.zeros(24, np.float32)
    with pytest.raises(WeightsError):
        read(saved(OrderedDict(kernel=View(Storage("0", values), offset, shape, strides)), {"0": values}))


def test_a_tensor_at_the_very_end_of_its_storage_is_read(read: Read) -> None:
    values = np.arange(24, dtype=np.float32)
    tensor = View(Storage("0", values), 20, (2, 2), (2, 1))
    np.testing.assert_array_equal(
        read(saved(OrderedDict(kernel=tensor), {"0": values}))["kernel"], [[20, 21], [22, 23]]
    )


def test_what_is_no_state_dict_is_said_with_the_name_of_the_file(read: Read, tmp_path: Path) -> None:
    values = np.zeros(4, np.float32)
    tensor = View(Storage("0", values), 0, (4,), (1,))
    for data in (
        b"",
        b"PK\x03\x04 a zip file, as PyTorch writes them now",
        saved(OrderedDict(kernel=tensor), {"0": values}, magic=5),
        saved(OrderedDict(kernel=tensor), {}),
        saved(OrderedDict(kernel=tensor), {"0": values[:3]}),
        saved(OrderedDict(kernel=tensor), {"0": np.zeros(5, np.float32)}),
        saved(OrderedDict(kernel=tensor), {"0": values, "1": values}),
        saved(OrderedDict(kernel=3), {}),
        saved([1, 2], {}),
    ):
        with pytest.raises(WeightsError, match=r"weights\.pth is not a PyTorch state dict"):
            read(data)
    with pytest.raises(WeightsError, match="No such file"):
        read_state_dict(tmp_path / "absent.pth")


def only_refuses_or_reads(read: Read, data: bytes) -> None:
    try:
        result = read(data)
    except WeightsError:
        return
    assert all(isinstance(values, np.ndarray) for values in result.values())
    for values in result.values():
        if values.size:
            float(values[(-1,) * values.ndim])  # the farthest number can be reached


def test_a_file_cut_short_is_refused(read: Read) -> None:
    data, _ = simple()
    for length in range(len(data)):
        with pytest.raises(WeightsError):
            read(data[:length])


@settings(deadline=None, max_examples=examples(600), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(simple()[0]) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_bytes_are_refused_or_read(read: Read, flips: list[tuple[int, int]]) -> None:
    data = bytearray(simple()[0])
    for place, value in flips:
        data[place] = value
    only_refuses_or_reads(read, bytes(data))


def test_a_damaged_memo_number_takes_no_memory(read: Read) -> None:
    data, _ = simple()
    head, result, tail = data.partition(pickle.BINPUT + b"\x00")
    assert result
    with pytest.raises(WeightsError, match="memo number"):
        read(head + pickle.LONG_BINPUT + (2**30).to_bytes(4, "little") + tail)
