"""Proofs of rows of mixed tables, checked from the training table by other code."""

import numpy as np
import pytest

import hullwise as hw
from domain.test_domain import people

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


@pytest.fixture(scope="module")
def table():
    return people(300, gaps=0.1)


@pytest.fixture(scope="module")
def domain(table):
    return hw.Domain(periodic={"hour": 24}, log=["pay"]).fit(table)


@pytest.fixture(scope="module")
def new():
    table = people(60, seed=7, gaps=0.2)
    table.loc[3, "job"] = "pilot"
    table.loc[4, "age"] = 95.0
    return table


@pytest.fixture(scope="module")
def loc(domain, new):
    return domain.locate(new)


@pytest.mark.parametrize("exact", [False, True])
def test_honest_claims_hold(loc, table, exact):
    assert loc.verify(exact=exact).all()
    assert loc.verify(table, exact=exact).all()


def test_proofs_outlive_the_location(domain, loc, table, new, tmp_path):
    path = tmp_path / "where.npz"
    loc.save_proofs(path)
    assert domain.verify(path, table, new=new, exact=True).all()
    with np.load(path, allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["verdict"], loc.verdict)
