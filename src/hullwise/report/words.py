"""Numbers and names as people read them, on the page and on the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

NBSP = "\u00a0"
RAISED_DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def printable(text: object, limit: int = 60) -> str:
    """Any label as one printable line: controls, direction marks and lone surrogates shown.

    A longer one keeps both of its ends, as names of columns often differ in the last letters.

    Examples
    --------
    >>> printable("temperature_of_the_outer_wall_in_zone_17", 20)
    'temperatur…n_zone_17'
    """
    whole = str(text)
    if len(whole) > 8 * limit:
        whole = whole[: 4 * limit] + whole[-4 * limit :]
    line = "".join(
        " " if letter.isspace() else letter if letter.isprintable() else "\ufffd"
        for letter in whole
    ).strip()
    if len(line) > limit:
        tail = (limit - 1) // 2
        line = f"{line[: limit - 1 - tail]}…{line[len(line) - tail :]}"
    return line or "(empty)"


def printable_names(names: Iterable[str], limit: int = 60) -> dict[str, str]:
    """Names as `printable` has them, none like another: those alike keep more letters.

    Examples
    --------
    >>> list(printable_names(["mean_of_sensor_1_in_hall", "mean_of_sensor_2_in_hall"], 14).values())
    ['mean_of_sensor_1_in_hall', 'mean_of_sensor_2_in_hall']
    >>> list(printable_names(["a_rather_long_name", "another"], 12).values())
    ['a_rath…_name', 'another']
    """
    shown = {name: printable(name, limit) for name in names}
    longest = max(map(len, shown), default=0)
    while limit < longest:
        limit *= 2
        counts = Counter(shown.values())
        alike = [name for name, text in shown.items() if counts[text] > 1]
        shown |= {name: printable(name, limit) for name in alike}
    counts, copies = Counter(shown.values()), Counter[str]()
    for name, text in shown.items():
        if counts[text] > 1:  # they differ in letters that cannot be printed
            copies[text] += 1
            shown[name] = f"{text} ({copies[text]})"
    return shown


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
    """A number of rows."""
    return f"{count:,}{NBSP}row" if count == 1 else f"{count:,}{NBSP}rows"


def training(count: int) -> str:
    """A number of training rows."""
    return f"{count:,} training row{'' if count == 1 else 's'}"


def is_or_are(count: int) -> str:
    """The verb for so many."""
    return "is" if count == 1 else "are"


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
    return f"{mantissa}{NBSP}×{NBSP}10{str(int(power)).translate(RAISED_DIGITS)}"


def signed(amount: float) -> str:
    """A number with its sign."""
    return f"{'−' if amount < 0 else '+'}{format_number(abs(amount))}"


def limits_text(lower: float, upper: float) -> str:
    """An interval in words.

    Examples
    --------
    >>> limits_text(0.123, 4.5), limits_text(0.0, float("inf"))
    ('0.12 to 4.5', '0 to any')
    """
    return f"{format_number(lower, 2)} to {'any' if upper == math.inf else format_number(upper, 2)}"
