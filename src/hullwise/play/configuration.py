"""Everything that a page can change, as one frozen object: read from JSON, checked, written back.

The page sends it whole, the URL's fragment carries it in its shortest form (only what differs from
the defaults), and both go through `Configuration.from_json`, which refuses anything else with a
sentence that names the key, what it holds and what was expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self

from ..errors import DataError

__all__ = [
    "Configuration",
    "ConfigurationError",
    "Display",
    "HiddenLayer",
    "Penalties",
    "Viewport",
]

DATA_NAMES = (
    *("spirals", "xor", "ring", "gaussians", "moons", "three", "staircase", "parabola"),
    *("own", "drawn"),
)
INPUT_NAMES = ("x", "y", "x2", "y2", "xy", "sinx", "siny")
UNIT_NAMES = ("relu", "abs", "leaky", "maxout")
NORMALISATIONS = ("none", "batch")
OPTIMISERS = ("adam", "sgd")
GRADIENTS = ("backpropagation", "forward")
FRAME_STEPS = (1, 2, 5, 10, 20, 50)
DISPLAY_MODES = ("class", "height", "regions")
DISPLAY_METRICS = (None, "nfm", "agop", "local")
LARGEST_WIDTH = 128
MAX_LAYERS = 6
SMALLEST_NORMALISED_BATCH = 2  # with statistics of its own
ROW_RANGE = (20, 5000)
LARGEST_COORDINATE = 1e6
SMALLEST_HALF_WIDTH = 1e-9
SHOWN_CHARACTERS = 60


class ConfigurationError(DataError):
    """A configuration that cannot be used; `key` is the dotted name of what is wrong."""

    def __init__(self, key: str, value: Any, expected: str) -> None:
        super().__init__(f"{key} is {_shown(value)}: expected {expected}")
        self.key = key


def _shown(value: Any) -> str:
    text = "missing" if value is MISSING else repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def _number(key: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(key, value, f"a number from {low:g} to {high:g}")
    return float(value)


def _whole(key: str, value: Any, low: int, high: int) -> int:
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole or not low <= value <= high:
        raise ConfigurationError(key, value, f"a whole number from {low:,} to {high:,}")
    return int(value)


def _choice(key: str, value: Any, choices: Sequence[Any]) -> Any:
    if not isinstance(value, str | int | None) or isinstance(value, bool) or value not in choices:
        raise ConfigurationError(key, value, f"one of {', '.join(str(c) for c in choices)}")
    return value


def _truth(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(key, value, "true or false")
    return value


def _sequence(key: str, value: Any, low: int, high: int, what: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple) or not low <= len(value) <= high:
        count = f"{low}" if low == high else f"{low} to {high}"
        raise ConfigurationError(key, value, f"a list of {count} {what}")
    return tuple(value)


def _pair(key: str, value: Any, low: float, high: float) -> tuple[float, float]:
    a, b = _sequence(key, value, 2, 2, "numbers")
    return _number(f"{key}.0", a, low, high), _number(f"{key}.1", b, low, high)


def _record(key: str, value: Any, kind: Callable[..., Any], names: Sequence[str]) -> Any:
    """An object of JSON as a record: no key but these."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, "an object")
    for name in value:
        if name not in names:
            place = f"{key}.{name}" if key else str(name)
            raise ConfigurationError(
                place[:SHOWN_CHARACTERS], value[name], f"no such key; there are {', '.join(names)}"
            )
    return kind(**value)


def _set(record: Any, name: str, value: Any) -> None:
    object.__setattr__(record, name, value)


@dataclass(frozen=True)
class HiddenLayer:
    """One layer of units: `width` of the kind `unit`."""

    width: int = 32
    unit: str = "relu"

    def __post_init__(self) -> None:
        _set(self, "width", _whole("layers.width", self.width, 1, LARGEST_WIDTH))
        _choice("layers.unit", self.unit, UNIT_NAMES)


@dataclass(frozen=True)
class Penalties:
    """Weights of what is added to the loss, 0 for none; `mixup` is the alpha of its Beta law."""

    weight_decay: float = 0.0
    orthogonality: float = 0.0
    tangent: float = 0.0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        for one, high in (
            ("weight_decay", 1.0), ("orthogonality", 10.0), ("tangent", 10.0), ("mixup", 10.0)
        ):  # fmt: skip
            _set(self, one, _number(f"penalties.{one}", getattr(self, one), 0, high))


@dataclass(frozen=True)
class Display:
    """What of the picture is computed and drawn."""

    mode: str = "class"
    layers: tuple[bool, ...] = ()  # as many as differ from "shown"
    rows: bool = True
    hull: bool = True
    metric: str | None = None
    simplex: bool = False
    guard: bool = False
    complexity: bool = False

    def __post_init__(self) -> None:
        _choice("show.mode", self.mode, DISPLAY_MODES)
        _choice("show.metric", self.metric, DISPLAY_METRICS)
        layers = _sequence("show.layers", self.layers, 0, MAX_LAYERS, "truth values")
        _set(self, "layers", tuple(_truth("show.layers", one) for one in layers))
        for one in ("rows", "hull", "simplex", "guard", "complexity"):
            _truth(f"show.{one}", getattr(self, one))


@dataclass(frozen=True)
class Viewport:
    """The rectangle of the plane in view: its centre and half its width and height."""

    center: tuple[float, float]
    half: tuple[float, float]

    def __post_init__(self) -> None:
        high = LARGEST_COORDINATE
        _set(self, "center", _pair("view.center", self.center, -high, high))
        _set(self, "half", _pair("view.half", self.half, SMALLEST_HALF_WIDTH, high))
        thin = 1e-12 * max(abs(c) for c in self.center)
        if min(self.half) <= thin:
            raise ConfigurationError("view.half", self.half, "more, so far from the origin")


def viewport(value: Any) -> Viewport:
    """The view of a message, checked."""
    if not isinstance(value, Mapping) or value.keys() != {"center", "half"}:
        raise ConfigurationError("view", value, "an object with center and half")
    return Viewport(value["center"], value["half"])


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Data, inputs, network, training and picture of one page.

    Raises
    ------
    ConfigurationError
        If a value is not one of those allowed.

    Examples
    --------
    >>> configuration = Configuration.from_json({"data": "xor", "layers": [{"width": 4}]})
    >>> configuration.layers
    (HiddenLayer(width=4, unit='relu'),)
    >>> configuration.shortest()
    {'data': 'xor', 'layers': [{'width': 4, 'unit': 'relu'}]}
    >>> Configuration.from_json({"rows": 1_000_000})
    Traceback (most recent call last):
    hullwise.play.configuration.ConfigurationError: rows is 1000000: expected a whole number ...
    """

    data: str = "spirals"
    rows: int = 500
    noise: float = 0.03
    seed: int = 0
    inputs: tuple[str, ...] = ("x", "y")
    layers: tuple[HiddenLayer, ...] = (HiddenLayer(), HiddenLayer())
    residual: bool = False
    normalisation: str = "none"
    optimiser: str = "adam"
    rate: float = 0.005
    batch: int = 64
    gradient: str = "backpropagation"
    dropout: float = 0.0
    penalties: Penalties = field(default_factory=Penalties)
    steps_per_frame: int = 5
    show: Display = field(default_factory=Display)
    view: Viewport | None = None

    def __post_init__(self) -> None:
        _choice("data", self.data, DATA_NAMES)
        _set(self, "rows", _whole("rows", self.rows, *ROW_RANGE))
        _set(self, "noise", _number("noise", self.noise, 0, 0.5))
        _set(self, "seed", _whole("seed", self.seed, 0, 2**31 - 1))
        self._check_network()
        _choice("optimiser", self.optimiser, OPTIMISERS)
        _choice("gradient", self.gradient, GRADIENTS)
        _set(self, "rate", _number("rate", self.rate, 1e-7, 10))
        _set(self, "batch", _whole("batch", self.batch, 1, ROW_RANGE[1]))
        _set(self, "dropout", _number("dropout", self.dropout, 0, 0.8))
        _choice("steps_per_frame", self.steps_per_frame, FRAME_STEPS)

    def _check_network(self) -> None:
        inputs = _sequence("inputs", self.inputs, 1, len(INPUT_NAMES), "inputs")
        for one in inputs:
            _choice("inputs", one, INPUT_NAMES)
        if len(set(inputs)) < len(inputs):
            raise ConfigurationError("inputs", list(inputs), "each input once")
        _set(self, "inputs", tuple(one for one in INPUT_NAMES if one in inputs))
        layers = _sequence("layers", self.layers, 0, MAX_LAYERS, "layers")
        if not all(isinstance(one, HiddenLayer) for one in layers):
            raise ConfigurationError("layers", list(layers), "a list of layers")
        _set(self, "layers", layers)
        _truth("residual", self.residual)
        if self.normalisation == "layer":
            raise ConfigurationError(
                "normalisation",
                "layer",
                "none or batch: layer normalisation divides by a root of the inputs, so that the "
                "network has no flat pieces",
            )
        _choice("normalisation", self.normalisation, NORMALISATIONS)
        if self.normalisation == "batch":
            _set(
                self, "batch", _whole("batch", self.batch, SMALLEST_NORMALISED_BATCH, ROW_RANGE[1])
            )

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The configuration of an object as JSON gives it; what is missing is the default."""
        if not isinstance(value, Mapping):
            raise ConfigurationError("configuration", value, "an object")
        parts = dict(value)
        if "layers" in parts:
            layers = _sequence("layers", parts["layers"], 0, MAX_LAYERS, "layers")
            parts["layers"] = tuple(
                _record(f"layers.{i}", one, HiddenLayer, ("width", "unit"))
                for i, one in enumerate(layers)
            )
        for key, kind in (("penalties", Penalties), ("show", Display)):
            if key in parts:
                parts[key] = _record(key, parts[key], kind, [f.name for f in fields(kind)])
        if parts.get("view") is not None:
            parts["view"] = viewport(parts["view"])
        configuration = _record("", parts, cls, [f.name for f in fields(cls)])
        assert isinstance(configuration, cls)
        return configuration

    def to_json(self) -> dict[str, Any]:
        """As JSON takes it: lists, numbers, words."""
        return {one.name: _plain_value(getattr(self, one.name)) for one in fields(self)}

    def shortest(self) -> dict[str, Any]:
        """Only what differs from the defaults, in `penalties` and `show`, too."""
        return _differences(self.to_json(), type(self)().to_json())

    def training_key(self) -> tuple[Any, ...]:
        """What training starts over for when it changes: data, inputs, network."""
        network = self.layers, self.residual, self.normalisation, self.dropout > 0
        return (*self.data_key(), self.inputs, *network)

    def data_key(self) -> tuple[Any, ...]:
        """What rows are drawn afresh for when it changes."""
        return self.data, self.rows, self.noise, self.seed


def _plain_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain_value(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain_value(getattr(value, one.name)) for one in fields(value)}
    return value


def _differences(value: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for key, one in value.items():
        base = default[key]
        if key in ("penalties", "show"):
            one, base = _differences(one, base), {}
        if one != base:
            out[key] = one
    return out


def is_finite_number(value: Any) -> bool:
    """Whether JSON gave a number that a coordinate can be."""
    return (
        not isinstance(value, bool)
        and isinstance(value, int | float)
        and math.isfinite(value)
        and abs(value) <= LARGEST_COORDINATE
    )
