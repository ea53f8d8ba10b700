"""Parameters as they come: one array, or dictionaries, lists and tuples of them, nested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def leaves_of(tree: Any, path: str = "parameters") -> Iterator[tuple[str, Any]]:
    """What is in the tree from left to right, each with the Python expression that leads to it.

    Examples
    --------
    >>> list(leaves_of({"w": [1.0, 2.0], "b": 3.0}))
    [("parameters['w'][0]", 1.0), ("parameters['w'][1]", 2.0), ("parameters['b']", 3.0)]
    """
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves_of(value, f"{path}[{key!r}]")
    elif isinstance(tree, list | tuple):
        for i, value in enumerate(tree):
            yield from leaves_of(value, f"{path}[{i}]")
    else:
        yield path, tree


def tree_like(tree: Any, next_leaf: Callable[[], Any]) -> Any:
    """A tree of the same shape, its leaves from left to right those that `next_leaf` returns.

    Examples
    --------
    >>> tree_like({"w": [1.0, 2.0], "b": 3.0}, iter("abc").__next__)
    {'w': ['a', 'b'], 'b': 'c'}
    """
    if isinstance(tree, Mapping):
        return {key: tree_like(value, next_leaf) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(tree_like(value, next_leaf) for value in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(tree_like(value, next_leaf) for value in tree)
    return next_leaf()
