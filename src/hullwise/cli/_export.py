"""`hullwise export`: half-spaces for programs without Python."""

from __future__ import annotations

import sys

from ..domain.domain_file import load
from ..domain.half_spaces import HalfSpaces
from ..io.atomic_write import output_path
from ._export_options import ExportOptions
from .console import require_standard_output
from .status import record_written


def run_export(options: ExportOptions) -> None:
    """Write the rules of a file in the language that was asked for."""
    output = options.output
    assert output is not None
    if output == "-":
        require_standard_output()
    else:
        output_path(output, force=options.force)
    kept = load(options.rules)
    rules = kept if isinstance(kept, HalfSpaces) else kept.half_spaces()
    if options.to == "onnx":
        rules.to_onnx(output, precision=options.precision, force=options.force)
    else:
        path = None if output == "-" else output
        text = (
            rules.to_json(path, force=options.force)
            if options.to == "json"
            else rules.to_sql(path, table=options.table, keep=options.pass_on, force=options.force)
        )
        if path is None:
            sys.stdout.write(text)
            return
    record_written(output)
    options.status(f"{rules!r} written to {output}")
