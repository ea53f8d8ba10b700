"""Numbers and names as the report prints them."""

from __future__ import annotations

import math

NBSP = "\u00a0"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def plain(text: object, limit: int = 60) -> str:
    """Any label as one printable line: controls, direction marks and lone surrogates shown."""
    line = "".join(
        " " if letter.isspace() else letter if letter.isprintable() else "\ufffd"
        for letter in str(text)[: 4 * limit]
    ).strip()
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    return line or "(empty)"


def share(part: int, whole: int) -> str:
    """A percentage that says 0 % or 100 % only where it is exact."""
    if whole == 0:
        return "none"
    value = 100 * part / whole
    if part == 0 or part == whole:
        text = f"{value:.0f}"
    elif value < 0.1:
        text = "under 0.1"
    elif value > 99.9:
        text = "over 99.9"
    elif value < 9.95 or value > 99:
        text = f"{value:.1f}".removesuffix(".0")
    else:
        text = f"{value:.0f}"
    return f"{text}{NBSP}%"


def rows(count: int) -> str:
    return f"{count:,}{NBSP}row" if count == 1 else f"{count:,}{NBSP}rows"


def training(count: int) -> str:
    return f"{count:,} training row{'' if count == 1 else 's'}"


def format_number(value: float, digits: int = 3) -> str:
    """About `digits` significant digits; powers of ten beyond six places.

    Parameters
    ----------
    value : float
    digits : int

    Returns
    -------
    str

    Examples
    --------
    >>> import hullwise as hw
    >>> hw.report.format_number(1234.56), hw.report.format_number(0.000123456)
    ('1,230', '0.000123')
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "unknown"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if -4 <= exponent < 6:
        places = max(0, digits - 1 - exponent)
        text = f"{rounded:,.{places}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, power = f"{rounded:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}{NBSP}×{NBSP}10{str(int(power)).translate(_RAISED)}"
