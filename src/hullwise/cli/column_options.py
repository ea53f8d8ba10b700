"""Options that say what the columns of a table are; nothing numeric is imported here."""

from __future__ import annotations

import csv
from typing import Any

import click

__all__ = ["COLUMN_ROLES"]


def _levels_of_columns(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """COL=a,b,c, each a column and its levels, lowest first, or the parts of its dates."""
    return {name: tuple(parts) for name, parts in (_split(value) for value in values)}


def _periods_of_columns(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> dict[str, float | tuple[float, ...]]:
    """COL=24 or COL=24,3."""
    periods: dict[str, float | tuple[float, ...]] = {}
    for value in values:
        name, parts = _split(value)
        try:
            numbers = tuple(float(part) for part in parts)
        except ValueError:
            numbers = ()
        if not 1 <= len(numbers) <= 2:
            raise click.BadParameter(
                f"{value!r}: expected a column and its period, such as hour=24, or the period and "
                "how much counts like one standard deviation, such as hour=24,3"
            )
        periods[name] = numbers if len(numbers) == 2 else numbers[0]
    return periods


def _split(value: str) -> tuple[str, list[str]]:
    """The column before the last equals sign, and what stands behind, with commas between."""
    name, mark, text = value.rpartition("=")
    parts = next(csv.reader([text], skipinitialspace=True), [])
    if not (mark and name and parts) or "" in parts:
        raise click.BadParameter(f"{value!r}: expected a column and what belongs to it: COL=a,b,c")
    return name, parts


def _columns(option: str, field: str, text: str) -> Any:
    return click.option(option, field, multiple=True, metavar="COL", help=text)


COLUMN_ROLES = (
    click.option(
        "--group",
        metavar="COL",
        help="The column that says which rows belong together: whole groups are left out.",
    ),
    click.option(
        "--by",
        metavar="COL",
        help="The column of segments: each row is located among the rows of its own.",
    ),
    click.option(
        "--time",
        metavar="COL",
        help="The column by which rows follow one another: later ones are left out in blocks.",
    ),
    _columns("--category", "categories", "A column of levels without an order."),
    _columns("--number", "numbers", "A column of numbers, such as one that holds only 0 and 1."),
    _columns("--log", "log", "A column of numbers above 0 whose ratios count."),
    click.option(
        "--ordered",
        multiple=True,
        callback=_levels_of_columns,
        metavar="COL=a,b,c",
        help="A column of levels with an order, lowest first.",
    ),
    click.option(
        "--periodic",
        multiple=True,
        callback=_periods_of_columns,
        metavar="COL=24",
        help="A column of numbers that begin again after this period.",
    ),
    click.option(
        "--date",
        "dates",
        multiple=True,
        callback=_levels_of_columns,
        metavar="COL=month,...",
        help="A column of dates and the parts to use: since, year, month, weekday, hour.",
    ),
    click.option(
        "--gaps",
        multiple=True,
        metavar="TEXT",
        help="A text that stands for a gap, such as ?; an empty cell is one anyway.",
    ),
    _columns("--gaps-are-levels", "gaps_are_levels", "A category in which a gap is a level."),
    click.option(
        "--missing",
        type=click.Choice(["each", "columns", "rows"]),
        default="each",
        show_default=True,
        help="Gaps: locate each row in the columns it has, or leave out columns, or training "
        "rows, with gaps.",
    ),
    click.option(
        "--columns-from",
        metavar="SPEC.toml",
        help="What columns are, from a file that --write-spec wrote; options go before it.",
    ),
)
