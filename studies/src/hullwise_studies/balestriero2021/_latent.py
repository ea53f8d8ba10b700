"""Latent spaces of networks: random, trained, the user's; bottleneck and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from hullwise.report.charts import Series, line_chart

from .._runs import Results, Task, fingerprint
from .._study import Chart, Part, Study
from .._tables import Finding, Table
from .._types import Array, Floats
from ._images import Images
from ._nets import (
    LATENT_WIDTH,
    bottlenecked,
    cnn,
    fit,
    latents,
    model_mark,
    outputs,
    training_scale,
)
from ._pixels import explaining, variances
from ._plan import Plan, Settings, StudyPart
from ._running import Data, Running, about, sets_of, settings_of, study_of
from ._shares import COUNT_COLUMNS, Counts, ask
from ._spaces import principal

KEPT_DIMENSIONS = (2, 5, 10, 15, 20, 30, 64)
COORDINATE_DRAWS = {False: 2, True: 3}
NETWORK_ROWS = {False: (10_000, 500), True: (None, 2000)}
TRAINING_STEPS = {False: 400, True: 3000}
BOTTLENECK_WIDTHS: tuple[int | None, ...] = (2, 4, 8, 16, 32, None)
DROPOUT_RATES = (0.0, 0.5)
BOTTLENECK_REPEATS = {False: 2, True: 5}
COORDINATE_CHOICES = ("coordinates", "principal components")


def _used(one: Images, settings: Settings) -> Images:
    return one.sample(*NETWORK_ROWS[settings.full], settings.random_state)


def latent_plan(
    settings: Settings,
    one: Images,
    model: Any = None,
    dimensions: Sequence[int] = KEPT_DIMENSIONS,
) -> Plan:
    """Latents of a random and a trained network, and of the user's, by dimensions kept."""
    used = _used(one, settings)
    mark = fingerprint(used.train, used.test, used.train_labels)
    kinds = ["random", *(["trained"] if used.train_labels is not None else [])]
    kinds += ["yours"] if model is not None else []
    tasks = []
    for kind in kinds:
        tasks.append(_network_task(kind, used, mark, settings, model))
        for way in COORDINATE_CHOICES:
            for k in dimensions:
                draws = (
                    COORDINATE_DRAWS[settings.full]
                    if way == COORDINATE_CHOICES[0] and k < max(dimensions)
                    else 1
                )
                tasks += [_keep(kind, used, mark, way, k, n, settings, model) for n in range(draws)]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        series = []
        for kind in kinds:
            latent_rows = results[f"latent_{used.name}_{kind}"]
            width = latent_rows["train"].shape[1]
            for way in COORDINATE_CHOICES:
                points: list[tuple[int, float]] = []
                for k in [k for k in dimensions if k < width] + [width]:
                    drawn_size = min((d for d in dimensions if d >= k), default=max(dimensions))
                    head = f"latent_{used.name}_{kind}_{way[:4]}_{drawn_size}_"
                    counts = [Counts.of(a) for name, a in results.items() if name.startswith(head)]
                    if counts and (not points or k > points[-1][0]):
                        share = float(np.mean([c.share for c in counts]))
                        points.append((k, share))
                        rows.append((kind, way, k, len(counts), share, *_summed_cells(counts)))
                at, shares = [p for p, _ in points], [s for _, s in points]
                series.append(Series(f"{kind}: {way.split()[-1]}", at, shares))
        table = Table(
            "latent",
            f"{used.name}: test images in the hull of the training images' latents",
            ("network", "kept", "dimensions", "draws", "share inside", *COUNT_COLUMNS),
            tuple(rows),
            "Coordinates: a seeded choice of them, several draws pooled. Principal components: the "
            "leading ones of the training latents.",
            keys=3,
        )
        svg = line_chart(
            series,
            label="Share inside by latent dimensions",
            x_label="latent dimensions kept",
            y_label="share inside",
        )
        about = "; ".join(
            _network_text(kind, results[f"latent_{used.name}_{kind}"]) for kind in kinds
        )
        part = Part(
            "Latent spaces",
            f"A small convolutional network with {LATENT_WIDTH} rectified latent units, "
            "untrained and "
            f"trained on the {len(used.train):,} training images, by the number of latent "
            "dimensions kept.",
            (Chart(svg, "Random choices of coordinates, and leading principal components."),),
            (table,),
        )
        return part, [Finding("Latent spaces", f"{about}. {_few_coordinates_text(rows)}")]

    return Plan(tasks, show)


def _summed_cells(counts: Sequence[Counts]) -> tuple[Any, ...]:
    fields = ("inside", "outside", "undecided", "equal", "checked", "accepted")
    return Counts(*(sum(getattr(c, f) for c in counts) for f in fields)).cells()


def _network_text(kind: str, latent_rows: dict[str, Array]) -> str:
    train = latent_rows["train"]
    used = int((train.max(axis=0) > train.min(axis=0)).sum())
    wrong = f", accuracy {float(latent_rows['accuracy']):.3f}" if "accuracy" in latent_rows else ""
    return (
        f"{kind}: {train.shape[1]} latent dimensions, {used} of them not constant, "
        f"{explaining(variances(train))} components for 99 % of the variance{wrong}"
    )


def _few_coordinates_text(rows: Sequence[tuple[Any, ...]]) -> str:
    """From which number of coordinates on at most 1 % is inside."""
    sentences = []
    for kind in dict.fromkeys(r[0] for r in rows):
        few = [
            r[2] for r in rows if r[0] == kind and r[1] == COORDINATE_CHOICES[0] and r[4] <= 0.01
        ]
        sentences.append(
            f"at most 1 % of the test images are inside from {min(few)} coordinates on ({kind})"
            if few
            else f"more than 1 % are inside at every number of coordinates asked ({kind})"
        )
    text = "; ".join(sentences) + "."
    return text[:1].upper() + text[1:]


def _network_task(kind: str, one: Images, mark: str, settings: Settings, model: Any) -> Task:
    name = f"latent_{one.name}_{kind}"
    steps = TRAINING_STEPS[settings.full]

    def work(_: Results) -> dict[str, Array]:
        if kind == "yours":
            train, test = latents(model, one)
            return {"train": train, "test": test}
        net = cnn(one.shape, max(one.classes, 1), settings.random_state)
        more = {}
        if kind == "trained":
            net = fit(net, one, steps, settings.random_state)
            more["accuracy"] = _accuracy(net, one)
        train, test = (outputs(net[0], x, training_scale(one)) for x in (one.train, one.test))
        return {"train": train, "test": test, **more}

    user = model_mark(model) if kind == "yours" else ""
    return Task(name, fingerprint(name, mark, settings.random_state, steps, user), work)


def _accuracy(net: Any, one: Images) -> Array:
    predicted = outputs(net, one.test, training_scale(one)).argmax(axis=1)
    return np.array((predicted == one.test_labels).mean())


def _keep(
    kind: str, one: Images, mark: str, way: str, k: int, n: int, settings: Settings, model: Any
) -> Task:
    name = f"latent_{one.name}_{kind}_{way[:4]}_{k}_{n}"
    user = model_mark(model) if kind == "yours" else ""

    def work(results: Results) -> dict[str, Array]:
        latent_rows = results[f"latent_{one.name}_{kind}"]
        X, Q = latent_rows["train"], latent_rows["test"]
        if way == COORDINATE_CHOICES[0]:
            order = np.random.default_rng([settings.random_state, n]).permutation(X.shape[1])[:k]
            return ask(X[:, order], Q[:, order], settings.verify, settings.random_state)
        return ask(*principal(X, Q, k), settings.verify, settings.random_state)

    key = fingerprint(name, mark, settings, TRAINING_STEPS[settings.full], user)
    return Task(name, key, work)


# ---- bottleneck and dropout -------------------------------------------------------------------


def participation(values: Floats) -> float:
    """(sum of the variances)^2 / sum of their squares: d for d equal ones, 1 for a single one."""
    total = float((values**2).sum())
    return float(values.sum()) ** 2 / total if total > 0 else 0.0


def bottleneck_plan(
    settings: Settings, one: Images, widths: Sequence[int | None] = BOTTLENECK_WIDTHS
) -> Plan:
    """A bottleneck before the latent layer, and dropout after it, against its dimension."""
    used = _used(one, settings)
    mark = fingerprint(used.train, used.test, used.train_labels)
    runs = [
        (w, p, s)
        for w in widths
        for p in DROPOUT_RATES
        for s in range(BOTTLENECK_REPEATS[settings.full])
    ]
    tasks = [_bottle(used, mark, w, p, s, settings) for w, p, s in runs]

    def show(results: Results) -> tuple[Part, list[Finding]]:
        rows: list[tuple[Any, ...]] = []
        for p in DROPOUT_RATES:
            for w in widths:
                answers = [
                    results[_bottle_name(used, w, p, s)]
                    for s in range(BOTTLENECK_REPEATS[settings.full])
                ]
                counts = [Counts.of(a) for a in answers]
                mean = [
                    float(np.mean([float(a[x]) for a in answers]))
                    for x in ("accuracy", "participation", "explaining")
                ]
                share = float(np.mean([c.share for c in counts]))
                narrow = float(np.mean([float(a["narrow"]) for a in answers]))
                name = "none" if w is None else w
                before = None if w is None else narrow
                rows.append((p, name, *mean, before, share, *_summed_cells(counts)))
        table = Table(
            "bottleneck",
            f"{used.name}: effective dimension of {LATENT_WIDTH} latent units",
            (
                "dropout",
                "bottleneck",
                "accuracy",
                "participation ratio",
                "components for 99 %",
                "inside in the bottleneck",
                "inside in the latents",
                *COUNT_COLUMNS,
            ),
            tuple(rows),
            f"Means over {BOTTLENECK_REPEATS[settings.full]} seeds. Participation ratio: the "
            "square of the sum "
            "of the variances over the sum of their squares. Counts are of the latents.",
            keys=2,
        )
        at = [w or LATENT_WIDTH for w in widths]
        series = [
            Series(f"dropout {p:g}: {what}", at, [r[col] for r in rows if r[0] == p])
            for p in DROPOUT_RATES
            for what, col in (("99 %", 4), ("ratio", 3))
        ]
        svg = line_chart(
            series,
            label="Effective dimension by width of the bottleneck",
            x_label="width of the bottleneck (64: none)",
            y_label="effective dimension",
            log=(True, False),
        )
        part = Part(
            "Bottleneck and dropout",
            f"A perceptron whose {LATENT_WIDTH} latent units see the image through a linear "
            "layer of few "
            "units, with and without dropout on the latent units while it is trained.",
            (Chart(svg, "Components for 99 % of the variance, and the participation ratio."),),
            (table,),
        )
        return part, [Finding("Bottleneck and dropout", _narrowest_text(rows))]

    return Plan(tasks, show)


def _narrowest_text(rows: Sequence[tuple[Any, ...]]) -> str:
    """The narrowest bottleneck and none: what is inside, before and behind, and the dimension."""
    sentences = []
    for width in dict.fromkeys((rows[0][1], rows[-1][1])):
        mine = [r for r in rows if r[1] == width]
        ratio = " and ".join(f"{r[3]:.1f} with dropout {r[0]:g}" for r in mine)
        share = " and ".join(f"{r[6]:.3f}" for r in mine)
        before = "" if mine[0][5] is None else f", {mine[0][5]:.3f} in the bottleneck itself"
        sentences.append(
            f"Bottleneck {width}: the participation ratio of the latents is {ratio}; the share "
            f"inside is {share} in the latents{before}."
        )
    return " ".join(sentences)


def _bottle_name(one: Images, width: int | None, dropout: float, seed: int) -> str:
    return f"bottleneck_{one.name}_{width}_{dropout:g}_{seed}"


def _bottle(
    one: Images, mark: str, width: int | None, dropout: float, seed: int, settings: Settings
) -> Task:
    name = _bottle_name(one, width, dropout, seed)
    steps = TRAINING_STEPS[settings.full] // 2

    def work(_: Results) -> dict[str, Array]:
        start = settings.random_state + seed
        net = bottlenecked(one.shape, one.classes, width, dropout, start)
        fit(net, one, steps, start)
        X, Q = (outputs(net[0], x, training_scale(one)) for x in (one.train, one.test))
        before = [outputs(net[0][:-2], x, training_scale(one)) for x in (one.train, one.test)]
        values = variances(X)
        inside = ask(before[0], before[1], 0)["verdict"] == 1
        return {
            **ask(X, Q, settings.verify, settings.random_state),
            "narrow": np.array(inside.mean()),
            "accuracy": _accuracy(net, one),
            "participation": np.array(participation(values)),
            "explaining": np.array(explaining(values)),
        }

    return Task(name, fingerprint(name, mark, settings, steps), work)


def latent(data: Data = None, model: Any = None, **running: Unpack[Running]) -> Study:
    """Test images in the hull in latent spaces of networks, by latent dimensions kept.

    Parameters
    ----------
    data : path, Images or sequence of Images, optional
        The first set is used.
    model : torch.nn.Module, path of an ONNX file, or network, optional
        Another network, whose outputs are taken as the latents. A torch module gets images
        (n, c, h, w) in float32, all else rows in that order; 8-bit pixels are divided by 255.
    **running
        full, random_state, verify, cache and progress, as `run` takes them.

    Raises
    ------
    DataError
        torch is not installed.
    ModelError
        The model does not take such images, or its outputs are not finite.
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    return study_of([latent_plan(settings, sets[0], model)], running, about(settings, sets))


def bottleneck(data: Data = None, **running: Unpack[Running]) -> Study:
    """A bottleneck and dropout against the effective dimension of 64 latent units.

    Parameters as of `pixels`; the first set is used, and must have labels. Needs torch.
    """
    settings, sets = settings_of(running), sets_of(data)[:1]
    return study_of([bottleneck_plan(settings, sets[0])], running, about(settings, sets))


STUDY_PARTS = (
    StudyPart(
        "latent",
        "latent spaces of networks",
        80,
        lambda settings, sets, model: latent_plan(settings, sets[0], model),
        frozenset({"torch"}),
    ),
    StudyPart(
        "bottleneck",
        "bottleneck and dropout against effective dimension",
        130,
        lambda settings, sets, model: bottleneck_plan(settings, sets[0]),
        frozenset({"torch", "labels"}),
    ),
)
