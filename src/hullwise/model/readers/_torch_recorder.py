"""What a torch module does to an example, written down call by call.

The module runs as it is, on real numbers, and every torch function it calls passes by here: shapes,
branches on shapes, loops and modules used twice need no care. What it did must be what it does for
other inputs; the reader checks that.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..._core.wording import first_line
from ...errors import ModelError
from ._torch_inputs import answers
from ._torch_writes import (
    assigned,
    named_target,
    on_copy,
    overlap,
    overwritten,
    sharing,
    version_of,
    widened,
)

# these hand numbers to Python, where they are followed no further
PYTHON_VALUE_CALLS = {
    *("__bool__", "__float__", "__int__", "__index__", "__complex__", "__array__", "__contains__"),
    *("item", "tolist", "numpy", "is_nonzero", "equal", "allclose", "data_ptr"),
}
TORCH_CONSTANT_FACTORIES = {
    *("zeros_like", "ones_like", "full_like", "empty_like"),
    *("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"),
}
TORCH_CASTS = {
    "to",
    "type",
    "type_as",
    "float",
    "double",
    "half",
    "bfloat16",
    "cpu",
    "cuda",
    "to_copy",
}


class Derivation(NamedTuple):
    """A call that made `results` of a module's own tensors alone: a norm, a transposed weight."""

    call: Any
    args: Any
    kwargs: Any
    results: list[Any]


def buffers_in_float64(torch: Any) -> Any:
    """A mode in which buffers that name no type are made in float64."""
    from torch.overrides import TorchFunctionMode

    class Buffers(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, call: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = call(*args, **(kwargs or {}))
            is_tensor = isinstance(result, torch.Tensor)
            return widened(_name(call), kwargs or {}, result) if is_tensor else result

    return Buffers()


class CallRecorder:
    """The calls made, as an fx graph: `graph`; `entered`: the call that each module is given.

    `module_tensors` are the module's own; `derivations` the calls on them alone, in order; `own`
    the ids of these tensors and of what was made of them. `reads_values`: whether one was handed to
    Python as a number, or written to, so that the graph holds for its present values only.
    `casts_down`: whether numbers are cast to a smaller type on the way; the graph has no casts.
    """

    def __init__(
        self, torch: Any, module: Any, example: Any, run: Callable[[Any, Any], Any]
    ) -> None:
        self.begin(torch, module_tensors(torch, module), ("", module))
        self.follow(example, self.graph.placeholder("input"))
        self.answers = answers(self._run(module, example, run))
        self.graph.output(self.nodes(list(self.answers.values())))

    def begin(self, torch: Any, own: list[tuple[int, str, Any]], place: tuple[str, Any]) -> None:
        """With nothing written down; `own` are tensors whose calls are kept too."""
        from torch import fx

        self.torch, self.graph = torch, fx.Graph()
        self.entered: dict[str, Any] = {}
        self.module_stack: list[tuple[str, Any]] = [place]
        self.names: set[str] = set()
        self.node_of: dict[int, Any] = {}  # the call that made a tensor, by the tensor's id
        self.tensors: list[Any] = []  # and the tensors, so that ids stay theirs
        self.module_tensors = own
        self.own = {id(tensor) for _, _, tensor in self.module_tensors}
        self.derivations: list[Derivation] = []
        self.constants: dict[int, Any] = {}  # tensors on the way that do not depend on the input
        self.reads_values = self.casts_down = False

    def _run(self, module: Any, example: Any, run: Callable[[Any, Any], Any]) -> Any:
        hooks = []
        for path, part in module.named_modules():
            if path and not isinstance(part, self.torch.jit.ScriptModule):
                hooks.append(part.register_forward_pre_hook(self._enters(path), with_kwargs=True))
                hooks.append(part.register_forward_hook(self._leaves))
        try:
            with self.torch.no_grad(), self._mode(module):
                return run(module, example)
        except ModelError:
            raise
        except Exception as error:
            where = self.module_stack[-1][0]
            raise ModelError(
                f"this {type(module).__name__} fails on rows of shape {tuple(example.shape[1:])}"
                f"{f' in {where!r}' if where else ''}: {first_line(error)}. If its rows have "
                f"another shape, give it: read(module, input_shape=...)"
            ) from None
        finally:
            for hook in hooks:
                hook.remove()

    def _mode(self, module: Any) -> Any:
        """A mode in which torch hands its calls to `call`; those of compiled code lower down."""
        recorder = self
        if isinstance(module, self.torch.jit.ScriptModule):
            return self.dispatch_mode()
        from torch.overrides import TorchFunctionMode

        class Called(TorchFunctionMode):  # type: ignore[misc]
            def __torch_function__(
                self, call: Any, types: Any, args: Any = (), kwargs: Any = None
            ) -> Any:
                return recorder.call(call, args, kwargs or {})

        return Called()

    def dispatch_mode(self) -> Any:
        """A mode in which torch hands the calls of its kernels to `call`."""
        from torch.utils._python_dispatch import TorchDispatchMode

        recorder = self

        class Dispatched(TorchDispatchMode):  # type: ignore[misc]
            def __torch_dispatch__(
                self, call: Any, types: Any, args: Any = (), kwargs: Any = None
            ) -> Any:
                return recorder.call(call, args, kwargs or {})

        return Dispatched()

    def _enters(self, path: str) -> Any:
        def hook(module: Any, args: Any, kwargs: Any) -> None:
            self.module_stack.append((path, module))
            followed = [a for a in [*args, *kwargs.values()] if id(a) in self.node_of]
            if followed:
                self.entered.setdefault(path, self.node_of[id(followed[0])])

        return hook

    def _leaves(self, module: Any, args: Any, answer: Any) -> None:
        self.module_stack.pop()

    def call(self, call: Any, args: Any, kwargs: Any) -> Any:
        """Make a call, and write it down if it works on what the input became."""
        name = _name(call)
        args, kwargs = _by_schema(call, args, kwargs)
        if not self._is_followed((args, kwargs)):
            return self._derive(call, args, kwargs)
        if getattr(call, "__name__", "") in PYTHON_VALUE_CALLS:
            where = self.module_stack[-1][0]
            raise ModelError(
                f"this module cannot be traced: its code{f' in {where!r}' if where else ''} "
                f"asks for values ({name}). Write it without, or export it to ONNX and read the "
                f"file."
            )
        if name in TORCH_CASTS and (cast := call(*args, **kwargs)).is_floating_point():
            self.casts_down |= cast.dtype != self.torch.float64
            return args[0]
        target, key = (args[0], None) if name == "setitem" else named_target(call, args, kwargs)
        contents = self._contents(target)
        before = [(a, version_of(a)) for a in leaves((args, kwargs)) if self._is_tensor(a)]
        result, args, kwargs = self._evaluate(call, args, kwargs)
        if target is None and any(
            a is result and v is not None and _is_written(a, v) for a, v in before
        ):
            target = result  # as relu(x, inplace=True) says by place
        if target is not None and any(a is target and _is_written(a, v) for a, v in before):
            return self._written(name, call, args, kwargs, result, (target, key, contents))
        parts = list(result) if isinstance(result, tuple | list) else [result]
        if name in TORCH_CONSTANT_FACTORIES or not any(map(self._is_tensor, parts)):
            return result
        node = self._write(name, call, self.nodes(args), self.nodes(kwargs))
        if self._is_tensor(result):
            self.follow(result, node)
            return result
        for i, part in enumerate(parts):
            if self._is_tensor(part):
                self.follow(part, self.graph.call_function(operator.getitem, (node, i)))
        return result

    def _contents(self, target: Any) -> dict[int, Any]:
        """Copies of the constants that share a target's memory, before it is written to."""
        if not self._is_tensor(target):
            return {}
        whole = getattr(target, "_base", None)
        others = [*self.constants.values(), *([] if whole is None else [whole]), target]
        alike = [target, *sharing(target, others)]
        return {id(a): (a, a.clone()) for a in alike if id(a) not in self.node_of}

    def _written(
        self, name: str, call: Any, args: Any, kwargs: Any, result: Any, write: tuple[Any, ...]
    ) -> Any:
        """A call that wrote into `target`: the same on a copy, and what shares its memory."""
        target, key, contents = write
        constants = {i: copy for i, (_, copy) in contents.items()}

        def as_it_was(a: Any) -> Any:
            return self.node_of.get(id(a), constants.get(id(a), a))

        functional = assigned if name == "setitem" else on_copy(call, key)
        kind = "assigned" if name == "setitem" else name
        node = self._write(kind, functional, *(self._map(as_it_was, a) for a in (args, kwargs)))
        others = {id(a): a for a in [*self.tensors, *(a for a, _ in contents.values())]}
        for other in sharing(target, others.values()):
            if id(other) not in self.node_of and id(other) not in constants:
                continue
            places = overlap(self.torch, other, target)
            if bool((places >= 0).any()):
                old = as_it_was(other)
                self.follow(other, self._write("overwritten", overwritten, (old, node, places), {}))
        self.follow(target, node)
        if self._is_tensor(result) and result is not target:
            self.follow(result, node)
        return result

    def _derive(self, call: Any, args: Any, kwargs: Any) -> Any:
        """A call that does not work on the input; written down if on the module's own tensors."""
        own = [a for a in leaves((args, kwargs)) if id(a) in self.own]
        versions = [version_of(a) for a in own]
        result, args, kwargs = self._evaluate(call, args, kwargs)
        if self._is_tensor(result):
            result = widened(_name(call), kwargs, result)
            self.constants[id(result)] = result
        if own:
            is_value = getattr(call, "__name__", "") in PYTHON_VALUE_CALLS
            if is_value or versions != [version_of(a) for a in own]:
                self.reads_values = True
            self._note(call, args, kwargs, result)
        return result

    def _note(self, call: Any, args: Any, kwargs: Any, result: Any) -> None:
        results = [a for a in leaves(result) if self._is_tensor(a)]
        if any(id(a) not in self.own for a in results):
            self.derivations.append(Derivation(call, args, kwargs, results))
            self.own.update(map(id, results))
            self.tensors += results

    def _evaluate(self, call: Any, args: Any, kwargs: Any) -> tuple[Any, Any, Any]:
        """The result of a call, in float64 throughout where the module mixes kinds of floats."""
        try:
            return call(*args, **kwargs), args, kwargs
        except RuntimeError:
            wide_args, wide_kwargs = (
                self._map(self._in_float64, args),
                self._map(self._in_float64, kwargs),
            )
            return call(*wide_args, **wide_kwargs), wide_args, wide_kwargs

    def _in_float64(self, a: Any) -> Any:
        if not self._is_tensor(a) or not a.is_floating_point() or a.dtype == self.torch.float64:
            return a
        wide = a.double()
        if id(a) in self.own:
            self._note(self.torch.Tensor.double, (a,), {}, wide)
        return wide

    def _write(self, name: str, call: Any, args: Any, kwargs: Any) -> Any:
        """A node, with its layer's name (the module's path) and kind in `meta`."""
        path, module = self.module_stack[-1]
        leaf = type(module).__module__.startswith("torch.nn") and not any(
            True for child in module.children() if "parametri" not in type(child).__module__
        )
        label = path if leaf and path else f"{path}.{name}".lstrip(".")
        unique, i = label, 0
        while unique in self.names:
            i += 1
            unique = f"{label}_{i}"
        self.names.add(unique)
        node = self.graph.call_function(call, args, kwargs)
        node.meta |= {
            "layer": unique,
            "kind": name,
            "title": type(module).__name__ if leaf else name,
        }
        return node

    def follow(self, tensor: Any, node: Any) -> None:
        self.node_of[id(tensor)] = node
        self.tensors.append(tensor)

    def _is_tensor(self, a: Any) -> bool:
        return isinstance(a, self.torch.Tensor)

    def _is_followed(self, value: Any) -> bool:
        return any(id(a) in self.node_of for a in leaves(value))

    def nodes(self, value: Any) -> Any:
        return self._map(lambda a: self.node_of.get(id(a), a), value)

    def _map(self, change: Any, value: Any) -> Any:
        if isinstance(value, tuple | list):
            parts = [self._map(change, a) for a in value]
            return tuple(parts) if isinstance(value, tuple) else parts
        if isinstance(value, dict):
            return {k: self._map(change, a) for k, a in value.items()}
        return change(value)


def module_tensors(torch: Any, module: Any) -> list[tuple[int, str, Any]]:
    """The tensors that a module and its parts hold: (part, name, tensor), parts in order."""
    tensors = []
    for i, part in enumerate(module.modules()):
        attributes = {**vars(part), **part._parameters, **part._buffers}
        tensors += [(i, key, a) for key, a in attributes.items() if isinstance(a, torch.Tensor)]
    return tensors


def leaves(value: Any) -> Iterator[Any]:
    """What an argument or a result is made of, where it is a list, a tuple or a dict."""
    if isinstance(value, tuple | list):
        for part in value:
            yield from leaves(part)
    elif isinstance(value, dict):
        yield from leaves(tuple(value.values()))
    else:
        yield value


def _is_written(tensor: Any, version: int | None) -> bool:
    """Whether a tensor was written to since it had this version."""
    return version is None or version_of(tensor) != version


def _by_schema(call: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments of an ATen operator by their names, all but the first."""
    schema = getattr(call, "_schema", None)
    if schema is None:
        return args, kwargs
    names = [one.name for one in schema.arguments]
    return args[:1], {**dict(zip(names[1:], args[1:], strict=False)), **kwargs}


def _name(call: Any) -> str:
    """relu for torch.relu, F.relu, Tensor.relu_ and aten.relu.default; add for __radd__."""
    name = str(getattr(call, "__name__", call))
    if name == "__get__":
        name = str(getattr(getattr(call, "__self__", None), "__name__", name))
    return name.partition(".")[0].strip("_")
