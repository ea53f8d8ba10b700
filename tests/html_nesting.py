"""Whether HTML is nested as it should be, and what is in it."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"input", "br", "meta", "link"}


class Nesting(HTMLParser):
    """Elements that are open, and the tags and attributes of all that were."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes = [], set(), set()

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
