"""A live torch module, watched at work on a copy at rest in float64.

Each call it makes is read as a layer. What only moves entries (reshape, permute, slice, pad, chunk,
...) is read by moving a table of positions.
"""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..._core.types import Floats
from ..._core.wording import first_line
from ...errors import DataWarning, HullwiseError, ModelError
from ..network import Network
from ..output_activations import OutputActivation
from ._layer_builder import LayerBuilder
from ._left_out import ReadModel
from ._options import ReadOptions, chosen_output
from ._refusals import Refusal, probe_rows, refuse, require_same_outputs
from ._smooth_layers import SMOOTH_KINDS
from ._torch_archive import read_archive
from ._torch_distances import TorchDistances
from ._torch_endings import LeftOut, behind, ending
from ._torch_inner_calls import TorchInnerCalls
from ._torch_inputs import TorchInputs, answers, inputs_of_module
from ._torch_kinds import TORCH_SYNONYMS
from ._torch_layers import TorchCall, TorchLayers, TorchSignal, is_node, map_calls
from ._torch_moves import TORCH_MOVEMENTS, TorchMoves
from ._torch_orders import TorchOrders
from ._torch_programs import inputs_of_program, is_program, module_of_program
from ._torch_recorder import CallRecorder, buffers_in_float64
from ._torch_recurrent import TAKING_MOVED_BATCHES, TorchRecurrent
from ._torch_smooth import TorchSmooth, is_used_further
from ._torch_steps import STARTING, StepSignal, TorchSteps
from ._torch_windows import TorchWindows


def read_torch(module: Any, options: ReadOptions) -> ReadModel:
    """See `hullwise.model.read`."""
    import torch

    with module_errors(torch, module):
        if isinstance(module, torch.nn.Module):
            _warn_of_training(module)
        reader, end = traced(torch, module, options)
        return ReadModel(checked_network(torch, reader, end, options.upto), end.left_out)


@contextmanager
def module_errors(torch: Any, module: Any) -> Iterator[None]:
    """Reading a module in the block: it must be one, and what its code raises is a ModelError."""
    title = module.name if isinstance(module, Path) else type(module).__name__
    _require_module(torch, module, title)
    try:
        yield
    except (HullwiseError, Warning):  # a warning is an error where the caller made it one
        raise
    except Exception as error:  # whatever torch and the module's own code raise
        raise ModelError(
            f"this {title} cannot be read: {first_line(error)}. Export it to ONNX and read the file"
        ) from None


def _require_module(torch: Any, module: Any, title: str) -> None:
    """That it is code that can be followed, with parameters that are there."""
    if isinstance(module, Path) or is_program(torch, module):
        return
    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"a {title} is no torch module; give the module that it was made from")
    lazy = [n for n, p in module.named_parameters() if torch.nn.parameter.is_lazy(p)]
    if lazy:
        raise ModelError(
            f"this {title} has parameters without a shape yet ({', '.join(lazy[:5])}): give it a "
            f"row of data first"
        )


def traced(torch: Any, module: Any, options: ReadOptions) -> tuple[TorchReader, TorchEnd]:
    """A reader that has walked the calls of a copy at rest, and where it ended."""
    if isinstance(module, Path):
        copied, inputs = read_archive(module, options)
        copied = copy_at_rest(copied)
    elif is_program(torch, module):
        copied = copy_at_rest(module_of_program(module))
        inputs = inputs_of_program(module, options)
    else:
        copied = copy_at_rest(module)
        inputs = inputs_of_module(copied, options)
    title = module.name if isinstance(module, Path) else type(module).__name__
    reader = TorchReader(torch, copied, inputs, title)
    reader.layers.unit_error = options.unit_error
    return reader, reader.read(options.upto, options.output)


def checked_network(torch: Any, reader: TorchReader, end: TorchEnd, upto: str | None) -> Network:
    """What was read, compared with the module's own answers."""
    net = reader.layers.network(end.node, reader.title, end.activations)
    require_module_outputs(torch, reader, net, probe_rows(net.input_shape), upto is None)
    return net


def require_module_outputs(
    torch: Any, reader: TorchReader, net: Network, X: Floats, whole: bool
) -> None:
    """That a network gives what the reader's module gives at rows X; ModelError where not."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about how it computes
        n = reader.inputs.n_rows
        X = X[: max(n, len(X) // n * n)] if len(X) >= n else np.resize(X, (n, X.shape[1]))
        batches = torch.tensor(X.reshape(len(X), *reader.inputs.shape)).split(n)
        outputs = [reader.evaluate(x, whole).reshape(n, -1) for x in batches]
    require_same_outputs(net, X, torch.cat(outputs).numpy(), f"this {reader.title}")


def _warn_of_training(module: Any) -> None:
    parts = sorted({type(part).__name__ for part in module.modules() if _differs_in_training(part)})
    if parts:
        warnings.warn(
            f"this {type(module).__name__} is in training mode ({', '.join(parts)}): a copy at "
            f"rest (eval) is read",
            DataWarning,
            stacklevel=4,
        )


def _differs_in_training(part: Any) -> bool:
    """Whether a part answers otherwise in training than at rest, and is in training."""
    kinds = {cls.__name__.lstrip("_") for cls in type(part).__mro__}
    return bool(part.training and kinds & {"BatchNorm", "DropoutNd", "InstanceNorm", "RReLU"})


def _copied(module: Any) -> Any:
    import torch

    data = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about how it copies
        if not isinstance(module, torch.jit.ScriptModule):
            return copy.deepcopy(module)
        torch.jit.save(module, data)
        data.seek(0)
        return torch.jit.load(data)


def copy_at_rest(module: Any) -> Any:
    """A copy at rest, in float64; the module given stays as it is."""
    try:
        copied = _copied(module).cpu().double()
        with suppress(NotImplementedError):  # of an exported program: it is what it was exported as
            copied.eval()
    except Exception as error:
        raise ModelError(
            f"this {type(module).__name__} cannot be copied ({first_line(error)}); export it to "
            f"ONNX and read the file"
        ) from None
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    return copied


class TorchEnd(NamedTuple):
    """What was read: the output's node, and what was left out behind it."""

    node: int
    activations: tuple[OutputActivation, ...]
    left_out: tuple[tuple[str, str], ...]


class TorchReader(
    TorchInnerCalls,
    TorchLayers,
    TorchWindows,
    TorchOrders,
    TorchMoves,
    TorchRecurrent,
    TorchSteps,
    TorchSmooth,
    TorchDistances,
):
    """Walks the calls that were made."""

    def __init__(self, torch: Any, module: Any, inputs: TorchInputs, title: str) -> None:
        self.torch, self.module, self.inputs, self.title = torch, module, inputs, title
        size, shape = (inputs.n_rows, *inputs.shape), inputs.shape
        self.example = torch.tensor(np.random.default_rng(1).normal(size=size))
        self.answer = ""  # the name of the one that is read, of what the module gives
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            recorder = CallRecorder(torch, module, self.example.clone(), self._run)
        self.recorder, self.graph, self.entered = recorder, recorder.graph, recorder.entered
        self.layers = LayerBuilder(shape)
        self.values: dict[Any, Any] = {}
        self.examples: dict[Any, Any] = {}
        self.nodes_of: dict[Any, range] = {}  # the nodes of ours that each call became
        self.last: Any = None  # the call whose value is the network's output

    def _run(self, module: Any, x: Any) -> Any:
        return self.inputs.call(self.torch, module, x)

    def read(self, upto: str | None, output: str | int | None = None) -> TorchEnd:
        names = {node: node.meta.get("layer", "") for node in self.graph.nodes}
        stop = next((n.all_input_nodes[0] for n, name in names.items() if name == upto), None)
        stop = self.entered.get(upto or "", stop)
        if upto is not None and stop is None:
            known_names = ", ".join(name for name in names.values() if name)
            raise ModelError(f"there is no layer {upto!r}; there are {known_names}")
        for node in self.graph.nodes:
            if node.op == "placeholder":
                self.values[node], self.examples[node] = TorchSignal(0), self.example
            elif node.op == "output":
                stop = self._answer(node.args[0], output)
            else:
                first = len(self.layers.nodes)
                self.read_call(node)
                self.nodes_of[node] = range(first, len(self.layers.nodes))
            if node is stop:
                break
        end = self.values[stop]
        left_out = end if isinstance(end, LeftOut) else LeftOut(stop, (), ())
        self.last = left_out.before
        value = self.values[self.last]
        if isinstance(value, StepSignal):
            refuse(value.layer, value.title, Refusal.JUMPS)
        if not isinstance(value, TorchSignal):
            raise ModelError(f"what enters {upto!r} is several tensors, not one")
        node = self.layers.batch_first("output", value.node)
        return TorchEnd(node, left_out.activations, left_out.names)

    def _answer(self, given: list[Any], output: str | int | None) -> Any:
        """The call that made the module's answer."""
        nodes = dict(zip(self.recorder.answers, given, strict=True))
        made = {name: node for name, node in nodes.items() if is_node(node)}
        if not made:
            raise ModelError("the module returns what does not depend on its input")
        self.answer = chosen_output(list(made), output, f"this {self.title}")
        return made[self.answer]

    def evaluate(self, X: Any, whole: bool) -> Any:
        """The module's own values of the last call that was read."""
        results: dict[Any, Any] = {}
        for node in self.graph.nodes:
            if node.op == "placeholder":
                results[node] = X.clone()
            elif node.op == "output":
                if whole:
                    place = list(self.recorder.answers).index(self.answer)
                    self._require_same_calls(results[node.args[0][place]], X)
            else:
                args, kwargs = (
                    map_calls(results.get, node.args),
                    map_calls(results.get, node.kwargs),
                )
                results[node] = node.target(*args, **kwargs)
            if not whole and node is self.last:
                break
        return results[self.last]

    def _require_same_calls(self, traced: Any, X: Any) -> None:
        """That the calls results are those it makes for other inputs, too."""
        try:
            with buffers_in_float64(self.torch):
                outputs = self._answer_of(self.module, X.clone())
                tolerance = 1e-4 if self.recorder.casts_down else 1e-9
        except RuntimeError:  # its code asks for float32 by name
            single = copy.deepcopy(self.module).float()
            outputs, tolerance = self._answer_of(single, X.float()).double(), 1e-4
        same_shape = outputs.shape == traced.shape
        gap = (outputs - traced).abs().max() if same_shape else np.inf
        if not gap <= tolerance * max(float(outputs.abs().max()), 1e-300):
            raise ModelError(
                f"this {self.title} cannot be traced: what it does with an input depends on the "
                f"input's values or on chance"
            )

    def _answer_of(self, module: Any, X: Any) -> Any:
        return answers(self._run(module, X))[self.answer]

    def read_call(self, node: Any) -> None:
        """A call as nodes of ours, and its value."""
        name, kind = node.meta.get("layer", "part"), node.meta.get("kind", "getitem")
        args, kwargs = (
            map_calls(self.examples.get, node.args),
            map_calls(self.examples.get, node.kwargs),
        )
        with self.torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.examples[node] = node.target(*args, **kwargs)
        inputs = node.all_input_nodes
        parts = self.values[inputs[0]]
        if isinstance(parts, tuple):  # one of the tensors that a call gave
            self.values[node] = parts[node.args[1]]
            return
        call = TorchCall(name, node, args, kwargs, self)
        left_out = next((v for v in map(self.values.get, inputs) if isinstance(v, LeftOut)), None)
        if left_out is not None:
            self.values[node] = behind(call, left_out)
        elif not self._is_replaced(call) and (last := ending(call, inputs[0])) is not None:
            self.layers.batch_first(name, parts.node)
            self.values[node] = last
        elif kind in TORCH_MOVEMENTS and self._can_move(call):
            self._move(call)
        else:
            self.values[node] = self._layer(call, kind)

    def _is_replaced(self, call: TorchCall) -> bool:
        """Whether it is read where it could be left out: pieces are, and inner calls."""
        if call.node.meta.get("is_inner"):
            return True
        smooth = call.kind in SMOOTH_KINDS and self.layers.unit_error is not None
        return smooth and is_used_further(call)

    def _layer(self, call: TorchCall, kind: str) -> Any:
        """A call as layers of ours."""
        title = call.title
        arguments = [self.values[node] for node in call.node.all_input_nodes]
        if kind in STARTING or any(isinstance(value, StepSignal) for value in arguments):
            return self.steps(call)
        kind = TORCH_SYNONYMS.get(kind, kind)
        reading = getattr(self, f"_on_{kind}", None)
        if reading is None:
            return self.inner_calls(call)
        for other in call.node.all_input_nodes:
            if kind not in TAKING_MOVED_BATCHES:
                self.layers.batch_first(call.name, self.values[other].node)
        try:
            node = reading(call)
        except HullwiseError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            refuse(call.name, f"{title} used in a way ({first_line(error)})")
        if isinstance(node, tuple):
            return node
        if self.layers.shape(node) != tuple(call.out.shape[1:]):
            raise ModelError(
                f"layer {call.name!r} gives {tuple(call.out.shape[1:])}, as read "
                f"{self.layers.shape(node)}: please report this model"
            )
        return TorchSignal(node)
