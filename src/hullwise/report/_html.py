"""Elements of a page as text: whatever is put in is escaped, unless it is an element itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

VOID_ELEMENTS = ("input", "br")

Child = str | None | Sequence[str | None]


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def joined(*children: Child) -> Html:
    """Elements and plain texts one after the other; None and lists are welcome.

    Examples
    --------
    >>> joined("a < b", element("b", "c"))
    'a &lt; b<b>c</b>'
    """
    parts = []
    for child in children:
        if isinstance(child, Html):
            parts.append(str(child))
        elif isinstance(child, str):
            parts.append(escape(child, quote=False))
        elif child is not None:
            parts.append(str(joined(*child)))
    return Html("".join(parts))


def element(name: str, *content: Mapping[str, object] | Child) -> Html:
    """An element: its attributes, where there are some, and its children.

    An attribute that is None or False is left out, of one that is True only the name is written.

    Examples
    --------
    >>> element("td", {"class": "n", "title": None}, "1 < 2")
    '<td class="n">1 &lt; 2</td>'
    """
    first = content[0] if content else None
    attributes = first if isinstance(first, Mapping) else {}
    children = [child for child in content if not isinstance(child, Mapping)]
    words = [name]
    for key, value in attributes.items():
        if value is True:
            words.append(key)
        elif value is not None and value is not False:
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            words.append(f'{key}="{escape(shown)}"')
    if name in VOID_ELEMENTS:
        return Html(f"<{' '.join(words)}>")
    inner = joined(*children)
    return Html(f"<{' '.join(words)}>{inner}</{name}>")
