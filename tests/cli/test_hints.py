"""What helps against an error is said in the options of whoever shows it."""

from __future__ import annotations

import re

import pytest

from hullwise.cli import main
from hullwise.cli._hints import OPTION_WORDS
from hullwise.errors import FileError, Hint


@pytest.mark.parametrize("hint", list(Hint))
def test_every_hint_has_options_of_the_command_line(hint):
    words = OPTION_WORDS[hint]
    assert words.count("{}") == hint.value.count("{}")
    assert re.search(r"--[a-z]", words)
    assert not re.search(r"--[a-z]", hint.value)
    assert not re.search(r"\w=", words)


def test_options_of_the_words_exist():
    known = {o for c in main.commands.values() for p in c.params for o in p.opts}
    for words in OPTION_WORDS.values():
        assert set(re.findall(r"--[a-z-]+", words)) <= known


@pytest.mark.parametrize("name", ["locate", "predict", "dissect"])
@pytest.mark.parametrize("hint", [Hint.LEAVE_OUT, Hint.ENCODE_OR_LEAVE_OUT])
def test_a_column_is_left_out_in_the_same_words_by_every_command(name, hint):
    options = {option for p in main.commands[name].params for option in p.opts}
    words = re.findall(r"--[a-z-]+", OPTION_WORDS[hint])
    assert "--drop" in words
    assert set(words) <= options
    assert "drop=" in str(FileError("t.csv", "text", hint=hint))


def test_what_helps_follows_a_sentence_without_its_full_stop():
    error = FileError("t.csv", "is a table of text.", hint=Hint.LEAVE_OUT)
    assert str(error).startswith("t.csv: is a table of text; leave")
    assert str(FileError("t.csv", "is empty.")) == "t.csv: is empty."
