"""How a network is read: the options of every command that takes one, as one frozen object."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

DEFAULT_PIECES_ERROR = 1e-3


# ---- what a value may be ----------------------------------------------------------------------


def _named_values(
    _: click.Context, __: click.Parameter, texts: tuple[str, ...]
) -> dict[str, str | tuple[float, ...]]:
    """`NAME=FILE.npy` as the file's name, `NAME=1,0.5` as numbers."""
    out: dict[str, str | tuple[float, ...]] = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark or not name or not value:
            raise click.BadParameter(f"{text!r}: expected NAME=NUMBERS or NAME=FILE.npy")
        if name in out:
            raise click.BadParameter(f"{name!r} is given twice")
        if value.lower().endswith(".npy"):
            out[name] = value
            continue
        try:
            out[name] = tuple(float(word) for word in value.split(","))
        except ValueError:
            raise click.BadParameter(
                f"{text!r}: expected numbers with commas between, or a file that ends in .npy"
            ) from None
    return out


def _shapes(
    _: click.Context, __: click.Parameter, texts: tuple[str, ...]
) -> tuple[int, ...] | dict[str, tuple[int, ...]] | None:
    """`3x32x32` as the shape of the one input, `NAME=3x32x32` as that of one of several."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _mark, sizes = text.rpartition("=")
        try:
            shape = tuple(int(word) for word in sizes.lower().split("x"))
        except ValueError:
            shape = ()
        if not shape or min(shape) < 1:
            raise click.BadParameter(
                f"{text!r}: expected sizes with an x between, such as 3x32x32, or "
                "NAME=3x32x32 for each of several inputs"
            )
        if name in shapes:
            raise click.BadParameter(f"{name or 'the shape'!r} is given twice")
        shapes[name] = shape
    if "" not in shapes:
        return shapes or None
    if len(shapes) > 1:
        raise click.BadParameter("give one shape, or NAME=SIZES for each of several inputs")
    return shapes[""]


def _pieces_error(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """`pieces` or `pieces:ERROR`, as the error."""
    if text is None:
        return None
    kind, mark, number = text.partition(":")
    try:
        error = float(number) if mark else DEFAULT_PIECES_ERROR
    except ValueError:
        error = math.nan
    if kind != "pieces" or not (math.isfinite(error) and error > 0):
        raise click.BadParameter(f"{text!r}: expected pieces or pieces:ERROR, such as pieces:0.001")
    return error


# ---- the options ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ModelReadingOptions:
    """Which part of a network is read, and what it takes."""

    model: str | None
    upto: str | None
    model_output: str | None
    constants: Mapping[str, str | tuple[float, ...]]
    input_shape: tuple[int, ...] | Mapping[str, tuple[int, ...]] | None
    smooth: float | None

    def check_network(self, parameter: str = "--model") -> None:
        """Refuse options that do not go together; `parameter` is the one that names the file."""
        if self.model == "-":
            raise click.BadParameter(
                "a network cannot come from standard input", param_hint=parameter
            )
        if self.model is None and (words := self.network_words):
            raise click.UsageError(f"{words[0].split()[0]} belongs to --model")
        if self.upto is not None and self.model_output is not None:
            raise click.UsageError(
                "give --upto or --model-output, not both: one says where the reading ends"
            )

    @property
    def network_words(self) -> list[str]:
        """The options as they are typed, for a page that says how it was made."""
        words = [
            f"{name} {shlex.quote(value)}"
            for name, value in (("--upto", self.upto), ("--model-output", self.model_output))
            if value is not None
        ]
        for name, constant in self.constants.items():
            numbers = constant if isinstance(constant, str) else ",".join(map(repr, constant))
            words.append(f"--constant {shlex.quote(f'{name}={numbers}')}")
        shapes = self.input_shape if isinstance(self.input_shape, Mapping) else {}
        if self.input_shape is not None and not shapes:
            words.append(f"--input-shape {'x'.join(map(str, self.input_shape))}")
        for name, shape in shapes.items():
            words.append(f"--input-shape {shlex.quote(f'{name}=' + 'x'.join(map(str, shape)))}")
        if self.smooth is not None:
            words.append(f"--smooth pieces:{self.smooth!r}")
        return words


def network_reading(subject: str) -> tuple[Any, ...]:
    """The options that say how a network is read; `subject` is what messages call it."""
    return (
        click.option(
            "--upto",
            metavar="LAYER",
            help=f"Read {subject} up to the layer of this name only, or to the value of this name.",
        ),
        click.option(
            "--model-output",
            metavar="NAME",
            help=f"Which of several outputs of {subject} is read, by its name or place.",
        ),
        click.option(
            "--constant",
            "constants",
            multiple=True,
            callback=_named_values,
            metavar="NAME=NUMBERS|FILE.npy",
            help=f"An input of {subject} that stays what it is: one row of numbers, or an array. "
            "May be repeated.",
        ),
        click.option(
            "--input-shape",
            multiple=True,
            callback=_shapes,
            metavar="[NAME=]CxHxW",
            help="The shape of one row, where the file leaves it open. With names, once for each "
            "of several inputs: rows hold them side by side, in that order.",
        ),
        click.option(
            "--smooth",
            callback=_pieces_error,
            metavar="pieces[:ERROR]",
            help="Put straight pieces in the place of smooth activations, off by at most ERROR "
            f"anywhere ({DEFAULT_PIECES_ERROR:g} unless given).",
        ),
    )


OF_MODEL_OPTION = network_reading("--model")
OF_MODEL_ARGUMENT = network_reading("the network")
