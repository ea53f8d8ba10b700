"""Lists of values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..call import Call
from ..registry import operator
from ..values import Constant, Sequence, Signal, Value
from .movements import concat

LONGEST_SEQUENCE = 2**16


def _items(call: Call, i: int = 0) -> tuple[Any, ...]:
    value = call.value(i)
    if not isinstance(value, Sequence):
        call.invalid(f"its input {i} is no sequence")
    return value.items


def _item(call: Call, i: int) -> Any:
    value = call.value(i)
    if not isinstance(value, Constant | Signal):
        call.refuse("of what is no tensor")
    return value


def _place(call: Call, i: int, size: int, default: int) -> int:
    place = int(call.number_of(i, default))
    if not -size <= place < size:
        call.invalid(f"place {place} is none of {size}")
    return place % size


@operator("SequenceEmpty", opsets=(11,), arrays=True)
def sequence_empty(call: Call) -> Value:
    return Sequence(())


@operator("SequenceConstruct", opsets=(11,), arrays=True)
def sequence_construct(call: Call) -> Value:
    return Sequence(tuple(_item(call, i) for i in range(len(call.inputs))))


@operator("SequenceInsert", opsets=(11,), arrays=True, sequences=True)
def sequence_insert(call: Call) -> Value:
    items = list(_items(call))
    if len(items) >= LONGEST_SEQUENCE:
        call.refuse(f"into {len(items):,} values")
    place = int(call.number_of(2, len(items)))
    if not -len(items) <= place <= len(items):
        call.invalid(f"place {place} is none of {len(items)}")
    items.insert(place, _item(call, 1))
    return Sequence(tuple(items))


@operator("SequenceErase", opsets=(11,), arrays=True, sequences=True)
def sequence_erase(call: Call) -> Value:
    items = list(_items(call))
    del items[_place(call, 1, len(items), -1)]
    return Sequence(tuple(items))


@operator("SequenceAt", opsets=(11,), arrays=True, sequences=True)
def sequence_at(call: Call) -> Value:
    items = _items(call)
    value: Value = items[_place(call, 1, len(items), 0)]
    return value


@operator("SequenceLength", opsets=(11,), arrays=True, sequences=True)
def sequence_length(call: Call) -> Value:
    return Constant(np.array(len(_items(call)), dtype=np.int64))


@operator("SplitToSequence", opsets=(11, 24), arrays=True)
def split_to_sequence(call: Call) -> Value:
    shape = call.shape()
    axis = call.axis("axis", 0, len(shape))
    each = call.constant(1)
    if each is None or each.ndim == 0:
        size = 1 if each is None else int(each)
        if not size > 0 or shape[axis] // size > LONGEST_SEQUENCE:
            call.cannot_run()
        sizes = [min(size, shape[axis] - start) for start in range(0, shape[axis], size)]
    else:
        sizes = call.integers_of(1)
    if sum(sizes) != shape[axis] or min(sizes, default=0) < 0:
        call.invalid(f"it splits {shape[axis]} into {sizes[:20]}")
    items = []
    dropped = each is None and not call.integer("keepdims", 1)
    for size, end in zip(sizes, np.cumsum(sizes), strict=True):
        cut = (*[slice(None)] * axis, slice(int(end) - size, int(end)))
        to = (*shape[:axis], size, *shape[axis + 1 :])
        item = call.move(lambda a, cut=cut: a[cut], to, keeps_rows=axis != 0)  # type: ignore[misc]
        items.append(
            _with_shape(call, item, (*shape[:axis], *shape[axis + 1 :])) if dropped else item
        )
    return Sequence(tuple(items))


@operator("ConcatFromSequence", opsets=(11,), arrays=True, sequences=True)
def concat_from_sequence(call: Call) -> Value:
    items = list(_items(call))
    if call.integer("new_axis", 0):
        rank = len(items[0].shape) + 1
        axis = call.one_axis(int(call.integer("axis", 0)), rank)
        items = [
            _with_shape(call, item, (*item.shape[:axis], 1, *item.shape[axis:])) for item in items
        ]
    joined: Value = concat(_call_on(call, items))
    return joined


def _call_on(call: Call, items: list[Any]) -> Call:
    return Call(
        *(call.reading, call.name, call.kind, call.domain, call.opset),
        *(items, call.outputs, call.attributes),
    )


def _with_shape(call: Call, item: Any, to: Any) -> Any:
    return _call_on(call, [item]).reshaped(to)
