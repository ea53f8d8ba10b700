"""A .pt2 file of torch.export, read without torch's own loader, which may run code.

The file is an archive of JSON and of weights as plain numbers. Its graph is a list of calls of ATen
operators by name; only these are called here, and tensors stored as pickles are refused.
"""

from __future__ import annotations

import json
import math
import operator
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..._core.memory import check_memory
from ...errors import FileError, ModelError
from ._options import ReadOptions
from ._torch_inputs import TorchInputs
from ._torch_programs import inputs_of_signature

ATEN_TARGET = re.compile(r"torch\.ops\.aten\.([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)")
REFUSED_ATEN = {"from_file"}  # it maps files
SIZE_OPERATORS = {
    *("add", "sub", "mul", "floordiv", "mod", "neg", "pos", "eq", "ne", "lt", "le", "gt", "ge"),
    "getitem",
}
# codes of torch._export.serde.schema.ScalarType
SCALAR_TYPES = {
    **{1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32"},
    **{8: "float64", 12: "bool", 13: "bfloat16"},
}
PLAIN_ARGUMENTS = {
    *("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string"),
    "as_strings",
}
IGNORED_ARGUMENTS = {"as_none", "as_device", "as_layout", "as_memory_format"}


class ArchivedCall(NamedTuple):
    """One call of the graph: its operator, its arguments as JSON, the names of what it gives."""

    target: str
    call: Callable[..., Any]
    inputs: list[Any]
    outputs: list[Any]


def read_archive(path: Path, options: ReadOptions) -> tuple[Any, TorchInputs]:
    """The program of a .pt2 file as a torch module, and its inputs.

    Raises
    ------
    FileError, ModelError
        If the file is damaged, holds pickles, or calls what is no ATen operator.
    """
    import torch

    try:
        with zipfile.ZipFile(path) as archive:
            check_memory(4 * sum(one.file_size for one in archive.infolist()), path.name)
            model, tensors = _contents(torch, archive, path.name)
        return _module(torch, model, tensors, path.name, options)
    except (FileError, ModelError):
        raise
    except (zipfile.BadZipFile, OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        raise FileError(
            str(path), f"is cut short or no archive of torch.export ({type(error).__name__})"
        ) from None


def _contents(torch: Any, archive: zipfile.ZipFile, title: str) -> tuple[Any, dict[str, Any]]:
    """The graph as JSON, and the tensors by their names."""
    names = archive.namelist()
    if any(name.endswith("serialized_exported_program.json") for name in names):
        raise ModelError(
            f"{title} is of an older form that holds pickles, which run code when they are opened: "
            f"it is not read. Load it yourself: read(torch.export.load(path))"
        )
    graphs = [name for name in names if re.search(r"(^|/)models/[^/]+\.json$", name)]
    if not graphs:
        raise LookupError("no graph")
    if len(graphs) > 1:
        raise ModelError(f"{title} holds {len(graphs)} programs of torch.export; one can be read")
    tensors: dict[str, Any] = {}
    for kind in ("weights", "constants"):
        for name in names:
            if name.endswith(f"_{kind}_config.json") and f"data/{kind}/" in name:
                folder = name.rpartition("/")[0]
                for key, entry in json.loads(archive.read(name))["config"].items():
                    tensors[key] = _tensor(torch, archive, folder, key, entry, title)
    return json.loads(archive.read(graphs[0])), tensors


def _tensor(
    torch: Any, archive: zipfile.ZipFile, folder: str, key: str, entry: Any, title: str
) -> Any:
    if entry.get("use_pickle") or entry.get("tensor_meta") is None:
        raise ModelError(
            f"{title} holds {key!r} as a pickle, which runs code when it is opened: it is not "
            f"read. Load it yourself: read(torch.export.load(path))"
        )
    meta = entry["tensor_meta"]
    sizes, strides = ([int(n["as_int"]) for n in meta[k]] for k in ("sizes", "strides"))
    check_memory(8 * math.prod(sizes), f"{key!r} of {title}")
    data = bytearray(archive.read(f"{folder}/{entry['path_name']}"))
    kind = getattr(torch, SCALAR_TYPES[meta["dtype"]])
    if not math.prod(sizes):
        return torch.zeros(sizes, dtype=kind)
    offset = int(meta.get("storage_offset", {}).get("as_int", 0))
    return torch.frombuffer(data, dtype=kind).as_strided(sizes, strides, offset).clone()


def _module(
    torch: Any, model: Any, tensors: dict[str, Any], title: str, options: ReadOptions
) -> tuple[Any, TorchInputs]:
    graph, signature = model["graph_module"]["graph"], model["graph_module"]["signature"]
    held, names = _inputs(signature, tensors, title)
    calls = [_call(torch, node, title) for node in graph["nodes"]]
    answers = [
        spec["user_output"]["arg"] for spec in signature["output_specs"] if "user_output" in spec
    ]

    class Archived(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            for i, value in enumerate(held.values()):
                self.register_buffer(f"tensor{i}", value)

        def forward(self, *inputs: Any) -> Any:
            own = (getattr(self, f"tensor{i}") for i in range(len(held)))
            values = {**dict(zip(held, own, strict=True)), **dict(zip(names, inputs, strict=True))}
            for one in calls:
                _make(torch, one, values)
            out = tuple(_argument(torch, answer, values) for answer in answers)
            return out[0] if len(out) == 1 else out

    Archived.__name__ = Archived.__qualname__ = title
    sizes = {
        name: tuple(n.get("as_int") for n in graph["tensor_values"][name]["sizes"])
        for name in names
        if name in graph["tensor_values"]
    }
    return Archived(), inputs_of_signature(tuple(names), sizes, options, title)


def _inputs(
    signature: Any, tensors: dict[str, Any], title: str
) -> tuple[dict[str, Any], list[str]]:
    """The graph's names of stored tensors, and those of its inputs."""
    held, names = {}, []
    for spec in signature["input_specs"]:
        ((kind, value),) = spec.items()
        if kind in ("parameter", "buffer", "tensor_constant"):
            held[value["arg"]["name"]] = tensors[value[f"{kind}_name"]]
        elif kind == "user_input" and "as_tensor" in value["arg"]:
            names.append(value["arg"]["as_tensor"]["name"])
        elif kind != "constant_input":
            raise ModelError(f"{title} takes an input of the kind {kind!r}: not implemented")
    return held, names


def _call(torch: Any, node: Any, title: str) -> ArchivedCall:
    target = str(node["target"])
    aten = ATEN_TARGET.fullmatch(target)
    if aten and aten[1] not in REFUSED_ATEN and hasattr(torch.ops.aten, aten[1]):
        call = getattr(getattr(torch.ops.aten, aten[1]), aten[2])
    elif target.removeprefix("_operator.") in SIZE_OPERATORS:
        call = getattr(operator, target.removeprefix("_operator."))
    else:
        raise ModelError(
            f"{title} calls {target[:120]!r}: only operators of torch's own (ATen) are run; "
            f"reading it is not implemented. Load it yourself: read(torch.export.load(path))"
        )
    return ArchivedCall(target, call, node["inputs"], node["outputs"])


def _make(torch: Any, one: ArchivedCall, values: dict[str, Any]) -> None:
    """Make a call; its answers among the values."""
    args, kwargs = [], {}
    for entry in one.inputs:
        value = _argument(torch, entry["arg"], values)
        if entry.get("kind") == 2:
            kwargs[entry["name"]] = value
        else:
            args.append(value)
    answer = one.call(*args, **kwargs)
    for place, output in enumerate(one.outputs):
        ((kind, value),) = output.items()
        if kind == "as_tensors":
            values.update(zip((v["name"] for v in value), answer, strict=True))
        elif kind in ("as_tensor", "as_sym_int", "as_sym_bool", "as_sym_float"):
            name = value.get("name") or value.get("as_name")
            values[name] = answer[place] if len(one.outputs) > 1 else answer


def _argument(torch: Any, arg: Any, values: dict[str, Any]) -> Any:
    ((kind, value),) = arg.items()
    if kind in IGNORED_ARGUMENTS:
        return None
    if kind in PLAIN_ARGUMENTS:
        return value
    if kind == "as_tensor":
        return values[value["name"]]
    if kind == "as_tensors":
        return [values[one["name"]] for one in value]
    if kind == "as_optional_tensors":
        return [_argument(torch, one, values) for one in value]
    if kind == "as_scalar_type":
        return getattr(torch, SCALAR_TYPES[value])
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
        return _size(value, values)
    if kind == "as_sym_ints":
        return [_size(one, values) for one in value]
    raise ModelError(f"an argument of the kind {kind!r} is not implemented")


def _size(value: Any, values: dict[str, Any]) -> Any:
    """A size: a number, or a name of one that the graph works out."""
    ((kind, own),) = value.items()
    return values[own] if kind == "as_name" else own
