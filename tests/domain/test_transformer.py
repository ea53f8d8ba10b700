"""The outputs of a fitted transformer as coordinates, told in the columns that it takes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

import hullwise as hw
from hullwise.errors import DataError, DataTypeError, DataWarning, FileError
from shared_data import SHARED

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def people(n, seed=0, gaps=0.0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(),
            "pay": np.exp(rng.normal(3, 0.5, n)),
            "job": rng.choice(["nurse", "clerk", "smith"], n, p=[0.5, 0.3, 0.2]),
            "vip": rng.random(n) < 0.2,
            "site": "north",
        }
    )
    for name in ("age", "job"):
        table.loc[rng.random(n) < gaps, name] = None
    return table


def mixed(encoder=None, numbers=None, **options):
    return ColumnTransformer(
        [
            ("numbers", numbers or StandardScaler(), ["age"]),
            ("log", FunctionTransformer(np.log, feature_names_out="one-to-one"), ["pay"]),
            ("levels", encoder or OneHotEncoder(), ["job", "vip", "site"]),
        ],
        **options,
    )


def columns_of(domain):
    return {c.name: (c.role, c.describe()) for c in domain.fitted_.coordinates.columns}


TRAIN = people(300)


@pytest.mark.parametrize(
    "transformer",
    [
        mixed(),
        mixed(OneHotEncoder(sparse_output=False)),
        mixed(OneHotEncoder(handle_unknown="ignore"), verbose_feature_names_out=False),
        mixed().set_output(transform="default"),
        mixed(OneHotEncoder(sparse_output=False)).set_output(transform="pandas"),
        mixed(OneHotEncoder(sparse_output=False)).set_output(transform="polars"),
        mixed(make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())),
        Pipeline([("columns", mixed()), ("scale", StandardScaler(with_mean=False))]),
        Pipeline([("columns", mixed()), ("model", LogisticRegression())]),
        FeatureUnion([("all", mixed())]),
    ],
    ids=str,
)
def test_blocks_of_levels_are_categories_and_numbers_keep_their_units(transformer):
    domain = hw.Domain(transformer=transformer.fit(TRAIN, TRAIN["age"] > 40)).fit(TRAIN)
    columns = columns_of(domain)
    assert columns["job"] == ("category", "3 levels: clerk, nurse, smith")
    assert columns["vip"] == ("category", "2 levels: False, True")
    assert columns["site"] == ("category", "1 level: north")
    assert columns["age"] == columns["pay"] == ("output", "number, as the transformer scales it")
    new = people(1).assign(age=140.0, pay=40.0)
    reasons = dict(domain.locate(new).pushed_out_by()[0])
    assert 60 < reasons["age"] < 130  # years, not standard deviations


def test_the_same_as_the_columns_themselves_but_for_units():
    """A log and a scaled number count as they do without a transformer."""
    new = people(100, seed=1)
    plainly = hw.Domain(log=["pay"]).fit(TRAIN).locate(new)
    through = hw.Domain(transformer=mixed().fit(TRAIN)).fit(TRAIN).locate(new)
    np.testing.assert_allclose(plainly.upper, through.upper, atol=1e-9)
    np.testing.assert_array_equal(plainly.band, through.band)
    for one, other in zip(plainly.pushed_out_by(), through.pushed_out_by()):
        assert dict(one) == pytest.approx(dict(other), rel=1e-6)


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(),
        OneHotEncoder(handle_unknown="ignore"),
        OneHotEncoder(drop="first", handle_unknown="ignore"),
        OneHotEncoder(drop="if_binary", handle_unknown="ignore"),
        OrdinalEncoder(),
        make_pipeline(OneHotEncoder(sparse_output=False), PCA(3)),
    ],
    ids=str,
)
def test_levels_never_seen_are_far_by_name(encoder):
    domain = hw.Domain(transformer=mixed(encoder).fit(TRAIN)).fit(TRAIN)
    new = people(3, seed=2).assign(job=["pilot", "nurse", None])
    loc = domain.locate(new)
    assert loc.band[0] == "far"
    assert loc.status[0].startswith("far: job 'pilot' was never seen in 300 training rows")
    assert not loc.unseen[1:].any()
    assert len(set(columns_of(domain))) == len(domain.fitted_.coordinates.columns)


def test_a_column_that_never_moved_is_far_by_name_when_it_moves():
    domain = hw.Domain(transformer=mixed().fit(TRAIN)).fit(TRAIN)
    loc = domain.locate(people(2, seed=2).assign(site=["south", "north"]))
    assert (loc.band == "far").tolist() == [True, loc.distance_band[1] == "far"]
    assert "site 'south'" in loc.status[0]


def test_a_dropped_level_is_warned_of():
    transformer = mixed(OneHotEncoder(drop="first", handle_unknown="ignore")).fit(TRAIN)
    with pytest.warns(DataWarning, match="cannot tell a level of 'job' never seen from 'clerk'"):
        domain = hw.Domain(transformer=transformer).fit(TRAIN)
    assert "use drop=None" in str(domain)


def test_an_output_of_several_columns_names_them():
    transformer = make_pipeline(StandardScaler(), PCA(2)).fit(TRAIN[["age", "pay"]])
    domain = hw.Domain(transformer=transformer).fit(TRAIN)
    assert list(columns_of(domain)) == ["pca0 (from age, pay)", "pca1 (from age, pay)"]
    reasons = domain.locate(TRAIN[:1].assign(age=400.0)).pushed_out_by()[0]
    assert {name for name, _ in reasons} <= set(columns_of(domain))
    assert [c.name for c in domain.fitted_.unused] == ["job", "vip", "site"]


def test_bins_and_flags_are_levels_too():
    transformer = make_column_transformer(
        (KBinsDiscretizer(4, encode="onehot", quantile_method="linear"), ["age"]),
        (FunctionTransformer(lambda X: X > 20), ["pay"]),
    ).fit(TRAIN)
    columns = hw.Domain(transformer=transformer).fit(TRAIN).fitted_.coordinates.columns
    assert [(c.name, c.role, len(c.levels)) for c in columns] == [
        ("age", "category", 4),
        ("pay", "category", 2),
    ]


def test_gaps_stay_gaps_or_are_filled_as_the_transformer_does():
    train, new = people(600, gaps=0.1), people(50, seed=1, gaps=0.2)
    passing = mixed(OneHotEncoder(handle_unknown="ignore")).fit(people(600))
    domain = hw.Domain(transformer=passing).fit(train)
    loc = domain.locate(new)
    np.testing.assert_array_equal(loc.filled.all(axis=1), new.notna().all(axis=1))
    assert (loc.band != "unknown").all()
    filling = mixed(
        make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()),
        make_pipeline(SimpleImputer(), StandardScaler()),
    ).fit(train)
    domain = hw.Domain(transformer=filling).fit(train)
    text = "the transformer fills gaps in 'age', 'job': a filled gap counts as a value"
    assert text in domain.fitted_.notes
    assert text in domain.locate(new).notes
    assert domain.locate(new).filled.all()


def test_a_gap_that_is_a_level():
    train = people(600, gaps=0.1)
    domain = hw.Domain(transformer=mixed().fit(train)).fit(train)
    assert columns_of(domain)["job"][1].startswith("4 levels: clerk, nurse, smith, (empty)")
    loc = domain.locate(people(2, seed=3).assign(job=["nurse", None]))
    assert loc.located_without(1) == []


def test_gaps_that_the_transformer_refuses_are_gaps():
    numbers = make_pipeline(StandardScaler(), PCA(1))
    train = people(300)
    domain = hw.Domain(transformer=mixed(numbers=numbers).fit(train)).fit(train)
    loc = domain.locate(people(2, seed=1).assign(age=[None, 40.0]))
    assert loc.located_without(0) == ["age"]
    assert loc.located_without(1) == []


@pytest.mark.parametrize("kind", ["records", "polars", "arrow", "csv", "one"])
def test_new_rows_of_any_kind(kind, tmp_path):
    domain = hw.Domain(transformer=mixed().fit(TRAIN)).fit(TRAIN)
    new = people(20, seed=1)
    expected = domain.locate(new)
    if kind == "one":
        got = domain.locate_one(new.iloc[3].to_dict())
        expected = expected[[3]]
    elif kind == "csv":
        path = tmp_path / "new.csv"
        new.to_csv(path, index=False)
        got = domain.locate(path)
    else:
        pl = pytest.importorskip("polars")
        tables = {"records": new.to_dict("records"), "polars": pl.from_pandas(new)}
        tables["arrow"] = pl.from_pandas(new).to_arrow()
        got = domain.locate(tables[kind])
    np.testing.assert_allclose(got.upper, expected.upper, atol=1e-12)
    np.testing.assert_array_equal(got.band, expected.band)


def test_a_transformer_of_polars_frames():
    pl = pytest.importorskip("polars")
    train = pl.from_pandas(TRAIN)
    domain = hw.Domain(transformer=mixed().fit(train)).fit(train)
    assert columns_of(domain)["job"] == ("category", "3 levels: clerk, nurse, smith")
    one = domain.locate_one({**TRAIN.iloc[0].to_dict(), "job": "pilot"})
    assert one.band[0] == "far"


def test_a_transformer_of_arrays():
    X = np.random.default_rng(0).normal(size=(100, 3)) * [1, 10, 100]
    domain = hw.Domain(transformer=StandardScaler().fit(X)).fit(X)
    expected = hw.Domain().fit(X).locate(X + 5).upper
    np.testing.assert_allclose(domain.locate(X + 5).upper, expected, atol=1e-9)
    with pytest.raises(DataError, match="fitted on arrays of 3 columns, and the table has 2"):
        hw.Domain(transformer=StandardScaler().fit(X)).fit(X[:, :2])


class Duck:
    """Transforms rows and names what it gives, and is nothing of scikit-learn's."""

    def transform(self, table):
        job = table["job"]
        return np.column_stack([table["age"] / 10, job == "nurse", job == "clerk", job == "smith"])

    def get_feature_names_out(self):
        return ["age", "job_nurse", "job_clerk", "job_smith"]


def test_any_object_that_transforms():
    domain = hw.Domain(transformer=Duck()).fit(TRAIN)
    assert columns_of(domain) == {
        "age": ("output", "number, as the transformer scales it"),
        "job": ("category", "3 levels: nurse, clerk, smith"),
    }
    loc = domain.locate(TRAIN[:2].assign(job=["pilot", "nurse"]))
    assert loc.band[0] == "far"


def test_a_domain_in_a_file_is_given_its_transformer_again(tmp_path):
    path, new = tmp_path / "seen.hull", people(40, seed=1, gaps=0.1)
    transformer = mixed(OneHotEncoder(handle_unknown="ignore")).fit(TRAIN)
    domain = hw.Domain(transformer=transformer).fit(TRAIN)
    domain.save(path)
    loaded = hw.load(path, transformer=transformer)
    np.testing.assert_array_equal(loaded.locate(new).upper, domain.locate(new).upper)
    assert str(loaded) == str(domain)
    unlike = mixed(OneHotEncoder(handle_unknown="ignore")).fit(people(300, seed=5))
    fewer = mixed(OneHotEncoder(handle_unknown="ignore")).fit(TRAIN[TRAIN["job"] != "smith"])
    renamed = mixed().fit(TRAIN.assign(more=1.0))
    for other, says in [
        (None, r"pass it, as hullwise.load\(path, transformer=...\)"),
        (unlike, "other numbers for the cells kept in the file"),
        (fewer, "gives the outputs"),
        (renamed, "takes the columns"),
    ]:
        with pytest.raises(FileError, match=says):
            hw.load(path, transformer=other)
    hw.Domain().fit(TRAIN).save(path, force=True)
    with pytest.raises(FileError, match="fitted without a transformer"):
        hw.load(path, transformer=transformer)


def test_a_file_holds_no_training_row_of_the_table_beside_its_coordinates(tmp_path):
    import json
    import zipfile

    train = people(300)
    hw.Domain(transformer=mixed().fit(train)).fit(train).save(tmp_path / "seen.hull")
    with zipfile.ZipFile(tmp_path / "seen.hull") as archive:
        inputs = json.loads(archive.read("header.json"))["transformer"]["inputs"]
    kept = set(zip(*(column["probes"] for column in inputs)))
    assert not kept & set(train.itertuples(index=False, name=None))


def test_proofs_are_checked_from_the_table_through_the_transformer(tmp_path):
    train, new = people(300, gaps=0.1), people(30, seed=1, gaps=0.2)
    new.loc[3, "job"] = "pilot"
    transformer = mixed(make_pipeline(OneHotEncoder(sparse_output=False), PCA(3)))
    transformer.transformers.append(("own", OneHotEncoder(handle_unknown="ignore"), ["job"]))
    domain = hw.Domain(transformer=transformer.fit(train)).fit(train)
    loc = domain.locate(new)
    assert loc.verify(train, exact=True).all()
    loc.save_proofs(tmp_path / "where.npz")
    domain.save(tmp_path / "seen.hull")
    loaded = hw.load(tmp_path / "seen.hull", transformer=transformer)
    assert loaded.verify(tmp_path / "where.npz", train, new=new).all()
    moved = new.assign(age=new["age"] + 1)
    assert not loaded.verify(tmp_path / "where.npz", train, new=moved)[new["age"].notna()].any()
    with pytest.raises(DataError, match="is another table"):
        loaded.verify(tmp_path / "where.npz", train.assign(age=0.0))


@pytest.mark.parametrize("by", ["vip", "region"])
def test_segments_by_a_column_that_the_transformer_takes_or_not(by, tmp_path):
    train, new = (
        people(n, seed=seed).assign(region=lambda t: np.where(t["age"] > 40, "east", "west"))
        for n, seed in ((400, 0), (40, 1))
    )
    transformer = mixed().fit(train)
    domain = hw.Domain(transformer=transformer, by=by).fit(train)
    loc = domain.locate(new)
    assert {part.pattern.segment for part in loc.parts} == {0, 1}
    assert loc.verify(train).all()
    domain.save(tmp_path / "seen.hull")
    loaded = hw.load(tmp_path / "seen.hull", transformer=transformer)
    np.testing.assert_array_equal(loaded.locate(new).upper, loc.upper)
    if by == "region":
        assert "region 'north'" in domain.locate(new[:1].assign(region="north")).status[0]


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_levels_whose_outputs_a_later_step_drops_are_known(gaps):
    train = people(600, gaps=gaps)
    train.loc[:5, "job"] = ["pilot", "baker"] * 3
    transformer = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["job", "vip"])),
        VarianceThreshold(0.02),
    ).fit(train)
    domain = hw.Domain(transformer=transformer).fit(train)
    (job,) = [c for c in domain.fitted_.coordinates.columns if c.role == "levels"]
    assert {"pilot", "baker"} <= set(job.levels)
    new = people(4, seed=1).assign(job=["pilot", "baker", "smith", "cook"])
    loc = domain.locate(new)
    assert loc.unseen.any(axis=1).tolist() == [False, False, False, True]
    assert loc.verify(train).all()


def test_indicators_of_gaps_depend_on_their_column():
    train = people(600, gaps=0.1)
    transformer = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["age"]),
        (FunctionTransformer(dummies), ["job"]),
    ).fit(train)
    columns = hw.Domain(transformer=transformer).fit(train).fitted_.coordinates.columns
    assert {c.source for c in columns} == {"age", "job"}
    age, job = (next(c for c in columns if c.name == name) for name in ("age", "job"))
    assert age.describe() == "number, as the transformer scales it"
    assert job.levels == ("nurse", "clerk", "smith")


def dummies(table):
    job = table["job"]
    return np.column_stack([job == "nurse", job == "clerk", job == "smith"])


def test_a_bad_cell_and_dates_are_noted():
    train = people(300).assign(
        pay=lambda t: ["12o5", *t["pay"].round(2).astype(str)[1:]],
        start=pd.date_range("2020-01-01", periods=300),
    )
    transformer = make_column_transformer(
        (FunctionTransformer(lambda t: t.apply(lambda c: c.str.len())), ["pay"]),
        (FunctionTransformer(lambda t: t.astype("int64") / 1e18), ["start"]),
    ).fit(train)
    notes = hw.Domain(transformer=transformer).fit(train).fitted_.notes
    assert any("'pay' holds '12o5'" in note and "99.7 % of its cells" in note for note in notes)
    assert any("numbers of the dates in 'start'" in note for note in notes)


def broken(table):
    raise KeyError("what")


@pytest.mark.parametrize(
    ("transformer", "says"),
    [
        (lambda: mixed(), "transforming cells of the training rows failed"),
        (lambda: LogisticRegression(), "has no transform"),
        (lambda: make_pipeline(LogisticRegression()), "no step before it"),
        (lambda: FunctionTransformer(broken), "failed with KeyError"),
        (lambda: FunctionTransformer(lambda t: t), "holds text"),
        (
            lambda: make_column_transformer(
                (OneHotEncoder(sparse_output=False), ["vip"]), remainder="passthrough"
            ).fit(TRAIN),
            "output 'remainder__job' holds text",
        ),
        (
            lambda: FunctionTransformer(lambda t: t[["age"]] / 0),
            "column 'age' holds inf, which is infinite",
        ),
        (
            lambda: FunctionTransformer(lambda t: t[["age"]].to_numpy() / 0),
            "infinite number for row",
        ),
        (lambda: FunctionTransformer(lambda t: t[["age"]] - t["age"].mean()), "transformed with"),
        (
            lambda: StandardScaler().fit(TRAIN[["age"]].assign(years=1.0)),
            "lacks the column 'years'",
        ),
    ],
)
def test_what_is_no_coordinate_is_refused_in_our_words(transformer, says):
    with pytest.raises((DataError, DataTypeError), match=says):
        hw.Domain(transformer=transformer()).fit(TRAIN)


def test_columns_are_not_declared_beside_a_transformer():
    with pytest.raises(DataError, match="declare none beside it"):
        hw.Domain(transformer=mixed().fit(TRAIN), categories=["job"])


@pytest.mark.parametrize("name", ["penguins", "german_credit"])
def test_real_tables_through_a_pipeline(name):
    path = SHARED / "tables" / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: set HULLWISE_SHARED to the folder that holds it")
    table = pd.read_csv(path)
    numbers = table.select_dtypes("number").columns
    transformer = make_column_transformer(
        (StandardScaler(), numbers),
        (OneHotEncoder(handle_unknown="ignore"), table.columns.difference(numbers)),
    )
    order = np.random.default_rng(0).permutation(len(table))
    cut = int(0.7 * len(table))
    train, new = table.iloc[order[:cut]], table.iloc[order[cut:]]
    domain = hw.Domain(transformer=transformer.fit(train)).fit(train)
    assert domain.locate(new).chance() > 0.001
