"""What helps against an error is said in the options of whoever shows it."""

from __future__ import annotations

import re

import pytest

from hullwise.cli import main
from hullwise.cli._hints import OPTION_WORDS, option_words
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


def test_a_command_with_an_option_to_drop_columns_names_it():
    error = FileError("t.csv", "text", hint=Hint.LEAVE_OUT)
    assert "--drop" in error.worded(option_words(main.commands["predict"]))
    assert "drop=" in str(error)
