"""`hullwise prove`, from a network and a property to the answer."""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter
from typing import Any

from rich.console import Console

from .._core.results import json_ready
from ..errors import FileError
from ..model.properties.output_property import OutputProperty
from ..model.properties.verify_property import PropertyResult, check_certificate, verify_property
from ..model.properties.vnnlib import read_vnnlib
from ..report.words import format_number, printable
from ._compiling import timing_text
from ._layout import grid_of, print_notes
from ._network import read_network
from ._prove_command import ProveOptions
from .console import console, progress_bar, require_standard_output
from .status import raise_if_cancelled, record_written

ANSWERS = {
    "holds": "proved for every input in the box",
    "violated": "violated: the inputs below break it",
    "open": "open: neither proved nor refuted",
}

FAILING = {"violated": ("violated",), "open": ("violated", "open")}


def run_prove(options: ProveOptions) -> bool:
    """Do everything that the command says; whether the condition of --fail-on is met."""
    if options.json:
        require_standard_output()
    if options.proof is not None and not options.force and os.path.lexists(options.proof):
        raise FileError(options.proof, "exists already; pass --force to replace it")
    start = perf_counter()
    net = read_network(options)
    box, outputs = _question(options)
    if options.check is not None:
        return _check(options, options.check, net, box, outputs)
    reading = perf_counter() - start
    start = perf_counter()
    with progress_bar(options.quiet) as progress:
        result = verify_property(
            net,
            box,
            outputs,
            max_boxes=options.max_boxes,
            max_seconds=options.max_seconds,
            progress=progress,
        )
        raise_if_cancelled()
        checked = result.verify(progress) if options.verify and result.status != "open" else None
    options.status(timing_text(reading, 0.0, perf_counter() - start, "searched"))
    if options.proof is not None and result.status != "open":
        result.save(options.proof, force=options.force)
        record_written(options.proof)
    answer: dict[str, Any] = {
        "property": result.text,
        "status": result.status,
        "counter_example": result.counter_example,
        "outputs": result.outputs,
        "open_share": result.open_share,
        "n_boxes": result.n_boxes,
    }
    if checked is not None:
        answer |= {"verified": checked.ok, "fault": checked.fault}
    if options.json:
        sys.stdout.write(json.dumps(json_ready(answer), indent=1) + "\n")
        sys.stdout.flush()
    elif not options.quiet:
        _print(console(sys.stdout), result, options, answer)
    return result.status in FAILING.get(options.fail_on or "", ())


def _check(options: ProveOptions, path: str, net: Any, box: Any, outputs: Any) -> bool:
    """Check a file; whether it does not decide the property, or --fail-on is met."""
    with progress_bar(options.quiet) as progress:
        checked = check_certificate(path, net, box, outputs, progress=progress)
        raise_if_cancelled()
    status = ("violated" if checked.refutes else "holds") if checked.ok else "open"
    if options.json:
        answer = {"status": status, "verified": checked.ok, "fault": checked.fault,
                  "n_boxes": checked.n_boxes}  # fmt: skip
        sys.stdout.write(json.dumps(answer, indent=1) + "\n")
        sys.stdout.flush()
    elif not options.quiet:
        out = console(sys.stdout)
        claim = os.path.basename(options.claim) if options.is_file else options.claim
        right = f"right: {ANSWERS[status]}" if checked.ok else f"WRONG: {checked.fault}"
        out.print()
        out.print(
            grid_of(
                ("network", printable(net.source, 60)),
                ("property", printable(claim, 60)),
                ("box", _box_text(options)),
                ("proof", printable(path, 60)),
                ("answer", right.replace("the inputs below break", "the inputs in the file break")),
                ("boxes", f"{checked.n_boxes:,} checked"),
            )
        )
        out.file.flush()
    return not checked.ok or status in FAILING.get(options.fail_on or "", ())


def _question(options: ProveOptions) -> tuple[Any, str | OutputProperty]:
    """The box and the property as `verify_property` takes them."""
    if options.is_file or options.box is None:
        return None, read_vnnlib(options.claim)
    low, high = options.box
    return (low[0], high[0]) if len(low) == 1 else (low, high), options.claim


def _print(
    out: Console, result: PropertyResult, options: ProveOptions, answer: dict[str, Any]
) -> None:
    lines = [
        ("network", printable(result.net.source, 60)),
        ("property", printable(result.text, 60)),
        ("box", _box_text(options)),
        ("answer", ANSWERS[result.status]),
        ("boxes", f"{result.n_boxes:,} looked at"),
    ]
    if result.status == "open":
        lines.append(("open", f"on {result.open_share:.3%} of the volume"))
    if result.counter_example is not None and result.outputs is not None:
        lines.append(("inputs", _numbers(result.counter_example)))
        lines.append(("outputs", _numbers(result.outputs)))
    out.print()
    out.print(grid_of(*lines))
    notes = []
    if result.status == "open":
        notes.append("Give a higher --max-boxes or --max-seconds, or a smaller --box.")
    if options.proof is not None:
        where = printable(options.proof, 60)
        is_open = result.status == "open"
        notes.append("No proof is written." if is_open else f"What proves it is in {where}.")
    if "verified" in answer:
        verdict = "it is right" if answer["verified"] else f"WRONG: {answer['fault']}"
        notes.append(f"An independent checker looked at the answer: {verdict}.")
    print_notes(out, notes)
    out.file.flush()


def _box_text(options: ProveOptions) -> str:
    """The inputs that the property is about."""
    if options.box is None:
        return "that of the file"
    sides = [f"{format_number(a)}:{format_number(b)}" for a, b in zip(*options.box, strict=True)]
    return sides[0] + " in every input" if len(sides) == 1 else printable(", ".join(sides), 60)


def _numbers(values: Any) -> str:
    return ", ".join(format_number(float(v)) for v in values)
