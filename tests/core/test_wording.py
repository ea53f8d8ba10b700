"""Messages count one row as one, and give types their article."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import hullwise as hw

SOURCES = Path(hw.__file__).parent


def test_no_message_writes_an_article_before_a_type_itself():
    found = [
        file.name
        for file in SOURCES.rglob("*.py")
        if re.search(r"\ba \{type\(", file.read_text(encoding="utf-8"))
    ]
    assert not found, f"{found}: use _core.wording.type_of, which knows 'an int'"


def test_one_of_a_kind():
    domain = hw.Domain().fit(np.arange(9.0)[:, None] ** 2)
    assert repr(domain) == "Domain(9 rows, 1 column in 1 coordinate)"
    with pytest.raises(hw.DataError, match="domain is an int: expected"):
        hw.Monitor(3)
