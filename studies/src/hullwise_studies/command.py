"""`hullwise study`, a command that hullwise finds by its entry point: what each study takes.

Nothing numeric is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from hullwise import __version__
from hullwise.cli.options import (
    EXIT_CODES,
    FORCE,
    apply,
    check_choices,
    check_page,
    split_names,
    takes,
)
from hullwise.cli.status import print_status

from ._options import (
    Balestriero2021Options,
    CurseOptions,
    Forward2022Options,
    Lux2021Options,
    RegimesOptions,
    SimilarityOptions,
    StudyOptions,
    TrainingOptions,
)

LUX2021_METHODS = (
    *("svr", "mlp", "delaunay", "shepmod", "lshep", "voronoi"),
    *("boxspline", "boxspline-flat", "boxspline-published", "maxbox"),
    *("nearest", "median", "linear"),
)

REGIMES_MODELS = ("rfm", "boosting", "mlp", "knn", "kernel_ridge")

TRAINING_AIDS = (
    *("none", "decay-weak", "decay", "dropout-weak", "dropout", "shifted"),
    *("tangent-weak", "tangent", "local-weak", "local"),
    *("mixup-weak", "mixup", "mixup-class", "distilled", "orthogonal-last", "orthogonal"),
)

CACHE = click.option(
    "--cache", metavar="FOLDER", help="Keep finished work there, and go on from it."
)
PAGE = click.option(
    "-o",
    "--output",
    callback=check_page,
    metavar="PAGE.html",
    help="One page for people, self-contained.",
)


def _parts(name: str) -> Mapping[str, str]:
    """The parts of a study and what they are; this imports the study."""
    parts: Mapping[str, str] = import_module(f".{name}", __package__).PARTS
    return parts


def _list_option(name: str) -> Any:
    def show(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            for part, text in _parts(name).items():
                click.echo(f"{part:14} {text}")
            ctx.exit()

    return click.option(
        "--list",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Say which parts there are, and stop.",
    )


def _check_parts(name: str) -> Any:
    def check(ctx: click.Context, option: click.Parameter, value: str | None) -> list[str] | None:
        return None if value is None else check_choices(tuple(_parts(name)))(ctx, option, value)

    return check


@click.group(epilog=EXIT_CODES)
def study() -> None:
    """Compute published results again, next to the published figures."""


@study.command(epilog=EXIT_CODES)
@click.option(
    "--data",
    metavar="FOLDER",
    help="Sets that may not be passed on, and the published errors of every point, are read "
    "from it.",
)
@click.option(
    "--sets",
    callback=_check_parts("lux2021"),
    metavar="a,b,c",
    help="Parts to compute, as --list names them; all that can be read unless given.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="METHOD",
    type=click.Choice(LUX2021_METHODS),
    help="Leave a method out, such as mlp. May be repeated.",
)
@click.option(
    "--full",
    is_flag=True,
    help="The paper's sizes: 100,000 steps of the MLP, up to 8,192 rows. Hours.",
)
@apply(CACHE, PAGE, FORCE, _list_option("lux2021"))
@takes(Lux2021Options)
def lux2021(options: Lux2021Options) -> None:
    """Interpolation of sparse high-dimensional data (Lux et al. 2021).

    Without --data the two bundled sets and the analytic experiment run, in a few minutes.

    \b
      hullwise study lux2021 -o lux2021.html
      hullwise study lux2021 --data FOLDER --cache answers --full -o lux2021.html
    """
    print_status(f"hullwise {__version__}: computing the study lux2021 ...")
    _run("lux2021", options)


@study.command(epilog=EXIT_CODES)
@click.option(
    "--data", metavar="FOLDER", help="Its .csv files are sets too, their last column the target."
)
@click.option(
    "--sets",
    callback=split_names,
    metavar="a,b,c",
    help="Parts to compute, as --list names them, and files of the folder; all but digits unless "
    "given.",
)
@click.option(
    "--models",
    callback=check_choices(REGIMES_MODELS),
    metavar="a,b,c",
    help=f"Of {', '.join(REGIMES_MODELS)}; all unless given.",
)
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Draws of rows and queries: 5, with --full 10."
)
@click.option("--full", is_flag=True, help="Up to 2,000 rows, 6,400 among useless inputs. Hours.")
@apply(CACHE, PAGE, FORCE, _list_option("regimes"))
@takes(RegimesOptions)
def regimes(options: RegimesOptions) -> None:
    """Which notion of interpolation tracks the error of models.

    \b
      hullwise study regimes -o regimes.html
      hullwise study regimes --data FOLDER --sets mine,noise --cache answers
    """
    print_status(f"hullwise {__version__}: computing the study regimes ...")
    _run("regimes", options)


@study.command(epilog=EXIT_CODES)
@click.option(
    "--data",
    metavar="FOLDER",
    help="Images: MNIST, Fashion-MNIST (IDX, also gzipped), CIFAR-10 (binary version), or .npz "
    "with x_train, y_train, x_test, y_test. scikit-learn's digits unless given.",
)
@click.option(
    "--parts",
    callback=_check_parts("balestriero2021"),
    metavar="a,b,c",
    help="Parts to compute, as --list names them; all that can run unless given.",
)
@click.option("--model", metavar="NET.onnx", help="One more network for the part latent.")
@click.option("--random-state", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--verify",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    help="Certificates of each question that are checked again, by other code.",
)
@click.option("--full", is_flag=True, help="All images, and samples up to 1,000,000. An hour.")
@apply(CACHE, PAGE, FORCE, _list_option("balestriero2021"))
@takes(Balestriero2021Options)
def balestriero2021(options: Balestriero2021Options) -> None:
    """Learning in high dimension always amounts to extrapolation (Balestriero et al. 2021).

    \b
      hullwise study balestriero2021 -o extrapolation.html
      hullwise study balestriero2021 --data FOLDER --parts pixels --full --cache answers
    """
    print_status(f"hullwise {__version__}: computing the study balestriero2021 ...")
    _run("balestriero2021", options)


@study.command(epilog=EXIT_CODES)
@click.option("--data", metavar="FOLDER", help="Labelled images, such as MNIST: one more set each.")
@click.option(
    "--sets",
    callback=split_names,
    metavar="a,b,c",
    help="Sets to compute, as --list names them, and those of the folder; all unless given.",
)
@click.option("--seeds", type=click.IntRange(min=1), help="Random splits: 10, with --full 20.")
@click.option("--full", is_flag=True, help="Up to 3,000 training rows and 1,000 queries. Hours.")
@apply(CACHE, PAGE, FORCE, _list_option("similarity"))
@takes(SimilarityOptions)
def similarity(options: SimilarityOptions) -> None:
    """Retrieval by cosine beside other distances: static, local, and along paths.

    \b
      hullwise study similarity -o similarity.html
      hullwise study similarity --data FOLDER --cache answers -o similarity.html
    """
    print_status(f"hullwise {__version__}: computing the study similarity ...")
    _run("similarity", options)


@study.command(epilog=EXIT_CODES)
@click.option("--data", metavar="FOLDER", help="Labelled images, such as MNIST: one more set each.")
@click.option(
    "--sets",
    callback=split_names,
    metavar="a,b,c",
    help="Parts to compute, as --list names them, and sets of the folder; all unless given.",
)
@click.option(
    "--aids",
    callback=check_choices(TRAINING_AIDS),
    metavar="a,b,c",
    help=f"Of {', '.join(TRAINING_AIDS)}; all unless given.",
)
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Draws of rows and starts: 8, with --full 16."
)
@click.option("--full", is_flag=True, help="Up to 1,000 training rows and 2,000 steps. Hours.")
@apply(CACHE, PAGE, FORCE, _list_option("training"))
@takes(TrainingOptions)
def training(options: TrainingOptions) -> None:
    """What training aids do to a network's answers, hull and partition. Needs torch.

    \b
      hullwise study training -o training.html
      hullwise study training --data FOLDER --aids tangent,mixup --cache answers
    """
    print_status(f"hullwise {__version__}: computing the study training ...")
    _run("training", options)


@study.command(epilog=EXIT_CODES)
@click.option(
    "--data",
    metavar="PATH",
    help="Labelled images such as MNIST, a .npz file or a folder. scikit-learn's digits unless "
    "given.",
)
@click.option(
    "--parts",
    callback=_check_parts("forward2022"),
    metavar="a,b,c",
    help="Parts to compute, as --list names them; all unless given.",
)
@click.option("--seeds", type=click.IntRange(min=1), help="Starts: 3, with --full 5.")
@click.option("--steps", type=click.IntRange(min=20), help="Of a network: 300, with --full 2,000.")
@click.option("--full", is_flag=True, help="Networks of the paper's size. Hours.")
@apply(CACHE, PAGE, FORCE, _list_option("forward2022"))
@takes(Forward2022Options)
def forward2022(options: Forward2022Options) -> None:
    """Gradients without backpropagation (Baydin et al. 2022). Needs torch.

    \b
      hullwise study forward2022 -o forward.html
      hullwise study forward2022 --data mnist.npz --cache answers -o forward.html
    """
    print_status(f"hullwise {__version__}: computing the study forward2022 ...")
    _run("forward2022", options)


@study.command(epilog=EXIT_CODES)
@apply(PAGE, FORCE)
@takes(CurseOptions)
def curse(options: CurseOptions) -> None:
    """The curse of dimensionality in numbers: volumes, and samples needed, by dimension."""
    _run("curse", options)


def _run(name: str, options: StudyOptions) -> None:
    from ._terminal import run_study

    run_study(name, options)
