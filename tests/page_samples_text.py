"""The rows of the page's thumbnails: the first ones that each data set draws.

`python tests/page_samples_text.py` writes them into the assets again.
"""

import json
from importlib.resources import files

from hullwise.play.data_sets import DATA_SETS, draw_data_set

ROWS, NOISE, DIGITS = 60, 0.03, 2


def samples_script():
    """The text of `samples.js`."""
    lines = [
        "/** First rows of each data set, written by tests/page_samples_text.py. */",
        "",
        "export const SAMPLES = {",
    ]
    for name in DATA_SETS:
        drawn = draw_data_set(name, ROWS, NOISE, 0)
        points = json.dumps(drawn.X.round(DIGITS).tolist(), separators=(",", ":"))
        targets = json.dumps(drawn.targets.round(DIGITS).tolist(), separators=(",", ":"))
        lines.append(f'  {name}: {{ task: "{drawn.task}", points: {points}, targets: {targets} }},')
    return "\n".join([*lines, "};", ""])


def samples_file():
    return files("hullwise.play").joinpath("assets", "samples.js")


if __name__ == "__main__":
    with open(str(samples_file()), "w", encoding="utf-8") as file:
        file.write(samples_script())
