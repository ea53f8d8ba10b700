"""The study training: its draws, aids, measures and parts, and going on."""

from __future__ import annotations

import numpy as np
import pytest

from hullwise.errors import DataError, FileError, MissingDependencyError
from hullwise_studies import command, training
from hullwise_studies._options import TrainingOptions
from hullwise_studies._page import study_page
from hullwise_studies.training import _aid_grid, _aids, _draws, _measures
from hullwise_studies.training._aids import AIDS, trained_network
from hullwise_studies.training._draws import (
    TRAINING_SOURCES,
    TrainingSize,
    draw_rows,
    shifted_images,
)

torch = pytest.importorskip("torch")
SMALL_TRAINING = TrainingSize(80, 60, 30)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def study(kept):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SHORT_TRAINING", SMALL_TRAINING)
        return training.run(
            sets=["digits", "mixing", "orthogonality"],
            aids=["mixup", "dropout"],
            seeds=2,
            cache=kept,
        )


def draw(name: str = "digits", seed: int = 0) -> _draws.TrainingDraw:
    return draw_rows(TRAINING_SOURCES[name].read(), SMALL_TRAINING, seed)


# ---- draws --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(TRAINING_SOURCES))
def test_a_draw_is_seeded_and_its_test_rows_are_others(name):
    first, again, other = draw(name), draw(name), draw(name, 1)
    assert np.array_equal(first.X, again.X)
    assert not np.array_equal(first.X, other.X)
    assert len(first.X) == 80
    assert len(first.test_X) == 60
    both = np.concatenate([first.X, first.test_X])
    assert len(np.unique(both, axis=0)) == len(both)
    if not first.side:
        assert np.abs(first.X.mean(axis=0)).max() < 1e-9
    if not first.n_classes:
        assert first.y.std() == pytest.approx(1.0)


def test_the_unit_is_the_median_distance_to_the_nearest_row():
    d = draw()
    gaps = np.linalg.norm(d.X[:, None] - d.X, axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert d.unit == pytest.approx(np.median(gaps.min(axis=1)), rel=1e-6)


def test_images_move_by_whole_pixels():
    image = np.arange(9.0).reshape(1, 9)
    assert shifted_images(image, 3, 0, 1).tolist() == [[0, 0, 1, 0, 3, 4, 0, 6, 7]]
    assert shifted_images(image, 3, -1, 0).tolist() == [[3, 4, 5, 6, 7, 8, 0, 0, 0]]
    assert np.array_equal(shifted_images(image, 3, 0, 0), image)


def test_tangents_of_shifts_are_differences_of_neighbouring_pixels():
    d = draw()
    tangents = _aids.shift_tangents(d).reshape(-1, 2, 8, 8)
    images = d.X.reshape(-1, 8, 8)
    inner = (images[:, :, :-2] - images[:, :, 2:]) / 2
    assert tangents[:, 0, :, 1:-1] == pytest.approx(inner)


# ---- aids ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("aid", list(AIDS))
def test_every_aid_trains_the_same_network_again(aid):
    d = draw()
    first, again = (trained_network(d, AIDS[aid], 5, 3) for _ in range(2))
    X = torch.as_tensor(d.X, dtype=torch.float32)
    assert torch.equal(first(X), again(X))
    assert not first.training
    changed = not torch.equal(first(X), trained_network(d, AIDS["none"], 5, 3)(X))
    assert changed == (aid != "none")


def test_all_aids_start_alike():
    d = draw()
    starts = [trained_network(d, AIDS[aid], 0, 3) for aid in ("none", "mixup", "distilled")]
    weights = [network[0].weight for network in starts]
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(weights[0], weights[2])


def test_training_leaves_torchs_random_numbers_alone():
    state = torch.get_rng_state()
    trained_network(draw(), AIDS["dropout"], 3, 0)
    assert torch.equal(torch.get_rng_state(), state)


def test_aids_that_need_more_than_a_set_has_are_left_out():
    suits = {name: [a for a in AIDS if AIDS[a].suits(draw(name))] for name in TRAINING_SOURCES}
    assert suits["digits"] == list(AIDS)
    assert "shifted" not in suits["breast_cancer"]
    assert "mixup-class" in suits["breast_cancer"]
    assert "mixup-class" not in suits["diabetes"]
    assert "mixup" in suits["diabetes"]


# ---- measures -----------------------------------------------------------------------------------


def test_measures_of_a_network():
    d = draw()
    network = trained_network(d, AIDS["none"], 200, 0)
    measures = _measures.measures_of(network, d)
    assert list(measures) == list(_measures.NETWORK_MEASURES)
    logits = network(torch.as_tensor(d.test_X, dtype=torch.float32))
    labels = torch.as_tensor(d.test_y)
    assert measures["error"] == pytest.approx((logits.argmax(1) != labels).float().mean().item())
    loss = torch.nn.functional.cross_entropy(logits, labels).item()
    assert measures["loss"] == pytest.approx(loss, rel=1e-4)
    assert 0 <= measures["shared"] <= 1
    assert measures["wall"] > 0


def test_a_set_of_numbers_has_no_classes_to_measure():
    d = draw("diabetes")
    measures = _measures.measures_of(trained_network(d, AIDS["none"], 20, 0), d)
    assert np.isnan(measures["loss"])
    assert np.isnan(measures["shifted"])
    assert measures["error"] > 0


# ---- the study ----------------------------------------------------------------------------------


def test_tables_have_a_row_for_each_aid_and_differences_in_pairs(study):
    table = study.tables["answers-digits"].to_dict()
    assert table["aid"] == ["no aid", "dropout .5", "mixup, alpha 1"]
    values = study.results[0].values
    change = (values["mixup"]["error"] - values["none"]["error"]).mean()
    assert table["error | change"][2] == pytest.approx(change, abs=5e-4)
    assert table["error | change"][0] is None


def test_the_hull_of_rows_and_mixtures_is_that_of_the_rows(study):
    table = study.tables["mixing"].to_frame()
    of = table.set_index(["directions", "cloud"])
    for directions in ("all", "4 leading"):
        rows = of.loc[directions, "rows"]
        both = of.loc[directions, "with mixtures"]
        for column in ("outside | share", "to the hull | mean"):
            assert both[column] == rows[column]
        assert both["to the nearest | mean"] < rows["to the nearest | mean"]
        alone = of.loc[directions, "mixtures, 8"]
        assert alone["to the hull | mean"] > rows["to the hull | mean"]


def test_a_large_weight_makes_rows_orthogonal(study):
    table = study.tables["orthogonality"].to_frame()
    last = table[(table["set"] == "digits") & (table["layers"] == "last")]
    cosines = last["cos² last | mean"].tolist()
    assert cosines[-1] < cosines[0]


def test_findings_name_every_aid(study):
    finding = next(f for f in study.findings if f.title.startswith("digits"))
    for aid in ("dropout .5", "mixup, alpha 1"):
        assert aid in finding.text


def test_the_page_is_whole(study):
    page = study_page(study)
    assert page.count("<h2>") == len(study.parts) + 2
    assert "<script" not in page


def test_a_study_goes_on_where_it_was(kept, study, monkeypatch):
    def stopped(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(training, "SHORT_TRAINING", SMALL_TRAINING)
    monkeypatch.setattr(_aid_grid, "trained_network", stopped)
    again = training.run(sets=["digits"], aids=["mixup", "dropout"], seeds=2, cache=kept)
    assert again.tables["answers-digits"].rows == study.tables["answers-digits"].rows
    with pytest.raises(AssertionError, match="trained again"):
        training.run(sets=["digits"], aids=["mixup"], seeds=3, cache=kept)


def test_images_of_a_folder_are_one_more_set(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "tiny.npz",
        x_train=rng.integers(0, 255, (120, 4, 4), dtype=np.uint8),
        y_train=np.arange(120) % 2,
        x_test=rng.integers(0, 255, (20, 4, 4), dtype=np.uint8),
        y_test=np.arange(20) % 2,
    )
    monkeypatch.setattr(training, "SHORT_TRAINING", TrainingSize(40, 40, 5))
    study = training.run(tmp_path, sets=["tiny"], aids=["tangent"], seeds=1)
    assert [one.name for one in study.results] == ["tiny"]
    assert "tangent" in study.results[0].values


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sets": ["letters"]}, "there are digits, breast_cancer"),
        ({"sets": []}, "sets is empty"),
        ({"aids": ["magic"]}, "no aid is called 'magic'"),
        ({"seeds": 0}, "seeds=0"),
    ],
)
def test_wrong_arguments_say_what_is_right(options, words):
    with pytest.raises(DataError, match=words):
        training.run(**options)


def test_a_cache_that_is_not_there():
    with pytest.raises(FileError, match="is no folder"):
        training.run(sets=["diabetes"], seeds=1, cache="nowhere")


def test_without_torch_the_study_says_so_in_one_sentence(monkeypatch):
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"needs torch.*hullwise\[torch\]"):
        training.run()


def test_the_command_knows_the_aids():
    assert command.TRAINING_AIDS == training.AID_NAMES
    options = TrainingOptions(aids=["mixup"], seeds=3)
    assert options.arguments()["aids"] == ["mixup"]
