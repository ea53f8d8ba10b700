"""Forward gradients beside backpropagation: what the study says is what its descents did."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from click.testing import CliRunner

from hullwise.errors import DataError, FileError, MissingDependencyError
from hullwise_studies import forward2022
from hullwise_studies._page import study_page
from hullwise_studies.balestriero2021 import digits
from hullwise_studies.command import study as command

torch = pytest.importorskip("torch")

from hullwise_studies.forward2022 import _descent_grid, _descents  # noqa: E402
from hullwise_studies.forward2022._problems import (  # noqa: E402
    FORWARD_PROBLEMS,
    SMALL_NETWORKS,
    FunctionModel,
    NetworkModel,
)


@pytest.fixture(scope="module")
def study():
    return forward2022.run(parts=["beale", "logistic"], seeds=2, steps=60)


def test_tables_hold_every_method(study):
    assert set(study.tables) == {"beale", "logistic", "logistic-one-rate", "costs"}
    assert study.tables["beale"].to_dict()["method"] == ["backpropagation", "forward, 1 tangent"]
    methods = study.tables["logistic"].to_dict()["method"]
    assert methods == list(_descents.METHOD_TITLES.values())
    one = study.tables["logistic-one-rate"].to_dict()["rate"]
    assert one == [2e-4] * 2


def test_without_data_the_digits_are_named(study):
    assert "digits of 8 x 8 pixels, not MNIST" in study.notes[0]
    assert "digits" in dict(study.about)["Images"]


def test_the_last_loss_is_that_of_the_table(study):
    runs = [study.results[f"logistic-backpropagation-best-{seed}"] for seed in (0, 1)]
    mean = np.mean([run["losses"][-1] for run in runs])
    assert study.tables["logistic"].to_dict()["loss | mean"][0] == pytest.approx(mean, rel=1e-2)


def test_backpropagation_learns_most_from_the_same_steps(study):
    right = study.tables["logistic"].to_dict()["right on test | mean"]
    assert right[0] > 0.8
    assert right[0] > right[1]
    (steps,) = [f.text for f in study.findings if f.title.startswith("Loss after")]
    assert "logistic, against backpropagation" in steps


def test_noise_is_the_root_of_weights_plus_one(study):
    costs = study.tables["costs"].to_dict()
    assert costs["weights"] == [2, 650]
    assert costs["noise of 1 tangent"] == pytest.approx(np.sqrt([3, 651]), rel=1e-3)
    assert costs["kept by forward"] == [16, 4 * 650]


def test_the_page_shows_its_charts(study):
    page = study_page(study)
    assert page.count("<svg") >= 4
    assert "forward, activations" in page


def test_a_study_that_was_stopped_goes_on(tmp_path):
    options = {"parts": ["beale"], "seeds": 2, "cache": tmp_path}
    first = forward2022.run(**options)
    again = forward2022.run(**options)
    for name, result in first.results.items():
        assert np.array_equal(result["seconds"], again.results[name]["seconds"])


def test_losses_are_the_same_on_every_run():
    for name, model_of in (
        ("rosenbrock", lambda: FunctionModel(torch, "rosenbrock", 0)),
        ("cnn", lambda: NetworkModel(torch, "cnn", digits(), SMALL_NETWORKS, 0, 20)),
    ):
        problem = FORWARD_PROBLEMS[name]
        for method in _descent_grid.methods_of(problem):
            runs = []
            for _ in range(2):
                with _descent_grid.one_thread():
                    runs.append(_descents.descend(torch, model_of(), method, 1e-3, 0.0, 0, 20))
            assert np.array_equal(runs[0]["losses"], runs[1]["losses"])


def test_a_descent_to_infinity_is_not_a_number():
    model = FunctionModel(torch, "rosenbrock", 0)
    result = _descents.descend(torch, model, "backpropagation", 10.0, 0.0, 0, 40)
    assert np.isnan(result["losses"][-1])
    assert np.isnan(result["test"]).all()


def test_what_waits_for_the_way_back_is_counted():
    """Of a linear layer its input, of the loss its logarithms and labels."""
    model = NetworkModel(torch, "logistic", digits(), SMALL_NETWORKS, 0, 20)
    kept = _descents.kept_for_the_way_back(torch, model)
    inputs, outputs, labels = 64 * 64 * 4, 64 * 10 * 4, 64 * 8
    assert inputs + outputs + labels <= kept <= inputs + outputs + labels + 64


def test_images_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 255, (80, 8, 8), dtype=np.uint8),
        "x_test": rng.integers(0, 255, (20, 8, 8), dtype=np.uint8),
    }
    labels = {"y_train": rng.integers(0, 3, 80), "y_test": rng.integers(0, 3, 20)}
    np.savez(tmp_path / "own.npz", **arrays, **labels)
    own = forward2022.run(tmp_path / "own.npz", parts=["logistic"], seeds=1, steps=20)
    assert not own.notes
    assert dict(own.about)["Images"].startswith("own: 80 for training")
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(DataError, match="holds no images with labels"):
        forward2022.run(tmp_path / "own.npz", parts=["logistic"], seeds=1, steps=20)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"parts": ["rnn"]}, "no part is called 'rnn'"),
        ({"parts": []}, "parts is empty"),
        ({"seeds": 0}, "seeds=0"),
        ({"steps": 5}, "steps=5: expected a whole number of at least 20"),
    ],
)
def test_options(options, match):
    with pytest.raises(DataError, match=match):
        forward2022.run(**options)


def test_folders(tmp_path):
    with pytest.raises(FileError):
        forward2022.run(tmp_path / "none", parts=["beale"])
    with pytest.raises(FileError, match="cache="):
        forward2022.run(parts=["beale"], cache=tmp_path / "none")


def test_without_torch_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match="forward2022 needs torch"):
        forward2022.run(parts=["beale"])


def test_the_command_lists_its_parts():
    result = CliRunner().invoke(command, ["forward2022", "--list"])
    assert result.exit_code == 0
    assert "rosenbrock" in result.output
