"""Bounds of a chain over boxes, compiled: what is decided on a box is folded away.

Where a unit's piece is known on the whole box it is affine, so that every entry of the network is
an affine function of the inputs and of the outputs r of the units that are undecided there: a
*form*. Forms are carried forwards once; then a bound goes back over the undecided units alone, each
replaced by the line below or above it. The bounds are those of a backward pass through the layers
(Zhang et al. (2018), CROWN), for a tenth of the work.

A form is a row of w coefficients: d for the inputs, then one for each undecided unit, the constant
last. Beside it stand `size`, the sum of its terms in magnitude, and `error`, what rounding may have
moved it by anywhere in the box.
"""

from __future__ import annotations

import numpy as np

from ..._core.numba import jit, subkernel
from ..._core.rounding import UNIT_ROUNDOFF

SLOPE_STEPS = 10  # of the search for better lower lines, for each condition that is not closed
TARGET_SHARE = 0.02  # of a bound: how far below zero the steps aim
LINE_SLACK = 8 * UNIT_ROUNDOFF  # of the magnitudes added up in a line


@subkernel
def line_offset(sign, slope, knots, slopes, pieces, low, high):  # type: ignore[no-untyped-def]
    """The offset of the line below (sign 1) or above (-1) a unit on [low, high]."""
    p = 0
    while p < len(knots) and knots[p] <= low:
        p += 1
    best = sign * (slopes[p] * low + pieces[p] - slope * low)
    while p < len(knots) and knots[p] < high:
        best = min(best, sign * (slopes[p] * knots[p] + pieces[p] - slope * knots[p]))
        p += 1
    best = min(best, sign * (slopes[p] * high + pieces[p] - slope * high))
    return sign * best


@subkernel
def bound_unit(knots, slopes, pieces, low, high, line):  # type: ignore[no-untyped-def]
    """Lines about a unit whose input is in [low, high], as one row of the table of lines.

    0 to 3: slope and offset below, and above; 4 and 5: its least and largest value; 6: the slack of
    an offset; 7 and 8: the slopes of its first and last piece on the range. True where it is on one
    piece all through: then both lines are that piece.
    """
    first = 0
    while first < len(knots) and knots[first] <= low:
        first += 1
    last = first
    while last < len(knots) and knots[last] < high:
        last += 1
    steepest, constant = 0.0, 0.0
    for p in range(first, last + 1):
        steepest = max(steepest, abs(slopes[p]))
        constant = max(constant, abs(pieces[p]))
    slack = LINE_SLACK * (2 * steepest * max(abs(low), abs(high)) + constant)
    line[6], line[7], line[8] = slack, slopes[first], slopes[last]
    line[4] = line_offset(1.0, 0.0, knots, slopes, pieces, low, high) - slack
    line[5] = line_offset(-1.0, 0.0, knots, slopes, pieces, low, high) + slack
    if first == last:
        line[0] = line[2] = slopes[first]
        line[1] = line[3] = pieces[first]
        return True
    ends = slopes[last] * high + pieces[last] - slopes[first] * low - pieces[first]
    middle = low + (high - low) / 2
    for side in range(2):
        sign = 1.0 - 2.0 * side
        best = -np.inf
        for p in range(first - 1, last + 1):
            slope = ends / (high - low) if p < first else slopes[p]
            offset = line_offset(sign, slope, knots, slopes, pieces, low, high)
            height = sign * (slope * middle + offset)
            if height > best:
                best = height
                line[2 * side] = slope
                line[2 * side + 1] = offset - sign * slack
    return False


@subkernel
def form_below(form, u, d, forms, sizes, errors, lines, low, high, slack, reach):  # type: ignore[no-untyped-def]
    """A lower bound of a form over the box; its coefficients become those of the inputs alone.

    `reach` (u,) is set to what each unit's gap between its lines may add to the bound's slack.
    """
    last = forms.shape[1] - 1
    total, size, error = form[last], abs(form[last]), 0.0
    for k in range(d):
        size += abs(form[k]) * max(abs(low[k]), abs(high[k]))
    for j in range(u):
        size += abs(form[d + j]) * max(abs(lines[j, 4]), abs(lines[j, 5]))
    for j in range(u - 1, -1, -1):
        a = form[d + j]
        side = 0 if a > 0.0 else 2
        reach[j] = a
        if a == 0.0:
            continue
        total += a * lines[j, side + 1]
        f = a * lines[j, side]
        size += abs(a * lines[j, side + 1]) + abs(f) * sizes[j]
        error += abs(f) * errors[j]
        if f != 0.0:
            for k in range(d + j):
                form[k] += f * forms[j, k]
            total += f * forms[j, last]
    for k in range(d):
        total += form[k] * (low[k] if form[k] > 0.0 else high[k])
        size += abs(form[k]) * max(abs(low[k]), abs(high[k]))
    return total - error - slack * size


@subkernel
def affine_forms(W, b, m, n, u, d, entries, entry, symbols, forms, out, slack):  # type: ignore[no-untyped-def]
    """Forms of W x + b; `entry` and `out` have columns for low, high, size and error."""
    last = forms.shape[1] - 1
    width = d + u
    for i in range(m):
        form = forms[i]
        form[:width] = 0.0
        constant, low, high = b[i], b[i], b[i]
        magnitude, error = abs(b[i]), slack * abs(b[i])
        for j in range(n):
            a = W[i, j]
            if a == 0.0 or (entry[j, 2] == 0.0 and entry[j, 3] == 0.0):
                continue
            for k in range(width):
                form[k] += a * entries[j, k]
            constant += a * entries[j, last]
            low += a * (entry[j, 0] if a > 0.0 else entry[j, 1])
            high += a * (entry[j, 1] if a > 0.0 else entry[j, 0])
            magnitude += abs(a) * max(abs(entry[j, 0]), abs(entry[j, 1]))
            error += abs(a) * (entry[j, 3] + slack * entry[j, 2])
        form[last] = constant
        size = abs(constant)
        for k in range(width):
            size += abs(form[k]) * symbols[k]
        out[i, 0], out[i, 1] = low - slack * magnitude, high + slack * magnitude
        out[i, 2], out[i, 3] = size, error


@subkernel
def narrow(form, own, u, d, table, sizes, errors, lines, low, high, slack, work, reach):  # type: ignore[no-untyped-def]
    """The range of an entry by bounds of its form from both sides, in `own`."""
    width, last = d + u, table.shape[1] - 1
    for sign in (1.0, -1.0):
        for k in range(width):
            work[k] = sign * form[k]
        work[last] = sign * form[last]
        bound = form_below(work, u, d, table, sizes, errors, lines, low, high, slack, reach)
        bound -= own[3] + slack * own[2]
        if sign > 0.0:
            own[0] = max(own[0], bound)
        else:
            own[1] = max(min(own[1], -bound), own[0])


@subkernel
def fold_units(  # type: ignore[no-untyped-def]
    i,
    m,
    u,
    d,
    chain,
    forms,
    out,
    entries,
    entry,
    undecided,
    lines,
    symbols,
    low,
    high,
    slack,
    work,
    reach,
):
    """Units behind step i: those on one piece become forms, the others new symbols; how many."""
    sizes, weights, offsets, has_units, knots, slopes, pieces, first = chain
    table, table_size, table_error, places = undecided
    last, new = table.shape[1] - 1, u
    line = np.empty(lines.shape[1])
    for j in range(m):
        own = out[j]
        decided = bound_unit(knots[i, j], slopes[i, j], pieces[i, j], own[0], own[1], line)
        if not decided:
            narrow(forms[j], own, u, d, table, table_size, table_error, lines, low, high, slack,
                   work, reach)  # fmt: skip
            decided = bound_unit(knots[i, j], slopes[i, j], pieces[i, j], own[0], own[1], line)
        entry[j, 0], entry[j, 1] = line[4], line[5]
        entries[j, :] = 0.0
        if decided:
            s = line[0]
            for k in range(d + u):
                entries[j, k] = s * forms[j, k]
            entries[j, last] = s * forms[j, last] + line[1]
            entry[j, 2] = abs(s) * own[2] + abs(line[1])
            entry[j, 3] = abs(s) * own[3] + slack * (abs(s) * own[2] + abs(line[1])) + line[6]
            if s == 0.0 and line[1] == 0.0:
                entry[j, 0] = entry[j, 1] = entry[j, 3] = 0.0
            continue
        table[new, :] = 0.0
        table[new, : d + u] = forms[j, : d + u]
        table[new, last] = forms[j, last]
        table_size[new], table_error[new] = own[2], own[3]
        places[new] = first[i] + j
        ends = lines[new]
        ends[:9] = line[:9]
        ends[9], ends[10], ends[13], ends[14] = own[0], own[1], i, j
        entries[j, d + new] = 1.0
        largest = max(abs(line[4]), abs(line[5]))
        symbols[d + new], entry[j, 2], entry[j, 3] = largest, largest, 0.0
        new += 1
    return new


@subkernel
def fold_network(  # type: ignore[no-untyped-def]
    chain,
    low,
    high,
    forms,
    entries,
    out,
    entry,
    undecided,
    lines,
    symbols,
    slack,
    work,
    reach,
):
    """Forms of the outputs over a box, in `forms` and `out`; the number of undecided units."""
    sizes, weights, offsets, has_units, knots, slopes, pieces, first = chain
    d, u = sizes[0], 0
    entries[:, :] = 0.0
    for k in range(d):
        entries[k, k] = 1.0
        symbols[k] = max(abs(low[k]), abs(high[k]))
        entry[k, 0], entry[k, 1], entry[k, 2], entry[k, 3] = low[k], high[k], symbols[k], 0.0
    for i in range(len(weights)):
        n, m = sizes[i], sizes[i + 1]
        affine_forms(weights[i], offsets[i], m, n, u, d, entries, entry, symbols, forms, out, slack)
        if has_units[i]:
            u = fold_units(i, m, u, d, chain, forms, out, entries, entry, undecided, lines,
                           symbols, low, high, slack, work, reach)  # fmt: skip
        elif i + 1 < len(weights):
            entries[:m, :] = forms[:m, :]
            entry[:m] = out[:m]
    return u


@subkernel
def steepen(u, d, table, lines, x, r, reach, gradient):  # type: ignore[no-untyped-def]
    """The slope of a bound in each unit's share of its last lower line; the squared length.

    At the point x where the bound is attained, and with the units' outputs r on their lines there.
    """
    last, squared = table.shape[1] - 1, 0.0
    for j in range(u):
        z = table[j, last]
        for k in range(d):
            z += table[j, k] * x[k]
        for i in range(j):
            z += table[j, d + i] * r[i]
        side = 0 if reach[j] > 0.0 else 2
        r[j] = lines[j, side] * z + lines[j, side + 1]
        gradient[j] = 0.0
        if reach[j] > 0.0:
            rise = (lines[j, 8] - lines[j, 7]) * z + lines[j, 12] - lines[j, 11]
            gradient[j] = reach[j] * rise
        squared += gradient[j] ** 2
    return squared


@subkernel
def outer_lines(u, chain, lines, share):  # type: ignore[no-untyped-def]
    """Lower lines with the slopes of units' first and last pieces; `share` is 1 where the last is
    better in the middle."""
    sizes, weights, offsets, has_units, knots, slopes, pieces, first = chain
    for j in range(u):
        i, at = int(lines[j, 13]), int(lines[j, 14])
        for c in range(2):
            lines[j, 11 + c] = line_offset(1.0, lines[j, 7 + c], knots[i, at], slopes[i, at],
                                           pieces[i, at], lines[j, 9], lines[j, 10])  # fmt: skip
        middle = (lines[j, 9] + lines[j, 10]) / 2
        rise = (lines[j, 8] - lines[j, 7]) * middle + lines[j, 12] - lines[j, 11]
        share[j] = 1.0 if rise > 0.0 else 0.0


@subkernel
def lower_lines(u, chain, lines, share, tried):  # type: ignore[no-untyped-def]
    """Set the lower lines between the outer ones; their slopes, which float32 holds, in `tried`."""
    sizes, weights, offsets, has_units, knots, slopes, pieces, first = chain
    for j in range(u):
        i, at = int(lines[j, 13]), int(lines[j, 14])
        tried[j] = (1 - share[j]) * lines[j, 7] + share[j] * lines[j, 8]
        lines[j, 0] = tried[j]
        offset = line_offset(1.0, lines[j, 0], knots[i, at], slopes[i, at], pieces[i, at],
                             lines[j, 9], lines[j, 10])  # fmt: skip
        lines[j, 1] = offset - lines[j, 6]


@subkernel
def better_lines(form, own, u, d, chain, undecided, lines, low, high, slack, work, reach, tried):  # type: ignore[no-untyped-def]
    """Whether other lower lines, whose slopes are then in `tried`, show that a form is above zero.

    Lines between those of a unit's first and last piece, by steps up the bound's subgradient:
    Xu et al. (2021), *Fast and Complete*, whose alpha is the share of the last piece here.
    """
    table, table_size, table_error, places = undecided
    share, x, r, gradient = np.zeros(u), np.zeros(d), np.zeros(u), np.zeros(u)
    outer_lines(u, chain, lines, share)
    for _ in range(SLOPE_STEPS):
        lower_lines(u, chain, lines, share, tried)
        work[:] = form
        bound = form_below(work, u, d, table, table_size, table_error, lines, low, high, slack,
                           reach)  # fmt: skip
        bound -= own[3] + slack * own[2]
        if bound > 0.0:
            return True
        for k in range(d):
            x[k] = low[k] if work[k] > 0.0 else high[k]
        squared = steepen(u, d, table, lines, x, r, reach, gradient)
        if squared == 0.0:
            return False
        step = abs(bound) * (1 + TARGET_SHARE) / squared
        for j in range(u):
            share[j] = min(1.0, max(0.0, share[j] + step * gradient[j]))
    return False


@subkernel
def share_gaps(u, d, table, lines, low, high, part):  # type: ignore[no-untyped-def]
    """Which share of the range of each undecided unit's input each input accounts for."""
    for j in range(u):
        total = 0.0
        for k in range(d):
            part[j, k] = abs(table[j, k]) * (high[k] - low[k])
        for i in range(j):
            f = abs(table[j, d + i]) * max(abs(lines[i, 0]), abs(lines[i, 2]))
            for k in range(d):
                part[j, k] += f * part[i, k]
    for j in range(u):
        total = 0.0
        for k in range(d):
            total += part[j, k]
        for k in range(d):
            part[j, k] /= max(total, 1e-300)


@subkernel
def add_gains(work, u, d, lines, low, high, reach, part, gain):  # type: ignore[no-untyped-def]
    """What cutting across each input may gain: its slope's width, and its part in units' gaps."""
    for k in range(d):
        gain[k] += abs(work[k]) * (high[k] - low[k])
    for j in range(u):
        slope, offset = lines[j, 2] - lines[j, 0], lines[j, 3] - lines[j, 1]
        gap = offset + max(slope * lines[j, 9], slope * lines[j, 10])
        for k in range(d):
            gain[k] += abs(reach[j]) * gap * part[j, k]


@subkernel
def form_of_row(C, A, c, m, d, u, forms, out, symbols, work, own):  # type: ignore[no-untyped-def]
    """The form of -(C y + A x + c), in `work`; its size and error in `own`."""
    last = forms.shape[1] - 1
    for k in range(d + u):
        total = A[k] if k < d else 0.0
        for i in range(m):
            total += C[i] * forms[i, k]
        work[k] = -total
    total, size, error = c, abs(c), 0.0
    for i in range(m):
        total += C[i] * forms[i, last]
        size += abs(C[i]) * out[i, 2]
        error += abs(C[i]) * out[i, 3]
    for k in range(d):
        size += abs(A[k]) * symbols[k]
    work[last] = -total
    own[2], own[3] = size, error


@subkernel
def nearest_row(  # type: ignore[no-untyped-def]
    k,
    rows,
    m,
    d,
    u,
    forms,
    out,
    symbols,
    undecided,
    lines,
    low,
    high,
    slack,
    work,
    reach,
    best,
    best_own,
):
    """The row of case k that is farthest from being met, and its bound; its form in `best`."""
    C, A, c, strict, case_ends = rows
    table, table_size, table_error, places = undecided
    most, nearest = np.inf, -1
    own = np.zeros(4)
    for r in range(case_ends[k], case_ends[k + 1]):
        form_of_row(C[r], A[r], c[r], m, d, u, forms, out, symbols, work, own)
        top = -form_below(work, u, d, table, table_size, table_error, lines, low, high, slack,
                          reach)  # fmt: skip
        top += own[3] + slack * own[2]
        if top < most:
            most, nearest = top, r
    if nearest >= 0:
        form_of_row(C[nearest], A[nearest], c[nearest], m, d, u, forms, out, symbols, best,
                    best_own)  # fmt: skip
    return most, nearest


@subkernel
def examine_box(chain, low, high, rows, scratch, closed, gain, corners, slopes, has_slopes):  # type: ignore[no-untyped-def]
    """`examine_boxes` for one box."""
    forms, entries, out, entry, undecided, lines, symbols, work, best, reach, part, tried = scratch
    table, table_size, table_error, places = undecided
    strict, case_ends = rows[3], rows[4]
    m, d = chain[0][-1], len(low)
    slack = 4.0 * (len(forms) + len(work) + 16) * UNIT_ROUNDOFF
    own, kept = np.zeros(4), np.empty((len(lines), 2))
    u = fold_network(chain, low, high, forms, entries, out, entry, undecided, lines, symbols,
                     slack, work, reach)  # fmt: skip
    share_gaps(u, d, table, lines, low, high, part)
    for k in range(len(case_ends) - 1):
        most, nearest = nearest_row(k, rows, m, d, u, forms, out, symbols, undecided, lines, low,
                                    high, slack, work, reach, best, own)  # fmt: skip
        if nearest < 0:
            continue
        if most < 0.0 or (strict[nearest] and most <= 0.0):
            closed[k] = nearest - case_ends[k]
            continue
        kept[:u] = lines[:u, :2]
        if better_lines(best, own, u, d, chain, undecided, lines, low, high, slack, work, reach,
                        tried):  # fmt: skip
            closed[k], has_slopes[k] = nearest - case_ends[k], 1
            for j in range(u):
                slopes[k, places[j]] = tried[j]
        lines[:u, :2] = kept[:u]
        if closed[k] < 0:
            work[:] = best
            form_below(work, u, d, table, table_size, table_error, lines, low, high, slack, reach)
            add_gains(work, u, d, lines, low, high, reach, part, gain)
            for j in range(d):
                corners[k, j] = low[j] if work[j] > 0.0 else high[j]


@jit
def examine_boxes(chain, lows, highs, rows, closed, gains, corners, slopes, has_slopes, stop):  # type: ignore[no-untyped-def]
    """Close boxes or say where to cut them.

    For each box b and case k, `closed` (B, K) is the row that cannot be met or -1; `gains` (B, d)
    what cutting across each input may gain, `corners` (B, K, d) where the nearest row may be met,
    `slopes` (B, K, n_units) the lower lines' slopes where `has_slopes` (B, K) says that they were
    needed.
    """
    B, d = lows.shape
    n_units, widest = slopes.shape[2], chain[1].shape[1]
    width = d + n_units + 1
    undecided = (np.zeros((n_units, width)), np.zeros(n_units), np.zeros(n_units),
                 np.zeros(n_units, np.int64))  # fmt: skip
    scratch = (np.zeros((widest, width)), np.zeros((widest, width)), np.zeros((widest, 4)),
               np.zeros((widest, 4)), undecided, np.zeros((n_units, 15)), np.zeros(width),
               np.zeros(width), np.zeros(width), np.zeros(n_units), np.zeros((n_units, d)),
               np.zeros(n_units, np.float32))  # fmt: skip
    for b in range(B):
        if stop[0]:
            return
        examine_box(chain, lows[b], highs[b], rows, scratch, closed[b], gains[b], corners[b],
                    slopes[b], has_slopes[b])  # fmt: skip
