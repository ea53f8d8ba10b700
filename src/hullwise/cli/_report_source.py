"""How a report was made: the files, what was asked for, and whether it was checked."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ..io.paths import display_path
from ._command_options import LocateOptions
from ._tables import shell_list, shell_word

if TYPE_CHECKING:
    from ..metrics import LearntMetric


def report_source(
    options: LocateOptions, proofs: str, learnt: LearntMetric | None = None
) -> dict[str, str]:
    """How a report was made: the files, what was asked for, and whether it was checked."""
    words = [f"--metric {shell_word(options.metric)}"]
    if options.model is not None:
        words.append(f"--model {shell_word(display_path(options.model))}")
    words += options.network_words
    words += ["--classes"] if options.classes else []
    words += [f"--target {shell_word(column)}" for column in options.target]
    words += [f"--drop {shell_word(column)}" for column in options.drop]
    if options.id_column is not None:
        words.append(f"--id {shell_word(options.id_column)}")
    if options.columns is not None:
        words.append(f"--columns {shell_list(options.columns)}")
    words += [f"--n-neighbors {options.n_neighbors}", f"--reference {options.reference}"]
    words += [f"--tolerance {options.tolerance:g}"] if options.tolerance != 1e-12 else []
    words += [] if options.max_seconds is None else [f"--max-seconds {options.max_seconds}"]
    words += ["--membership-only"] if options.membership_only else []
    source = {
        "Training file": display_path(options.train),
        "File of new rows": display_path(options.query),
        "Options": " ".join(words),
        "Proofs": proofs,
        "Date": date.today().isoformat(),
    }
    if learnt is not None and learnt.notes:
        source["Metric learnt"] = " ".join(learnt.notes)
    return source
