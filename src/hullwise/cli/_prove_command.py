"""`hullwise prove`: its options; nothing numeric is imported."""

from __future__ import annotations

from dataclasses import dataclass

import click

from .. import __version__
from ._complex_command import box_bounds
from ._network_options import OF_MODEL_ARGUMENT, ModelReadingOptions
from ._option_groups import StatusOptions
from .options import EXIT_CODES, FORCE, QUIET, apply, takes


@dataclass(frozen=True, kw_only=True)
class ProveOptions(StatusOptions, ModelReadingOptions):
    """`hullwise prove`."""

    model: str
    claim: str
    box: tuple[tuple[float, ...], tuple[float, ...]] | None
    verify: bool
    json: bool
    fail_on: str | None
    max_boxes: int
    max_seconds: float | None
    proof: str | None
    check: str | None
    force: bool

    def __post_init__(self) -> None:
        self.check_network("MODEL")
        if self.is_file and self.box is not None:
            raise click.UsageError("a VNN-LIB file has its own boxes: leave --box out")
        if not self.is_file and self.box is None:
            raise click.UsageError("give the inputs that the property is about with --box")
        if self.check is not None and (self.proof is not None or self.verify):
            raise click.UsageError(
                "--check searches for nothing: leave --proof and --verify out, or --check"
            )

    @property
    def is_file(self) -> bool:
        """Whether the property is a file and not words."""
        return self.claim.endswith((".vnnlib", ".vnnlib.gz"))


@click.command(epilog=EXIT_CODES)
@click.argument("model")
@click.argument("claim", metavar="PROPERTY")
@click.option(
    "--box",
    metavar="R|LOW:HIGH,...",
    callback=box_bounds,
    help="The inputs: a half width around 0, LOW:HIGH for all, or one LOW:HIGH for each.",
)
@apply(*OF_MODEL_ARGUMENT)
@click.option("--verify", is_flag=True, help="Have an independent checker look at the answer.")
@click.option("--json", is_flag=True, help="The answer as JSON on standard output.")
@click.option(
    "--fail-on",
    type=click.Choice(["violated", "open"]),
    help="Exit with 1 if the property is violated; with `open` also if it is not proved.",
)
@click.option(
    "--max-boxes",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    metavar="BOXES",
    help="Boxes to look at before what is left is called open.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="What is left by then is called open.",
)
@click.option(
    "--proof",
    metavar="OUT.npz",
    help="Write what proves or refutes it to a file, for --check.",
)
@click.option(
    "--check",
    metavar="PROOF.npz",
    help="Search for nothing: check the file that --proof wrote against this network, property "
    "and box. Exit with 1 if it does not decide it.",
)
@apply(FORCE, QUIET)
@takes(ProveOptions)
def prove(options: ProveOptions) -> None:
    """Prove that a property of a network holds for every input in a box, or refute it.

    MODEL is an ONNX file of layers that are piecewise affine. PROPERTY is what must be true of the
    inputs x0, x1, ... and outputs y0, y1, ..., or a VNN-LIB file. Some ten inputs are in reach.

    \b
      hullwise prove net.onnx "y0 <= 3 and y1 < y0" --box -1:1
      hullwise prove net.onnx "argmax == 2" --box 0:0.1,0:1,-1:1 --fail-on open
      hullwise prove net.onnx property.vnnlib --verify
      hullwise prove net.onnx property.vnnlib --proof proof.npz
      hullwise prove net.onnx property.vnnlib --check proof.npz
    """
    options.status(f"hullwise {__version__}: {options.claim} of {options.model} ...")
    from ._prove import run_prove

    if run_prove(options):
        click.get_current_context().exit(1)
