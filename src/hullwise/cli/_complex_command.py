"""`hullwise complex`: its options; nothing numeric is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import click

from .. import __version__
from ._network_options import OF_MODEL_ARGUMENT, ModelReadingOptions
from ._option_groups import OutputOptions
from .options import EXIT_CODES, FORCE, QUIET, apply, finite_number, takes

MESH_KINDS = (".ply", ".glb", ".gltf", ".obj")
PICTURE_KINDS = (".svg", ".png", ".pdf")


@dataclass(frozen=True, kw_only=True)
class ComplexOptions(OutputOptions, ModelReadingOptions):
    """`hullwise complex`."""

    model: str
    box: tuple[tuple[float, ...], tuple[float, ...]]
    inputs: tuple[int, ...] | None
    at: tuple[float, ...] | None
    of: tuple[int, ...] | None
    level: float
    mesh: str | None
    picture: str | None
    keep: str | None
    verify: bool
    json: bool
    max_regions: int
    max_seconds: float | None

    def __post_init__(self) -> None:
        self.check_output()
        if self.json and self.output == "-":
            raise click.UsageError("--json and -o - both write to standard output")
        self.check_network("MODEL")
        for name, path, kinds in (
            ("--mesh", self.mesh, MESH_KINDS),
            ("--picture", self.picture, PICTURE_KINDS),
        ):
            if path is not None and os.path.splitext(path)[1].lower() not in kinds:
                text = f"{path!r}: expected a name that ends in {', '.join(kinds)}"
                raise click.BadParameter(text, param_hint=name)
        if self.at is not None and self.inputs is None:
            raise click.UsageError("--at is where the inputs stay that --inputs leaves out")

    @property
    def files(self) -> list[str | None]:
        """What is written beside the table."""
        return [self.mesh, self.picture, self.keep]


def _numbers(kind: type[Any], expected: str) -> Any:
    def read(_: Any, __: Any, text: str | None) -> tuple[Any, ...] | None:
        if text is None:
            return None
        try:
            return tuple(kind(word) for word in text.split(","))
        except ValueError:
            raise click.BadParameter(f"{text!r}: expected {expected}") from None

    return read


def box_bounds(
    _: Any, __: Any, text: str | None
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """`R`, `LOW:HIGH`, or one `LOW:HIGH` for each input, as the lower and the upper ends."""
    if text is None:
        return None
    try:
        if ":" not in text:
            half = float(text)
            return (-half,), (half,)
        pairs = [word.split(":") for word in text.split(",")]
        return tuple(float(low) for low, _ in pairs), tuple(float(high) for _, high in pairs)
    except ValueError:
        raise click.BadParameter(
            f"{text!r}: expected a half width such as 1, or LOW:HIGH for all inputs, or one "
            "LOW:HIGH for each, with commas between"
        ) from None


@click.command("complex", epilog=EXIT_CODES)
@click.argument("model")
@click.option(
    "--box",
    default="1",
    show_default=True,
    metavar="R|LOW:HIGH,...",
    callback=box_bounds,
    help="The inputs: a half width around 0, LOW:HIGH for all, or one LOW:HIGH for each.",
)
@click.option(
    "--inputs",
    metavar="I,J,K",
    callback=_numbers(int, "numbers of inputs, counted from 0, such as 0,2,5"),
    help="Only these inputs vary, counted from 0; the others stay at --at. For networks of many.",
)
@click.option(
    "--at",
    metavar="V,V,...",
    callback=_numbers(float, "one number for each input"),
    help="Where the other inputs stay, a number for each input; 0 unless given.",
)
@apply(*OF_MODEL_ARGUMENT)
@click.option(
    "--of",
    metavar="K|I,J",
    callback=_numbers(int, "the number of an output, or of two: 0 or 0,1"),
    help="Whose boundary: where output K is --level, or output I above output J by it. Unless "
    "given where the decision changes: the largest output, or the sign of a single one.",
)
@click.option(
    "--level",
    type=float,
    default=0.0,
    callback=finite_number(),
    show_default=True,
    help="The value of the boundary.",
)
@click.option("--mesh", metavar="OUT.ply", help="The boundary in 3-D: .ply, .glb, .gltf, .obj.")
@click.option("--picture", metavar="OUT.svg", help="A picture of it: .svg, .png, .pdf.")
@click.option("--keep", metavar="OUT", help="Keep the complex for hw.model.CellComplex.load.")
@click.option("--verify", is_flag=True, help="Have an independent checker look at the complex.")
@click.option("--json", is_flag=True, help="The counts as JSON on standard output.")
@click.option(
    "--max-regions",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    metavar="REGIONS",
    help="With more the complex is partial, and says so.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Layers that are not cut by then are left out.",
)
@click.option(
    "-o", "--output", metavar="OUT", help="One row per region: .csv, .parquet, .jsonl, or -."
)
@apply(FORCE, QUIET)
@takes(ComplexOptions)
def cell_complex(options: ComplexOptions) -> None:
    """Count and measure the linear regions of a network in a box, and mesh its decision boundary.

    MODEL is an ONNX file of layers that are piecewise affine, with 2 to 8 inputs (or --inputs).
    The answer is exact: faces of all dimensions, volumes, the least and the largest outputs, and
    the topology of the decision boundary.

    \b
      hullwise complex net.onnx --box -1:1 --mesh boundary.ply --picture boundary.svg
    """
    options.status(f"hullwise {__version__}: the cell complex of {options.model} ...")
    from ._complex import run_complex

    run_complex(options)
