"""A table of the user's own: what is proposed, what becomes of it, and every sentence about it."""

from __future__ import annotations

import re

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import DataError
from hullwise.play.drawing import draw
from hullwise.play.own_rows import PROJECTED_ROWS_NOTE, own_data_set
from hullwise.play.own_table import TableChoice, read_own_table
from hullwise.play.probe import STANDARD_COLUMNS_NOTE, probe
from hullwise.play.row_readings import RowReadings
from play_drawings import random_network

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(40, 4)) @ np.diag([1, 10, 0.1, 3]) + [5, -20, 0, 100]
KINDS = np.where(VALUES[:, 0] > 5, "yes", "no")


def csv(names: list[str], *columns: object) -> str:
    rows = zip(*columns, strict=True)
    return "\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)]) + "\n"


def four_columns() -> str:
    return csv(["a", "b", "c", "d", "ill"], *VALUES.T.tolist(), KINDS)


def test_a_last_column_of_zeros_and_ones_is_the_target_before_words() -> None:
    risk = (VALUES[:, 0] > 5).astype(int)
    table = read_own_table(csv(["a", "sex", "b", "risk"], VALUES[:, 0], KINDS, VALUES[:, 1], risk))
    assert table.proposal() == TableChoice(("a", "b"), ("a", "b"), "plane", "risk", "classes")
    years = [2007 + i % 3 for i in range(40)]
    table = read_own_table(csv(["kind", "a", "b", "year"], KINDS, *VALUES.T[:2].tolist(), years))
    assert table.proposal().target == "kind"


def test_two_columns_and_a_word_are_proposed_as_they_stand() -> None:
    table = read_own_table(csv(["a", "b", "ill"], VALUES[:, 0], VALUES[:, 1], KINDS))
    assert table.proposal() == TableChoice(("a", "b"), ("a", "b"), "plane", "ill", "classes")
    described = table.describe()
    assert described["rows"] == 40
    assert [column["kind"] for column in described["columns"]] == ["number", "number", "text"]
    assert described["columns"][2]["levels"] == 2
    data = own_data_set(table, table.proposal())
    notes = list(data.notes)
    assert notes == []
    assert data.is_plane
    assert data.names == ("a", "b")
    assert data.labels == ("no", "yes")
    assert (data.targets == (KINDS == "yes")).all()
    Z = (VALUES[:, :2] - VALUES[:, :2].mean(axis=0)) / VALUES[:, :2].std(axis=0)
    np.testing.assert_array_equal(data.X, Z.astype(np.float32))
    assert data.units is not None
    np.testing.assert_allclose(data.units.values(data.X), VALUES[:, :2], atol=1e-5)


def test_more_columns_are_proposed_as_the_principal_plane_of_all() -> None:
    table = read_own_table(four_columns())
    choice = table.proposal()
    assert choice == TableChoice("principal", ("a", "b", "c", "d"), "all", "ill", "classes")
    data = own_data_set(table, choice)
    notes = list(data.notes)
    assert data.X.shape == (40, 4)
    assert not data.is_plane
    np.testing.assert_allclose(data.axes @ data.axes.T, np.eye(2), atol=1e-12)
    Z = (VALUES - VALUES.mean(axis=0)) / VALUES.std(axis=0)
    _, sizes, axes = np.linalg.svd(Z, full_matrices=False)
    np.testing.assert_allclose(np.abs(data.axes @ axes[:2].T), np.eye(2), atol=1e-9)
    share = sizes**2 / (sizes**2).sum()
    assert data.names[0] == f"first principal direction ({share[0]:.0%})"
    assert notes == [
        "The network takes all 4 columns; the picture is the plane through their means along the "
        "two directions in which they spread most.",
        PROJECTED_ROWS_NOTE,
    ]


def test_a_plane_of_two_columns_leaves_the_others_at_their_mean() -> None:
    table = read_own_table(four_columns())
    choice = table.choice({"plane": ["d", "b"], "inputs": "all"})
    data = own_data_set(table, choice)
    notes = list(data.notes)
    net = random_network(4)
    drawing = draw(data, net, hw.model.CurvedInputs(["x", "y"]), np.zeros(2), np.ones(2))
    point = np.array([0.3, -0.4])
    answer = probe(drawing, RowReadings(data), point)
    mean, spread = VALUES.mean(axis=0), VALUES.std(axis=0)
    expected = mean + spread * [0, -0.4, 0, 0.3]
    np.testing.assert_allclose(answer["row"], expected)
    assert answer["names"] == ["a", "b", "c", "d"]
    value = answer["map"]["slopes"] @ answer["row"] + answer["map"]["offsets"]
    np.testing.assert_allclose(value, answer["outputs"], rtol=1e-9)
    np.testing.assert_allclose(answer["outputs"], net([[0, -0.4, 0, 0.3]])[0])
    assert "the other 2 stay at the mean" in notes[0]
    assert data.units is not None
    np.testing.assert_allclose(
        [[axis["centre"], axis["scale"]] for axis in data.units.to_json(data.axes) or []],
        [[mean[3], spread[3]], [mean[1], spread[1]]],
    )


def test_a_network_of_the_principal_coordinates_says_so() -> None:
    table = read_own_table(four_columns())
    data = own_data_set(table, table.choice({"inputs": "plane"}))
    notes = list(data.notes)
    assert data.is_plane
    assert notes == [
        "The network takes the two principal directions, of columns in standard deviations."
    ]
    assert data.units is not None
    assert data.units.to_json(data.axes) is None


def test_standard_units_name_standard_deviations() -> None:
    table = read_own_table(csv(["a", "b", "ill"], VALUES[:, 0], VALUES[:, 1], KINDS))
    data = own_data_set(table, table.choice({"units": "standard"}))
    assert data.units is not None
    np.testing.assert_array_equal(data.units.values(data.X), data.X)


def test_numbers_are_predicted_in_standard_deviations_and_few_whole_ones_are_classes() -> None:
    table = read_own_table(csv(["a", "b", "c"], *VALUES.T[:3].tolist()))
    data = own_data_set(table, table.proposal())
    notes = list(data.notes)
    assert data.task == "regression"
    np.testing.assert_allclose(
        data.targets, (VALUES[:, 2] - VALUES[:, 2].mean()) / VALUES[:, 2].std()
    )
    assert notes[0].startswith("'c' is predicted in standard deviations: 0 is ")
    whole = read_own_table(csv(["a", "b", "c"], VALUES[:, 0], VALUES[:, 1], np.arange(40) % 3))
    assert whole.proposal().task == "classes"
    assert own_data_set(whole, whole.proposal()).labels == ("0", "1", "2")
    assert own_data_set(whole, whole.choice({"task": "regression"})).task == "regression"


def test_behind_curved_inputs_the_formula_says_that_its_columns_are_standard() -> None:
    table = read_own_table(csv(["a", "b", "ill"], VALUES[:, 0], VALUES[:, 1], KINDS))
    data = own_data_set(table, table.proposal())
    for names, is_said in ((["x", "y"], False), (["x2", "y2"], True)):
        curved = hw.model.CurvedInputs(names)
        drawing = draw(data, random_network(2), curved, np.zeros(2), np.ones(2), 8)
        notes = probe(drawing, RowReadings(data), np.zeros(2))["notes"]
        assert (STANDARD_COLUMNS_NOTE in notes) == is_said


def test_words_are_the_target_if_they_come_last_else_the_first_of_them() -> None:
    places = ["here" if i % 3 else "there" for i in range(40)]
    first = csv(["kind", "place", "a", "b"], KINDS, places, VALUES[:, 0], VALUES[:, 1])
    assert read_own_table(first).proposal().target == "kind"
    last = csv(["kind", "a", "b", "place"], KINDS, VALUES[:, 0], VALUES[:, 1], places)
    assert read_own_table(last).proposal().target == "place"
    ids = [f"id{i}" for i in range(40)]
    named = csv(["kind", "a", "b", "name"], KINDS, VALUES[:, 0], VALUES[:, 1], ids)
    assert read_own_table(named).proposal().target == "kind"


def test_a_cell_beyond_the_floats_costs_its_column_only_and_constants_are_not_proposed() -> None:
    cells = VALUES[:, 2].astype(str).astype(object)
    cells[5] = "1e400"
    names = ["a", "b", "c", "same", "ill"]
    table = read_own_table(csv(names, VALUES[:, 0], VALUES[:, 1], cells, [2.5] * 40, KINDS))
    assert table.proposal().features == ("a", "b")
    described = {column["name"]: column for column in table.describe()["columns"]}
    sentence = "the table: line 7, column 'c' holds '1e400', which is infinite as float64"
    assert described["c"]["reason"] == sentence
    assert not described["c"]["is_coordinate"]
    assert not described["c"]["is_target"]
    for choice in ({"features": ["a", "c"]}, {"target": "c"}):
        with pytest.raises(DataError, match=re.escape(sentence) + ": mend the cell"):
            table.choice(choice)


def test_two_columns_alone_have_nothing_to_predict_and_are_drawn() -> None:
    table = read_own_table(csv(["a", "b"], VALUES[:, 0], VALUES[:, 1]))
    data = own_data_set(table, table.proposal())
    notes = list(data.notes)
    assert not data.targets.any()
    assert notes == ["No column is predicted: all rows are one class."]


def test_rows_with_gaps_are_left_out_and_said() -> None:
    cells = VALUES[:, :2].astype(str).astype(object)
    cells[3, 0] = cells[7, 1] = ""
    words = KINDS.astype(object)
    words[9] = ""
    table = read_own_table(csv(["a", "b", "ill"], cells[:, 0], cells[:, 1], words))
    data = own_data_set(table, table.proposal())
    notes = list(data.notes)
    assert len(data.X) == 37
    assert notes == [
        "3 of 40 rows lack a value in 'a', 'b', 'ill' and are left out; nothing is filled in."
    ]
    assert table.describe()["columns"][0]["gaps"] == 1


def test_gaps_in_columns_that_the_plane_does_not_take_cost_no_row() -> None:
    cells = VALUES[:, 2].astype(str).astype(object)
    cells[5] = ""
    names = ["a", "b", "c", "ill"]
    table = read_own_table(csv(names, VALUES[:, 0], VALUES[:, 1], cells, KINDS))
    choice = {"plane": ["a", "b"], "inputs": "plane"}
    assert own_data_set(table, table.choice(choice)).notes == ()
    assert len(own_data_set(table, table.choice({"inputs": "all"})).X) == 39


def test_more_rows_than_a_page_takes_are_sampled_and_counted() -> None:
    X = np.random.default_rng(1).normal(size=(10_500, 3)).round(4)
    table = read_own_table(csv(["a", "b", "c"], *X.T.tolist()))
    data = own_data_set(table, table.proposal())
    notes = list(data.notes)
    assert len(data.X) == len(data.new_X) == 5_000
    assert notes[0] == (
        "10,500 rows are more than the 5,000 that a page takes: a sample (seed 0) is trained on, "
        "5,000 others are new rows, 500 are not used."
    )
    assert not {tuple(row) for row in data.X} & {tuple(row) for row in data.new_X}
    again = own_data_set(table, table.proposal())
    np.testing.assert_array_equal(again.X, data.X)


def test_classes_beyond_the_colours_are_joined_and_said() -> None:
    words = np.array([f"k{min(i % 12, 9)}" for i in range(40)])
    table = read_own_table(csv(["a", "b", "kind"], VALUES[:, 0], VALUES[:, 1], words))
    data = own_data_set(table, table.proposal())
    notes = list(data.notes)
    assert data.n_classes == 6
    assert data.labels[-1] == "others"
    assert notes[0].startswith("'kind' has 10 classes; the picture tells 6 apart, so the 5 ")
    others = [word for word, target in zip(words, data.targets, strict=True) if target == 5]
    assert len(set(others)) == 5


def test_one_class_and_constant_columns_are_said() -> None:
    one = read_own_table(csv(["a", "b", "kind"], VALUES[:, 0], VALUES[:, 1], ["x"] * 40))
    assert own_data_set(one, one.proposal()).notes == ("All rows have one class, 'x'.",)
    names = ["a", "b", "same", "ill"]
    table = read_own_table(csv(names, VALUES[:, 0], VALUES[:, 1], [7] * 40, KINDS))
    every = {"features": ["a", "b", "same"]}
    data = own_data_set(table, table.choice(every | {"inputs": "all"}))
    assert data.X.shape[1] == 2
    assert data.notes[0] == "The same in all rows, and left out: 'same'."
    with pytest.raises(DataError, match="'same' is the same in all rows: it spans no plane"):
        own_data_set(table, table.choice(every | {"plane": ["a", "same"]}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table: the file is empty"),
        ("a,b\n1\n", "line 2 has 1 value where 2 are expected"),
        ("a,a\n1,2\n", "duplicate column names: 'a'"),
        ("a,b\n", "has a header but no rows"),
        ("a b\n1 2\n", "separated by spaces"),
        ("PK\x03\x04", "Excel workbook; save the table as CSV"),
        ("a,b\nx,y\nz,w\n", "has 0 columns of numbers that vary: a picture takes two"),
        ("a,kind\n1,u\n2,v\n", "has 1 column of numbers that vary .'a'.: a picture takes two"),
    ],
)
def test_what_is_no_table_is_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        read_own_table(text).proposal()
    assert "hullwise" not in str(error.value)


def test_a_message_without_text_is_refused() -> None:
    with pytest.raises(DataError, match="csv is the text of a table"):
        read_own_table(None)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ([], "columns is an object with plane"),
        ({"path": "/etc/hostname"}, "columns has no 'path'"),
        ({"target": "e"}, "there is no column 'e' to predict"),
        ({"target": ["a"]}, "there is no column"),
        ({"target": "ill", "task": "regression"}, "'ill' holds no numbers: take its words as cla"),
        ({"target": "void"}, "'void' is empty: there is nothing to predict"),
        ({"task": "ranking"}, "task is 'ranking': expected 'classes' or 'regression'"),
        ({"features": ["a"]}, "features is a list of 2 to 60 columns"),
        ({"features": ["a", "zz"]}, "there is no column 'zz'"),
        ({"features": ["a", "ill"]}, "a plane takes two columns beside"),
        ({"features": ["a", "b", "word"]}, "'word' holds no numbers (text): it can be predicted"),
        ({"features": ["a", "b", "c"]}, "line 7, column 'c' holds 'seven', which is no number"),
        ({"plane": ["a", "a"]}, "plane is ['a', 'a']: expected 'principal' or two of the feat"),
        ({"plane": "a"}, "plane is 'a': expected 'principal' or two"),
        ({"plane": [["a"], "b"]}, "plane is [['a'], 'b']: expected 'principal' or two"),
        ({"inputs": "some"}, "inputs is 'some': expected one of"),
        ({"units": 3}, "units is 3: expected one of"),
    ],
)
def test_a_choice_that_is_none_is_refused(choice: object, message: str) -> None:
    words = [f"w{i}" for i in range(40)]
    numbers = VALUES[:, 2].astype(str).astype(object)
    numbers[5] = "seven"
    names = ["a", "b", "c", "void", "word", "ill"]
    table = read_own_table(csv(names, *VALUES.T[:2].tolist(), numbers, [""] * 40, words, KINDS))
    with pytest.raises(DataError, match=re.escape(message)):
        table.choice(choice)


def test_a_table_of_one_column_says_what_parts_columns() -> None:
    with pytest.raises(DataError, match="one column, 'x y c': a comma, a semicolon or a tab parts"):
        read_own_table("x y c\nu v a\nw z b\n").proposal()


def test_a_column_of_numbers_with_a_word_says_where_it_is() -> None:
    numbers = VALUES[:, 2].astype(str).astype(object)
    numbers[5] = "seven"
    table = read_own_table(csv(["a", "b", "c", "ill"], *VALUES.T[:2].tolist(), numbers, KINDS))
    described = {column["name"]: column for column in table.describe()["columns"]}
    assert described["c"]["reason"] == "the table: line 7, holds 'seven', which is no number"
    assert not described["c"]["is_coordinate"]


def test_too_few_complete_rows_are_refused() -> None:
    table = read_own_table("a,b,kind\n1,,u\n,2,v\n3,4,u\n")
    with pytest.raises(DataError, match=r"1 of 3 rows have a value in every column .* 'a', 'b'"):
        own_data_set(table, table.proposal())
    single = read_own_table("a,b,kind\n1,2,u\n")
    with pytest.raises(DataError, match="has 0 columns of numbers that vary: a picture takes"):
        single.proposal()


def test_constant_numbers_cannot_be_predicted() -> None:
    table = read_own_table(csv(["a", "b", "c"], VALUES[:, 0], VALUES[:, 1], [2.5] * 40))
    with pytest.raises(DataError, match=r"'c' is 2.5 in all rows: nothing to predict"):
        own_data_set(table, table.choice({"target": "c", "task": "regression"}))


def test_marks_of_other_tables_are_seen() -> None:
    table = read_own_table("a;b;kind\n1,5;2;u\n2,5;7,25;v\n3;1;u\n")
    assert table.numeric == ("a", "b")
    assert read_own_table("1,2,3\n4,5,6\n").numeric == ("x0", "x1", "x2")
