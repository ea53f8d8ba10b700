"""What a torch module does to an example, written down call by call.

The module runs as it is, on real numbers, and every torch function it calls passes by here: shapes,
branches on shapes, loops and modules used twice need no care. What it did must be what it does for
other inputs; the reader checks that.
"""

from __future__ import annotations

import operator
from typing import Any

from ...errors import ModelError

# these hand numbers to Python, where they are followed no further
VALUES = {
    *("__bool__", "__float__", "__int__", "__index__", "__complex__", "__array__", "__contains__"),
    *("item", "tolist", "numpy", "is_nonzero", "equal", "allclose", "data_ptr", "__setitem__"),
}
SHAPED = {
    *("zeros_like", "ones_like", "full_like", "empty_like"),
    *("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"),
}
CASTS = {"to", "type", "type_as", "float", "double", "half", "bfloat16", "cpu", "cuda"}


class Watch:
    """The calls made, as an fx graph: `graph`; `entered`: the call that each module is given."""

    def __init__(self, torch: Any, own: Any, example: Any) -> None:
        from torch import fx

        self.torch, self.graph = torch, fx.Graph()
        self.entered: dict[str, Any] = {}
        self.inside: list[tuple[str, Any]] = [("", own)]
        self.names: set[str] = set()
        self.made: dict[int, Any] = {}  # the call that made a tensor, by the tensor's id
        self.kept: list[Any] = []  # and the tensors, so that ids stay theirs
        self._made(example, self.graph.placeholder("input"))
        answer = self._run(own, example)
        self.graph.output(self._nodes(answer))

    def _run(self, own: Any, example: Any) -> Any:
        from torch.overrides import TorchFunctionMode

        watch = self

        class Mode(TorchFunctionMode):  # type: ignore[misc]
            def __torch_function__(
                self, call: Any, types: Any, args: Any = (), kwargs: Any = None
            ) -> Any:
                return watch.call(call, args, kwargs or {})

        hooks = []
        for path, module in own.named_modules():
            if path:
                hooks.append(module.register_forward_pre_hook(self._enters(path), with_kwargs=True))
                hooks.append(module.register_forward_hook(self._leaves))
        try:
            with self.torch.no_grad(), Mode():
                return own(example)
        except ModelError:
            raise
        except Exception as error:
            where = self.inside[-1][0]
            raise ModelError(
                f"this {type(own).__name__} fails on rows of shape {tuple(example.shape[1:])}"
                f"{f' in {where!r}' if where else ''}: {_first(error)}. If its rows have another "
                f"shape, give it: read(module, input_shape=...)"
            ) from None
        finally:
            for hook in hooks:
                hook.remove()

    def _enters(self, path: str) -> Any:
        def hook(module: Any, args: Any, kwargs: Any) -> None:
            self.inside.append((path, module))
            given = [a for a in [*args, *kwargs.values()] if id(a) in self.made]
            if given:
                self.entered.setdefault(path, self.made[id(given[0])])

        return hook

    def _leaves(self, module: Any, args: Any, answer: Any) -> None:
        self.inside.pop()

    def call(self, call: Any, args: Any, kwargs: Any) -> Any:
        """Make a call, and write it down if it works on what the input became."""
        name = _name(call)
        if not self._followed((args, kwargs)):
            return self._made_anyway(call, args, kwargs)[0]
        if getattr(call, "__name__", "") in VALUES:
            what = "assigns into a tensor" if name == "setitem" else f"asks for values ({name})"
            where = self.inside[-1][0]
            raise ModelError(
                f"this module cannot be traced: its code{f' in {where!r}' if where else ''} "
                f"{what}. Write it without, or export it to ONNX and read the file."
            )
        if name in CASTS and call(*args, **kwargs).is_floating_point():
            return args[0]
        made, args, kwargs = self._made_anyway(call, args, kwargs)
        parts = list(made) if isinstance(made, tuple | list) else [made]
        if name in SHAPED or not any(map(self._tensor, parts)):
            return made
        node = self._write(name, call, self._nodes(args), self._nodes(kwargs))
        if self._tensor(made):
            self._made(made, node)
            return made
        for i, part in enumerate(parts):
            if self._tensor(part):
                self._made(part, self.graph.call_function(operator.getitem, (node, i)))
        return made

    def _made_anyway(self, call: Any, args: Any, kwargs: Any) -> tuple[Any, Any, Any]:
        """A call made, in float64 throughout where the module mixes kinds of floats."""
        try:
            return call(*args, **kwargs), args, kwargs
        except RuntimeError:
            wide, wider = self._map(self._wide, args), self._map(self._wide, kwargs)
            return call(*wide, **wider), wide, wider

    def _wide(self, a: Any) -> Any:
        if not self._tensor(a) or not a.is_floating_point() or a.dtype == self.torch.float64:
            return a
        return a.double()

    def _write(self, name: str, call: Any, args: Any, kwargs: Any) -> Any:
        """A node, with its layer's name (the module's path) and kind in `meta`."""
        path, module = self.inside[-1]
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

    def _made(self, tensor: Any, node: Any) -> None:
        self.made[id(tensor)] = node
        self.kept.append(tensor)

    def _tensor(self, a: Any) -> bool:
        return isinstance(a, self.torch.Tensor)

    def _followed(self, given: Any) -> bool:
        if isinstance(given, tuple | list):
            return any(self._followed(a) for a in given)
        if isinstance(given, dict):
            return any(self._followed(a) for a in given.values())
        return id(given) in self.made

    def _nodes(self, given: Any) -> Any:
        return self._map(lambda a: self.made.get(id(a), a), given)

    def _map(self, change: Any, given: Any) -> Any:
        if isinstance(given, tuple | list):
            parts = [self._map(change, a) for a in given]
            return tuple(parts) if isinstance(given, tuple) else parts
        if isinstance(given, dict):
            return {k: self._map(change, a) for k, a in given.items()}
        return change(given)


def _name(call: Any) -> str:
    """relu for torch.relu, F.relu, Tensor.relu_ and aten.relu.default; add for __radd__."""
    name = str(getattr(call, "__name__", call))
    if name == "__get__":
        name = str(getattr(getattr(call, "__self__", None), "__name__", name))
    return name.partition(".")[0].strip("_")


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
