"""Numbers of a file: the tensor messages of the ONNX standard as arrays, floats in float64."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...._core.memory import check_memory
from ....errors import FileError, ModelError
from ...affine_layers import Shape

# codes of the standard's TensorProto.DataType
FLOAT, STRING, FLOAT16, DOUBLE, BFLOAT16 = 1, 8, 10, 11, 16
FLOATING = (FLOAT, FLOAT16, DOUBLE, BFLOAT16)
COMPLEX = (14, 15)
WHOLE: dict[int, Any] = {
    **{2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64},
    **{9: np.bool_, 12: np.uint32, 13: np.uint64},
}
TENSOR_TYPE_NAMES = {
    **{0: "UNDEFINED", 1: "FLOAT", 2: "UINT8", 3: "INT8", 4: "UINT16", 5: "INT16", 6: "INT32"},
    **{7: "INT64", 8: "STRING", 9: "BOOL", 10: "FLOAT16", 11: "DOUBLE", 12: "UINT32", 13: "UINT64"},
    **{14: "COMPLEX64", 15: "COMPLEX128", 16: "BFLOAT16", 17: "FLOAT8E4M3FN", 18: "FLOAT8E4M3FNUZ"},
    **{19: "FLOAT8E5M2", 20: "FLOAT8E5M2FNUZ", 21: "UINT4", 22: "INT4", 23: "FLOAT4E2M1"},
}
BYTES_OF_FLOAT = {FLOAT: 4, FLOAT16: 2, DOUBLE: 8, BFLOAT16: 2}


def type_name(code: int) -> str:
    return TENSOR_TYPE_NAMES.get(code, f"number type {code}")


def tensor_array(tensor: Any, folder: Path | None, path: Path | None) -> NDArray[Any]:
    """A tensor as an array that nobody can write to: float64, whole numbers, bool or text.

    Data in another file are taken into the message. `folder` is the only place they may lie in.

    Raises
    ------
    ModelError
        If the type is none of these, or the data do not fill the shape.
    MemoryLimitError
        If the shape does not fit into memory.
    """
    name, kind = tensor.name[:80], tensor.data_type
    shape = tuple(int(size) for size in tensor.dims)
    if min(shape, default=0) < 0:
        raise ModelError(f"the tensor {name!r} has the shape {shape}")
    check_memory(8 * math.prod(shape), f"the tensor {name!r}")
    if kind in COMPLEX:
        raise ModelError(f"the tensor {name!r} holds complex numbers ({type_name(kind)}): not read")
    if kind not in FLOATING and kind not in WHOLE and kind != STRING:
        raise ModelError(f"the tensor {name!r} holds {type_name(kind)}, which is not read")
    if tensor.data_location == 1:
        _take_in(tensor, folder, path)
    array = _text(tensor) if kind == STRING else _numbers(tensor)
    if array.size != math.prod(shape):
        raise ModelError(
            f"the tensor {name!r} has the shape {shape} and holds {array.size:,} numbers"
        )
    array = array.reshape(shape)
    array.flags.writeable = False
    return array


def sparse_array(tensor: Any, folder: Path | None, path: Path | None) -> NDArray[Any]:
    """A sparse tensor, filled up with zeros."""
    shape: Shape = tuple(int(size) for size in tensor.dims)
    check_memory(8 * math.prod(shape), f"the sparse tensor {tensor.values.name[:80]!r}")
    values = tensor_array(tensor.values, folder, path)
    indices = tensor_array(tensor.indices, folder, path)
    dense = np.zeros(math.prod(shape), dtype=values.dtype)
    flat = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), shape)
    dense[flat] = values
    dense.flags.writeable = False
    return dense.reshape(shape)


def stored_numbers(proto: Any) -> int:
    """How many numbers a model message holds, about: by its size, and what it has elsewhere."""
    outside = sum(
        math.prod(max(0, int(size)) for size in tensor.dims)
        for tensor in proto.graph.initializer
        if tensor.data_location == 1 and len(tensor.dims) < 9
    )
    return int(proto.ByteSize()) // 4 + min(outside, 2**34)


def _numbers(tensor: Any) -> NDArray[Any]:
    kind = tensor.data_type
    if tensor.HasField("raw_data"):
        return _from_bytes(tensor.raw_data, kind, tensor.name[:80])
    if kind == FLOAT:
        return np.array(tensor.float_data, dtype=np.float64)
    if kind == DOUBLE:
        return np.array(tensor.double_data, dtype=np.float64)
    if kind in (FLOAT16, BFLOAT16):
        bits = np.array(tensor.int32_data, dtype=np.int64).astype(np.uint16)
        return _from_bytes(bits.astype("<u2").tobytes(), kind, tensor.name[:80])
    fields = {7: tensor.int64_data, 12: tensor.uint64_data, 13: tensor.uint64_data}
    values = np.array(fields.get(kind, tensor.int32_data), dtype=np.uint64 if kind == 13 else None)
    return values.astype(WHOLE[kind])


def _from_bytes(data: bytes, kind: int, name: str) -> NDArray[Any]:
    width = BYTES_OF_FLOAT.get(kind) or np.dtype(WHOLE[kind]).itemsize
    if len(data) % width:
        raise ModelError(f"the tensor {name!r} holds {len(data):,} bytes: no whole numbers of them")
    if kind == BFLOAT16:  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).astype(float)
    if kind in FLOATING:
        return np.frombuffer(data, f"<f{width}").astype(np.float64)
    return np.frombuffer(data, np.dtype(WHOLE[kind]).newbyteorder("<")).astype(WHOLE[kind])


def _text(tensor: Any) -> NDArray[Any]:
    return np.array([text.decode("utf-8", "replace") for text in tensor.string_data], dtype=object)


def _take_in(tensor: Any, folder: Path | None, path: Path | None) -> None:
    """Read data kept in another file, which must lie in the model's own folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None or path is None:
        raise ModelError(f"the tensor {tensor.name[:80]!r} is kept in another file: give a path")
    if "\0" in location or not location:
        raise ModelError(f"{path.name} asks for a file named {location!r}: it is not read")
    try:
        target = (folder / location).resolve()
        inside = target.is_relative_to(folder.resolve())
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
    except (OSError, ValueError, RuntimeError):
        raise ModelError(f"{path.name} asks for {location[:80]!r}, which is no file") from None
    if not inside:
        raise ModelError(
            f"{path.name} asks for {location[:80]!r}, outside its own folder: it is not read"
        )
    try:
        if not target.is_file():
            raise FileNotFoundError("there is no such file")
        size = target.stat().st_size
        length = max(0, size - offset) if length < 0 else length
        if offset < 0 or offset + length > size:
            raise ValueError(f"it has {size:,} bytes, and {offset + length:,} are asked for")
        check_memory(2 * length, f"{location[:80]!r} in memory")
        with target.open("rb") as file:
            file.seek(offset)
            tensor.raw_data = file.read(length)
    except (OSError, ValueError) as error:
        raise FileError(str(path), f"needs {location[:80]!r}: {error}") from None
    tensor.data_location = 0
    tensor.ClearField("external_data")
