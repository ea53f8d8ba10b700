"""`--junit FILE.xml`: the rows that meet --fail-on as failed test cases, for CI systems.

A passing case says how many rows were looked at; each row that fails is a case of its own, up to a
number that the viewers of CI systems show well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..io.atomic_write import whole_file
from ._fail_on import FailingRows

CASES_LISTED = 1000
MESSAGE_LETTERS = 300  # of what viewers show in one line
NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(
    path: str,
    failing: FailingRows,
    describe: Callable[[int], str],
    *,
    train: str,
    query: str,
    force: bool,
) -> str:
    """Write the cases; what there is to say of it. `describe` says why a row is where it is."""
    rows = np.flatnonzero(failing.meets | failing.refused)
    listed = rows[:CASES_LISTED].tolist()
    suite = ElementTree.Element("testsuite", name=xml_text(f"{query} in {train}"))
    _add_condition(suite, failing, query, len(rows))
    for row in listed:
        case = _case(suite, query, f"row {failing.names[row]}")
        _add_result(case, failing, row, describe(row))
    if len(rows) > len(listed):
        note = ElementTree.SubElement(suite, "system-out")
        note.text = f"{len(rows) - len(listed):,} more rows meet the condition and are not listed."
    bad = "failure" if failing.is_met else "skipped"
    counts = {"tests": len(listed) + 1, "failures": 0, "errors": 0, "skipped": 0, "time": 0}
    counts["failures" if failing.is_met else "skipped"] = len(suite.findall(f"testcase/{bad}"))
    root = ElementTree.Element("testsuites", name="hullwise locate")
    for element in (root, suite):
        element.attrib.update({name: str(count) for name, count in counts.items()})
    root.append(suite)
    ElementTree.indent(root)
    with whole_file(path, force=force) as stream:
        ElementTree.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)
        stream.write(b"\n")
    return f"test cases for CI written to {path}"


def _add_condition(
    suite: ElementTree.Element, failing: FailingRows, query: str, count: int
) -> None:
    """The case that is about the table as a whole."""
    m = len(failing.meets)
    case = _case(suite, query, f"at most {failing.allowed:g} % of {m:,} rows are {failing.kind}")
    if failing.is_met:
        share = 100 * count / m
        failure = ElementTree.SubElement(
            case, "failure", message=f"{count:,} of {m:,} rows ({share:.3g} %)"
        )
        failure.text = xml_text(failing.text())


def _case(suite: ElementTree.Element, query: str, name: str) -> ElementTree.Element:
    classname = xml_text(Path(query).stem) or "rows"
    return ElementTree.SubElement(
        suite, "testcase", classname=classname, name=xml_text(name), time="0"
    )


def _add_result(case: ElementTree.Element, failing: FailingRows, row: int, text: str) -> None:
    """Why a row is a case: a failure, or skipped where as many are allowed."""
    kind = "not located" if failing.refused[row] else failing.kind
    message = xml_text(text)
    short = message.split("\n")[0][:MESSAGE_LETTERS]
    if failing.is_met:
        failure = ElementTree.SubElement(case, "failure", message=short, type=xml_text(kind))
        failure.text = message
    else:
        ElementTree.SubElement(case, "skipped", message=f"allowed: {short}")


def xml_text(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return NO_XML.sub("\ufffd", str(text))
