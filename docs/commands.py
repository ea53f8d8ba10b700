"""The examples in the pages: run them, compare what they print, write it anew.

``python docs/commands.py`` runs every command shown in the README and in the pages of this folder
and writes its output below it; with names of pages, such as README.md, those of these pages only.
The tests use the same functions to compare instead.

A block that begins with ```` ```python ```` holds doctests; one that begins with
```` ```console ```` holds commands after ``$``, each followed by what it prints. A last line
``...`` stands for the rest of the output. The blocks of a page share one folder and one namespace.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", *sorted(HERE.glob("*.md")))
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NUMBER = re.compile(r"[-+]?\d+\.\d*(?:e[-+]?\d+)?")
FIRST_LINES = 21
RELATIVE = 1e-6  # the width at which a distance counts as settled


@dataclass(frozen=True)
class Command:
    """A command of a console block, the lines shown below it, and whether more are left out."""

    text: str
    shown: tuple[str, ...]
    cut: bool


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """(kind, content) of each block that can be run."""
    for match in BLOCK.finditer(page):
        yield match[1], match[2]


def commands(content: str) -> Iterator[Command]:
    """The commands of a console block."""
    for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
        text, *lines = part.rstrip("\n").split("\n")
        cut = bool(lines) and lines[-1] == "..."
        yield Command(text, tuple(lines[:-1] if cut else lines), cut)


def run(command: str, folder: Path) -> list[str]:
    """What the command prints, standard error among it, without what differs from run to run."""
    here = f"{shlex.quote(sys.executable)} -m hullwise"
    text = re.sub(r"(?<![\w./-])hullwise(?= )", lambda _: here, command)
    environment = os.environ | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    return [steady(line) for line in done.stdout.splitlines() if not _compiles(line)]


def _compiles(line: str) -> bool:
    return line.startswith(("compiling the kernels", "kernels compiled in"))


def steady(line: str) -> str:
    """The line with its times at rest."""
    line = re.sub(r", kernels compiled in [\d.]+ s \(once per machine\)", "", line.rstrip())
    return re.sub(
        r"\b(read|fitted|located|predicted|dissected|cut) in \d+\.\d s", r"\1 in 0.2 s", line
    )


def same(shown: str, found: str) -> bool:
    """Equal as doctests are, and decimal numbers to within the last digit that is certain."""
    check = doctest.OutputChecker().check_output
    if check(shown, found, FLAGS):
        return True
    numbers = NUMBER.findall(shown), NUMBER.findall(found)
    if len(numbers[0]) != len(numbers[1]):
        return False
    if not check(NUMBER.sub("#", shown), NUMBER.sub("#", found), FLAGS):
        return False
    return all(_close(a, b) for a, b in zip(*numbers, strict=True))


def _close(shown: str, found: str) -> bool:
    """Whether two decimals differ by no more than the last digit shown, or than a search may.

    Distances are settled to a millionth, and a BLAS that sums in another order ends elsewhere
    within that: the last of 17 digits says nothing.
    """
    digits = len(shown.split("e")[0].partition(".")[2])
    power = int(shown.partition("e")[2] or 0)
    last_digit = 1.01 * 10.0 ** (power - digits)
    return abs(float(shown) - float(found)) <= max(last_digit, RELATIVE * abs(float(shown)))


def run_python(content: str, names: dict[str, Any], page: str) -> str:
    """Run a block of Python in the namespace of its page; what is printed otherwise than shown."""
    if ">>>" not in content:
        exec(compile(content, page, "exec"), names)
        return ""
    test = doctest.DocTestParser().get_doctest(content, names, page, page, 0)
    out = io.StringIO()
    runner = doctest.DocTestRunner(checker=Checker(), optionflags=FLAGS)
    runner.run(test, out=out.write, clear_globs=False)
    names.update(test.globs)
    return out.getvalue()


class Checker(doctest.OutputChecker):
    """Doctests whose decimals may differ in the last digit."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return same(want, got)


def refresh(page: str, folder: Path) -> str:
    """The page with the output of every command as it is now, after the Python before it."""
    names: dict[str, Any] = {}

    def again(match: re.Match[str]) -> str:
        if match[1] == "python":
            with contextlib.chdir(folder):
                print(run_python(match[2], names, "the page"), end="")
            return match[0]
        lines = []
        for command in commands(match[2]):
            found = run(command.text, folder)
            lines.append(f"$ {command.text}")
            lines += [*found[:FIRST_LINES], "..."] if command.cut else found
        return "```console\n" + "\n".join(lines) + "\n```"

    return BLOCK.sub(again, page)


def main() -> None:
    import tempfile

    names = sys.argv[1:]
    for page in PAGES:
        if names and page.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            old = page.read_text(encoding="utf-8")
            new = refresh(old, Path(folder))
        if new != old:
            page.write_text(new, encoding="utf-8")
            print(f"{page.name}: output written anew")


if __name__ == "__main__":
    main()
