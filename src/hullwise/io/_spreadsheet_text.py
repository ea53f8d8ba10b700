"""Text that a spreadsheet shows and does not run.

A spreadsheet takes a cell of a CSV file that begins with ``=``, ``@``, ``+``, ``-``, a tab or a
carriage return for a formula. Text that begins so is written with an apostrophe before it, which
spreadsheets read as "this is text". `shown_text` takes it away again; text that begins with
apostrophes and then such a mark gets one more, so that every text comes back as it was.
"""

from __future__ import annotations

import re
from typing import Final

from ._number_grammar import is_number

# The wide forms are taken for formulas where East Asian input is set up.
FORMULA_START: Final = re.compile("'*[=@+\\-\t\r＝＠＋－]")


def spreadsheet_text(text: str) -> str:
    """The text as a spreadsheet must find it; numbers stay as they are.

    Examples
    --------
    >>> spreadsheet_text("=1+1"), spreadsheet_text("-2"), spreadsheet_text("a=b")
    ("'=1+1", '-2', 'a=b')
    """
    return "'" + text if FORMULA_START.match(text) and not is_number(text) else text


def shown_text(cell: str) -> str:
    """The text that a spreadsheet shows: the inverse of `spreadsheet_text`.

    Examples
    --------
    >>> shown_text("'=1+1"), shown_text("'quoted'")
    ('=1+1', "'quoted'")
    """
    return cell[1:] if cell.startswith("'") and FORMULA_START.match(cell) else cell
