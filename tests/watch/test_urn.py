"""The law of counts in an urn, and the evidence against it: exact, and simulated."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import lgamma

import numpy as np
import pytest

from hullwise.watch.change_evidence import ChangeEvidence, changed_urns, is_start
from hullwise.watch.urn import CELL_SHARES, Urn


def urn_of(r, seed=0):
    rng = np.random.default_rng(seed)
    return Urn.of(rng.random(r), rng)


@pytest.mark.parametrize("r", [1, 2, 7, 50, 500, 12345])
def test_gaps_add_up_to_one_more_than_the_reference(r):
    urn = urn_of(r)
    assert urn.gaps.sum() == r + 1
    assert (urn.gaps >= 1).all()
    assert urn.n_reference == r
    assert urn.gaps[-1] == 1  # beyond all reference scores


def test_gaps_of_five_hundred():
    assert urn_of(500).gaps.tolist() == [25, 100, 125, 125, 75, 25, 15, 5, 5, 1]


def test_the_law_of_counts_is_that_of_exchangeable_scores():
    """Every order of 3 reference and 4 new scores is as likely: count them all."""
    cuts = (1, 3)  # order statistics that end cells of gaps 1, 2 and 1
    gaps, seen = (1, 2, 1), {}
    for order in itertools.permutations(range(7)):
        reference, new = sorted(order[:3]), order[3:]
        edges = [reference[c - 1] for c in cuts]
        cells = tuple(sum(score > edge for edge in edges) for score in new)
        seen[cells] = seen.get(cells, 0) + 1
    total = sum(seen.values())
    for cells, times in seen.items():
        law, counts = Fraction(1), list(gaps)
        for cell in cells:
            law *= Fraction(counts[cell], sum(counts))
            counts[cell] += 1
        assert Fraction(times, total) == law


def test_cells_break_ties_at_random_and_rank_infinite_scores_last():
    rng = np.random.default_rng(0)
    urn = Urn.of(np.zeros(9999), rng)
    counts = urn.count(np.zeros(200_000), rng) / 200_000
    np.testing.assert_allclose(counts, urn.gaps / 10_000, atol=0.02)
    assert urn.count(np.full(5, np.inf), rng)[-1] == 5
    infinite = Urn.of(np.where(np.arange(99) < 50, np.inf, 0.0), rng)
    assert infinite.count(np.full(1000, np.inf), rng)[-1] < 1000


def log_dirichlet_multinomial(counts, a):
    return (
        sum(lgamma(x + n) - lgamma(x) for x, n in zip(a, counts))
        - lgamma(sum(a) + sum(counts))
        + lgamma(sum(a))
    )


def test_evidence_is_the_mixture_of_likelihood_ratios():
    """Against the formula written out, start by start and alternative by alternative."""
    rng = np.random.default_rng(3)
    urn = urn_of(60, seed=3)
    batches = [urn.count(rng.random(m), rng).astype(float) for m in (5, 0, 40, 17, 3)]
    evidence = ChangeEvidence(urn.gaps)
    for t, counts in enumerate(batches, start=1):
        value = evidence.update(counts)
        expected = 0.0
        for j in range(t):
            before = urn.gaps + np.sum(batches[:j], axis=0)
            since = np.sum(batches[j:t], axis=0)
            exact = log_dirichlet_multinomial(since, before)
            ratios = [
                np.exp(log_dirichlet_multinomial(since, a) - exact) for a in changed_urns(before)
            ]
            expected += np.mean(ratios) / ((j + 1) * (j + 2))
        expected += 1 / (t + 1)
        assert value == pytest.approx(np.log(expected), abs=1e-11)
    assert evidence.n_counted == 65


def test_the_expected_evidence_of_the_next_batch_is_the_present_one():
    """A martingale: the average over the exact law of one more row, whatever came before."""
    rng = np.random.default_rng(5)
    urn = urn_of(40, seed=5)
    history = [urn.count(rng.beta(2, 1, size=m), rng).astype(float) for m in (12, 30, 8)]
    now = ChangeEvidence(urn.gaps)
    for counts in history:
        now.update(counts)
    total = urn.gaps + np.sum(history, axis=0)
    expected = 0.0
    for cell, one in enumerate(np.eye(len(urn.gaps))):
        then = ChangeEvidence(urn.gaps)
        for counts in (*history, one):
            then.update(counts)
        expected += total[cell] / total.sum() * np.exp(then.log_e[-1])
    assert expected == pytest.approx(np.exp(now.log_e[-1]), rel=1e-10)


def test_starts_become_rare():
    starts = [b for b in range(20_000) if is_start(b)]
    assert starts[:128] == list(range(128))
    assert len(starts) < 64 * np.log2(20_000)
    gaps = np.diff(starts)
    assert (np.diff(gaps) >= 0).all()


def alarms(r, n_streams, batch_sizes, level, seed, n_rows=10_000):
    """Share of honest streams that ever alarm."""
    n = 0
    for stream in range(n_streams):
        rng = np.random.default_rng([seed, stream])
        urn = Urn.of(rng.random(r), rng)
        evidence, left, size = ChangeEvidence(urn.gaps), n_rows, batch_sizes(rng)
        while left > 0:
            evidence.update(urn.count(rng.random(min(size, left)), rng))
            left, size = left - size, batch_sizes(rng)
        n += evidence.largest_log_e >= -np.log(level)
    return n / n_streams


@pytest.mark.parametrize("r", [50, 500])
def test_honest_streams_alarm_no_more_often_than_stated(r):
    """1,000 streams of 10,000 rows in batches of 200: at most .05 and three standard errors."""
    rate = alarms(r, 1000, lambda rng: 200, 0.05, seed=r)
    assert rate <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert rate > 0  # the simulation sees alarms at all


def test_batches_of_any_size_and_ends_that_look_at_the_rows():
    rate = alarms(200, 200, lambda rng: int(rng.integers(1, 400)), 0.05, seed=9)
    assert rate <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    n = 0
    for stream in range(150):
        rng = np.random.default_rng([11, stream])
        urn = Urn.of(rng.random(200), rng)
        evidence = ChangeEvidence(urn.gaps)
        cells = urn.cells(rng.random(6000), rng)
        ends = np.flatnonzero(cells == len(urn.gaps) - 1) + 1  # ends as soon as a row is far
        for part in np.split(cells, ends)[:100]:
            evidence.update(np.bincount(part, minlength=len(urn.gaps)))
        n += evidence.largest_log_e >= np.log(20)
    assert n / 150 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_a_fixed_reference_taken_for_the_truth_alarms_in_the_end():
    """The usual bet, which this construction replaces: the test can see what is wrong with it."""
    n = 0
    for stream in range(40):
        rng = np.random.default_rng([13, stream])
        reference = np.sort(rng.random(50))
        p = 1 - np.searchsorted(reference, rng.random(5000)) / 51.0
        bins = np.minimum((p * 10).astype(int), 9)
        counts, log_e = np.ones(10), [0.0]
        for cell in bins:
            log_e.append(log_e[-1] + np.log(10 * counts[cell] / counts.sum()))
            counts[cell] += 1
        n += max(log_e) >= np.log(20)
    assert n > 30


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda rng, m: rng.random(m) ** 0.5, 400),
        (lambda rng, m: np.where(rng.random(m) < 0.1, 2.0, rng.random(m)), 400),
        (lambda rng, m: np.full(m, 0.37), 400),
        (lambda rng, m: rng.beta(3, 3, size=m), 800),
    ],
)
def test_changes_are_seen_and_dated(change, most):
    """Farther out, some rows far, a constant, and narrower: at alpha = .01 after 1,000 rows."""
    delays, starts = [], []
    for stream in range(20):
        rng = np.random.default_rng([17, stream])
        urn = Urn.of(rng.random(500), rng)
        evidence = ChangeEvidence(urn.gaps)
        for _ in range(10):
            evidence.update(urn.count(rng.random(100), rng))
        for batch in range(1, 40):
            evidence.update(urn.count(change(rng, 100), rng))
            if evidence.largest_log_e >= np.log(100):
                delays.append(100 * batch)
                starts.append(evidence.start)
                break
        else:
            delays.append(np.inf)
    assert np.median(delays) <= most
    assert abs(np.median(starts) - 10) <= 1


def test_cells_end_where_the_shares_say():
    assert len(urn_of(500).edges) == len(CELL_SHARES)
    assert len(urn_of(3).edges) <= 3
