"""What helps against an error, in the options of the command line."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Hint

OPTION_WORDS: Mapping[Hint, str] = {
    Hint.SEPARATOR: "pass --sep {} (and --decimal ',' where numbers are written 2,5)",
    Hint.DECIMAL: "pass --decimal {}",
    Hint.GROUPED_OR_DECIMAL: (
        "remove the thousands separators, or pass --decimal {} if it is the decimal mark"
    ),
    Hint.NO_HEADER: "pass --no-header, or give the columns names that are no numbers",
    Hint.UNNAMED_COLUMN: (
        "name it, take it as the row id with --id '', or select the features with --columns"
    ),
    Hint.LEAVE_OUT: "leave the column out with --drop (or as --target, --id)",
    Hint.ENCODE_OR_LEAVE_OUT: (
        "encode text as numbers, or leave the column out with --drop (or as --target, --id)"
    ),
    Hint.REWRITE_OR_LEAVE_OUT: (
        "write plain decimal numbers there, or take the column as the row id with --id or leave it "
        "out with --columns"
    ),
    Hint.ROW_NUMBERS: "if it holds row numbers, take it as the row id with --id {}",
    Hint.NUMERIC_COLUMNS: "select the numeric ones with --columns: {}",
    Hint.OFFSET_OR_ROW_ID: (
        "subtract an offset from that column first, or take it as the row id with --id"
    ),
    Hint.KEEP_BAD_ROWS: "or pass --bad-rows keep to have the other rows {}",
    Hint.CLASS_LABELS: "if the target {} holds class labels, say so with --classes",
    Hint.METRIC_OF_SPREAD: "take --metric std, or a network's with --model",
    Hint.CHOOSE_OUTPUT: "say which one is read: --model-output {}",
    Hint.HOLD_INPUT: "hold those that stay what they are: --constant {}=NUMBERS",
    Hint.ROW_SHAPE: "give the shape of one row: --input-shape 3x32x32",
    Hint.ROW_SHAPES: (
        "give the shapes of those that are read, side by side: --input-shape {}=SIZES, once for "
        "each"
    ),
    Hint.WHOLE_INPUT: (
        "if the whole input is one row, give its shape with as many axes as the file declares: "
        "--input-shape 2x3x4"
    ),
    Hint.STRAIGHT_PIECES: (
        "--smooth pieces:0.001 puts straight pieces in its place that are off by so much at most"
    ),
    Hint.READ_PART: "the part before it can be read: --upto {}",
    Hint.REPLACE_FILE: "pass --force to replace it",
    Hint.ANY_TABLE: "without {} any table is taken as it is (--metric std or range)",
    Hint.NAME_AS_GAP: "if that stands for a gap, say so with --gaps {}",
    Hint.DECLARE_CATEGORY: "if it is a category, say so with --category {}",
    Hint.DECLARE_GROUPS: "if new rows come with new ones, say so with --group {}",
    Hint.GAPS_ARE_LEVELS: "if absence means something, say so with --gaps-are-levels {}",
    Hint.NAME_TARGET: "name it with --target",
    Hint.DECLARE_ID: "if it is an id, say so with --id {}",
    Hint.DECLARE_PERIOD: "if so, declare its period with --periodic {}",
    Hint.DECLARE_DATES: "to use parts of them, pass --date {}",
}
