"""Tables that are several files: partitioned folders, patterns, object stores."""

import datetime

import numpy as np
import pytest

import hullwise as hw
from hullwise.cli import main
from hullwise.errors import DataWarning, FileError
from hullwise.io.mixed_table import read_mixed
from hullwise.io.remote_files import public_url

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
ds = pytest.importorskip("pyarrow.dataset")


def orders(n=120):
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "year": [2023 + i % 2 for i in range(n)],
            "day": [datetime.date(2024, 1, 1 + i % 3) for i in range(n)],
            "price": rng.normal(size=n),
            "weight": rng.normal(size=n),
            "shop": [f"s{i % 4}" for i in range(n)],
        }
    )


def partitioned(folder, table, filesystem=None):
    schema = pa.schema([("year", pa.int32()), ("shop", pa.string())])
    flavor = ds.partitioning(schema, flavor="hive")
    ds.write_dataset(
        table, str(folder), format="parquet", partitioning=flavor, filesystem=filesystem
    )
    return folder


@pytest.fixture
def lake(tmp_path):
    return partitioned(tmp_path / "lake", orders())


def test_the_names_of_folders_are_columns(lake):
    domain = hw.Domain().fit(lake)
    assert {c.name for c in domain.fitted_.coordinates.columns} == {
        "price",
        "weight",
        "year",
        "shop",
    }
    where = domain.locate(lake)
    assert len(where) == 120
    assert (where.verdict >= 0).all()


def test_a_row_is_named_by_its_file_and_its_number_there(lake):
    where = hw.Domain(reference=0).fit(lake).locate(lake)
    names = where.labels.tolist()
    assert names[:2] == ["year=2023/shop=s0/part-0.parquet:0", "year=2023/shop=s0/part-0.parquet:1"]
    file, _, row = names[77].rpartition(":")
    again = pq.read_table(lake / file, partitioning=None).slice(int(row), 1)
    stored = read_mixed(lake).arrow.slice(77, 1)
    assert again["price"].to_pylist() == stored["price"].to_pylist()
    assert names[77] in where.nearest_rows[77]


def test_a_bad_cell_is_named_by_its_file(lake):
    file = lake / "year=2024" / "shop=s3" / "part-0.parquet"
    table = pq.read_table(file, partitioning=None)
    prices = table["price"].to_pylist()
    prices[4] = None
    price = table.schema.get_field_index("price")
    pq.write_table(table.set_column(price, "price", pa.array(prices)), file)
    with pytest.raises(FileError, match=r"year=2024/shop=s3/part-0.parquet: row 4 .*'price'"):
        hw.read_table(lake, columns=["price", "weight"])


def test_one_partition_has_the_columns_of_all(lake):
    domain = hw.Domain(reference=0).fit(lake)
    everything = hw.Domain(reference=0).fit(lake).locate(lake)
    for path in ("year=2024", "year=2024/shop=s1", "year=2024/*/*.parquet"):
        part = domain.locate(lake / path)
        assert 0 < len(part) < len(everything)
    file = lake / "year=2024" / "shop=s1" / "part-0.parquet"
    assert len(domain.locate(file)) == len(domain.locate(lake / "year=2024" / "shop=s1"))


def test_columns_that_some_files_lack_are_empty_there_with_a_warning(tmp_path):
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "one.parquet")
    (tmp_path / "later").mkdir()
    later = pa.table({"a": [3.5], "b": [9.0]})
    pq.write_table(later, tmp_path / "later" / "two.parquet")
    with pytest.warns(DataWarning, match="1 of 2 files lack 'b', which is empty"):
        table = read_mixed(tmp_path)
    assert table.arrow.to_pydict() == {"a": [3.5, 1.0, 2.0], "b": [9.0, None, None]}


def test_files_whose_types_do_not_go_together_are_refused(tmp_path):
    for name, cells in (("d=1", [1.5]), ("d=2", ["text"])):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"a": cells}), tmp_path / name / "x.parquet")
    with pytest.raises(FileError, match=r"the columns of d=2/x.parquet do not go with"):
        hw.read_table(tmp_path)


@pytest.mark.parametrize("suffix", [".arrow", ".feather", ".orc"])
def test_arrow_and_orc_files(tmp_path, suffix):
    table = pa.table({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 0.5]})
    file = tmp_path / f"x0{suffix}"
    if suffix == ".orc":
        pytest.importorskip("pyarrow.orc").write_table(table, str(file))
    else:
        with pa.OSFile(str(file), "wb") as stream, pa.ipc.new_file(stream, table.schema) as writer:
            writer.write_table(table)
    for path in (file, tmp_path / f"*{suffix}", tmp_path):
        assert hw.read_table(path).values.tolist() == [[1, 0], [2, 1], [4, 0.5]]
    assert len(hw.locate(file, tmp_path)) == 3


def test_datasets_of_pyarrow(lake):
    domain = hw.Domain(reference=0).fit(lake)
    dataset = ds.dataset(lake, partitioning="hive")
    assert domain.locate(dataset).labels[0].endswith("shop=s0/part-0.parquet:0")
    assert len(domain.locate(dataset.filter(ds.field("year") == 2024))) == 60
    numbers = ds.dataset(orders().select(["price", "weight"]))
    assert len(hw.locate(numbers, numbers)) == 120


def test_the_command_line_reads_a_lake(lake, tmp_path, run):
    seen, out = tmp_path / "seen.hull", tmp_path / "where.csv"
    run("fit", lake, "-o", seen)
    run("locate", seen, lake / "year=2024", "-o", out)
    lines = out.read_text().splitlines()
    assert len(lines) == 61
    assert lines[1].startswith("shop=s1/part-0.parquet:0,inside,")


@pytest.fixture
def run():
    from click.testing import CliRunner

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(main, [str(a) for a in arguments])
        assert result.exit_code == code, result.output
        return result

    return invoke


# ---- object stores ------------------------------------------------------------------------------


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A store at s3://bucket, which is a folder here."""
    import pyarrow.fs as fs

    root = tmp_path / "store"
    (root / "bucket").mkdir(parents=True)
    store = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())

    def open_store(path):
        return store, str(path).partition("://")[2].partition("?")[0].rpartition("@")[2]

    for module in ("remote_files", "dataset_table"):
        monkeypatch.setattr(f"hullwise.io.{module}.open_store", open_store)
    return root / "bucket"


def test_tables_in_a_store(bucket):
    table = orders()
    partitioned(bucket / "lake", table)
    pq.write_table(table, bucket / "one.parquet")
    (bucket / "new.csv").write_text("price,weight\n1,2\n0.5,1\n")
    domain = hw.Domain(reference=0).fit("s3://bucket/lake")
    assert len(domain.locate("s3://bucket/lake/year=2024/*/*.parquet")) == 60
    assert len(domain.locate("gs://bucket/one.parquet")) == 120
    assert hw.read_table("s3://bucket/new.csv?region=eu-west-1").n == 2
    assert hw.read_table("s3://key:secret@bucket/new.csv").values.tolist() == [[1, 2], [0.5, 1]]
    assert hw.Cloud("s3://bucket/new.csv").n == 2
    with pytest.raises(FileError, match=r"s3://bucket/none.parquet: no such file or folder"):
        hw.read_table("s3://bucket/none.parquet")
    with pytest.raises(FileError, match=r"holds no file of a table; known are .parquet"):
        hw.read_table("s3://bucket/*.orc")


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIAKEY:geheim@bucket/new.parquet?region=nowhere&scheme=http&endpoint_override=127.0.0.1:1",
        "s3://AKIAKEY:geheim@bucket/new.parquet?secret_key=geheim",
        "s3://AKIAKEY:geheim@bucket/new.csv?password=geheim",
    ],
)
def test_keys_in_a_url_are_in_no_message(url, run, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(FileError) as caught:
        hw.read_table(url)
    output = run("locate", url, url, code=3).output
    for text in (str(caught.value), output):
        assert "geheim" not in text
        assert "AKIAKEY" not in text
        assert "s3://bucket/new" in text


def test_public_urls():
    assert public_url("s3://a:b@bucket/x?k=v") == "s3://bucket/x"
    assert public_url("data/x?.parquet") == "data/x?.parquet"


def test_web_addresses_are_no_tables():
    with pytest.raises(FileError, match=r"https://host/x.csv: is a web address; download"):
        hw.read_table("https://user:pw@host/x.csv")


def test_nothing_is_written_to_a_store(lake, run):
    output = run("locate", lake, lake, "-o", "s3://key:geheim@bucket/out.parquet", code=3).output
    assert "s3://bucket/out.parquet: is no folder of this machine" in output
    assert "geheim" not in output
