"""Distillation: the loss against closed forms, teachers of both kinds, and the small loop."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import hullwise as hw

torch = pytest.importorskip("torch")
nn = torch.nn
loss_of = hw.train.distillation_loss


def logits(seed: int, n: int = 5, k: int = 3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, k, generator=generator, dtype=torch.float64)


def net(d: int, k: int, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, k))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_it_is_the_divergence_of_softened_probabilities(temperature):
    z, v = logits(0).numpy(), logits(1).numpy()
    p, q = (np.exp(a / temperature) for a in (v, z))
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    expected = temperature**2 * (p * np.log(p / q)).sum(axis=1).mean()
    assert loss_of(logits(0), logits(1), temperature=temperature).item() == pytest.approx(expected)


def test_its_gradient_at_high_temperature_is_that_of_centred_logits():
    z = logits(0).requires_grad_()
    v = logits(1)
    (gradient,) = torch.autograd.grad(loss_of(z, v, temperature=1e4), z)
    difference = (z - z.mean(dim=1, keepdim=True)) - (v - v.mean(dim=1, keepdim=True))
    assert torch.allclose(gradient, difference / (3 * 5), rtol=1e-3, atol=1e-4)


def test_gradients_are_those_of_finite_differences():
    z = logits(0).requires_grad_()
    labels = torch.tensor([0, 1, 2, 0, 1])
    assert torch.autograd.gradcheck(lambda a: loss_of(a, logits(1), labels, hard_weight=0.3), (z,))
    assert torch.autograd.gradcheck(
        lambda a: loss_of(a, logits(1), logits(2), hard_weight=0.3, task="regression"), (z,)
    )


def test_targets_are_weighted_in():
    z, v, labels = logits(0), logits(1), torch.tensor([0, 1, 2, 0, 1])
    hard = nn.functional.cross_entropy(z, labels).item()
    soft = loss_of(z, v).item()
    both = loss_of(z, v, labels, hard_weight=0.3).item()
    assert both == pytest.approx(0.7 * soft + 0.3 * hard)
    shares = nn.functional.one_hot(labels, 3).double()
    assert loss_of(z, v, shares, hard_weight=0.3).item() == pytest.approx(both)
    assert loss_of(z, v, labels.numpy(), hard_weight=0.3).item() == pytest.approx(both)


def test_of_numbers_it_is_squares():
    z, v, y = logits(0)[:, 0], logits(1)[:, 0], logits(2)[:, 0]
    both = loss_of(z, v, y, hard_weight=0.25, task="regression").item()
    expected = 0.75 * ((z - v) ** 2).mean() + 0.25 * ((z - y) ** 2).mean()
    assert both == pytest.approx(expected.item())


def test_no_gradient_reaches_the_teacher():
    v = logits(1).requires_grad_()
    loss_of(logits(0).requires_grad_(), v).backward()
    assert v.grad is None


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((logits(0), logits(1)[:4]), {}, hw.DataError, "expected the same"),
        ((logits(0).long(), logits(1)), {}, hw.DataTypeError, "outputs is a tensor of int64"),
        ((logits(0) / 0, logits(1)), {}, hw.DataError, "outputs holds"),
        ((logits(0)[:, 0], logits(1)[:, 0]), {}, hw.DataError, "task='regression'"),
        ((logits(0), logits(1), torch.tensor([0, 1, 2, 3, 0])), {}, hw.DataError, "from 0 to 3"),
        ((logits(0), logits(1), torch.tensor([0, 1])), {}, hw.DataError, "targets have shape"),
        ((logits(0), logits(1)), {"temperature": 0}, hw.DataError, "temperature=0"),
        ((logits(0), logits(1)), {"hard_weight": 2}, hw.DataError, "hard_weight=2"),
        ((logits(0), logits(1)), {"task": "ranking"}, hw.DataError, "task='ranking'"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, options, error, words):
    with pytest.raises(error, match=words):
        loss_of(*arguments, **options)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2))
LABELS = np.where(X[:, 0] > 0, "right", "left")


def test_a_student_learns_from_a_forest():
    forest = RandomForestClassifier(20, random_state=0).fit(X, LABELS)
    state = torch.get_rng_state()
    result = hw.train.distill(net(2, 2), forest, X, LABELS, epochs=60, learning_rate=0.01)
    assert set(result.classes) == {"left", "right"}
    assert (result.predict(X) == LABELS).mean() > 0.95
    assert result.losses[-1] < 0.5 * result.losses[0]
    assert not result.student.training
    assert "60 epochs" in repr(result)
    again = hw.train.distill(net(2, 2), forest, X, LABELS, epochs=60, learning_rate=0.01)
    assert np.array_equal(result.losses, again.losses)
    torch.set_rng_state(state)


def test_torchs_random_numbers_are_left_alone():
    teacher = net(2, 2, seed=1)
    student = net(2, 2)
    state = torch.get_rng_state()
    hw.train.distill(student, teacher, X, task="classification", epochs=2)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_student_learns_the_numbers_of_a_forest():
    y = X[:, 0] ** 2
    forest = RandomForestRegressor(20, random_state=0).fit(X, y)
    result = hw.train.distill(net(2, 1), forest, X, y, epochs=100, learning_rate=0.01)
    assert result.task == "regression"
    assert result.predict(X).shape == (300,)
    assert ((result.predict(X) - y) ** 2).mean() < 0.1 * y.var()


def test_a_torch_teacher_is_asked_at_rest_and_left_as_it_was():
    teacher = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 2)).train()
    first, second = (hw.train.teacher_outputs(teacher, X.astype("f4")) for _ in range(2))
    assert torch.equal(first, second)
    assert teacher.training
    assert teacher[1].training
    result = hw.train.distill(net(2, 2), teacher, X, np.zeros(300, int), epochs=1)
    assert result.task == "classification"
    assert set(result.predict(X)) <= {0, 1}


def test_the_teacher_sees_the_table_and_the_student_its_coordinates():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": X[:, 0], "side": np.where(X[:, 1] > 0, "up", "down")})
    columns = make_column_transformer((OneHotEncoder(), ["side"]), remainder="passthrough")
    y = (X[:, 0] > 0) & (X[:, 1] > 0)
    teacher = make_pipeline(columns, RandomForestClassifier(20, random_state=0)).fit(frame, y)
    inputs = hw.Domain().fit(frame).fitted_.values
    student = net(inputs.shape[1], 2)
    result = hw.train.distill(
        student, teacher, frame, student_X=inputs, epochs=60, learning_rate=0.01
    )
    assert (result.predict(inputs) == y).mean() > 0.95


def test_a_probability_of_0_has_a_logarithm():
    forest = RandomForestClassifier(5, random_state=0).fit(X, LABELS)
    outputs = hw.train.teacher_outputs(forest, X)
    assert torch.isfinite(outputs).all()
    assert outputs.min().item() == pytest.approx(np.log(1e-6))


def forest():
    return RandomForestClassifier(5, random_state=0).fit(X, LABELS)


@pytest.mark.parametrize(
    ("student", "teacher", "options", "error", "words"),
    [
        (object(), forest(), {}, hw.ModelError, r"expected a torch\.nn\.Module"),
        (net(2, 2), object(), {}, hw.ModelError, "predict_proba or predict"),
        (
            net(2, 2),
            RidgeClassifier().fit(X, LABELS),
            {},
            hw.ModelError,
            "a classifier without predict_proba",
        ),
        (net(2, 3), forest(), {}, hw.ModelError, "expected the same"),
        (net(2, 2), net(2, 2), {}, hw.DataError, "logits or numbers"),
        (net(2, 2), net(2, 1), {"task": "classification"}, hw.ModelError, "at least two classes"),
        (net(2, 2), forest(), {"y": ["up"] * 300}, hw.DataError, "none of the teacher's"),
        (net(2, 2), forest(), {"y": ["left"] * 3}, hw.DataError, "inconsistent numbers"),
        (net(2, 2), forest(), {"student_X": X[:5]}, hw.DataError, "the student sees 5"),
        (net(2, 2), forest(), {"epochs": 0}, hw.DataError, "epochs=0"),
        (net(2, 2), forest(), {"learning_rate": -1}, hw.DataError, "learning_rate=-1"),
        (net(2, 2), forest(), {"temperature": -1}, hw.DataError, "temperature=-1"),
    ],
)
def test_what_cannot_teach_or_learn_is_refused(student, teacher, options, error, words):
    with pytest.raises(error, match=words):
        hw.train.distill(student, teacher, X, **options)
