"""Whatever is passed to the public names of the room of networks, errors are this library's own."""

import warnings

import numpy as np
import pytest

import hullwise as hw
from hullwise.errors import HullwiseError
from networks import mlp

NET = mlp([2, 4, 3, 2])
ONE = mlp([1, 3, 1])
ROWS = np.random.default_rng(0).normal(size=(6, 2))
TREE = NET.to_tree(1.0)
GUARD = hw.model.Guard(NET).fit(np.random.default_rng(1).normal(size=(40, 2)))
REGIONS, SLICE = NET.regions(1.0), NET.slice([0, 0], np.eye(2))
LINE = NET.along([-1, 0], [1, 0])
POINT = hw.dissect(NET, [0.1, 0.2])

HOSTILE = {
    "none": None,
    "text": "abc",
    "nan": float("nan"),
    "infinite": float("inf"),
    "negative": -1,
    "zero": 0,
    "half": 0.5,
    "huge": 10**400,
    "true": True,
    "complex": 1j,
    "empty list": [],
    "empty rows": np.empty((0, 2)),
    "one number": [1.0],
    "three columns": np.ones((2, 3)),
    "rows": ROWS,
    "nan row": [[np.nan, 1.0]],
    "infinite row": [np.inf, 0.0],
    "largest": [1e308, -1e308],
    "ragged": [[1.0], [1.0, 2.0]],
    "words": ["a", "b"],
    "objects": np.array([object(), object()]),
    "dates": np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    "a cube": np.ones((2, 2, 2)),
    "a dict": {"a": 1},
    "a function": abs,
    "a network": NET,
}

CALLS = {
    "call": lambda v: NET(v),
    "codes": lambda v: NET.codes(v),
    "rows": lambda v: NET.rows(v),
    "model_outputs": lambda v: NET.model_outputs(v),
    "model_jacobians": lambda v: NET.model_jacobians(v),
    "upto": lambda v: NET.upto(v),
    "along from": lambda v: NET.along(v, [1.0, 1.0]),
    "along to": lambda v: NET.along([0.0, 0.0], v),
    "line at": lambda v: LINE.at(v),
    "slice origin": lambda v: NET.slice(v, np.eye(2)),
    "slice axes": lambda v: NET.slice([0, 0], v),
    "slice half width": lambda v: NET.slice([0, 0], np.eye(2), v),
    "slice max_regions": lambda v: NET.slice([0, 0], np.eye(2), max_regions=v),
    "slice_through": lambda v: NET.slice_through(v, [1.0, 0.0], [0.0, 1.0]),
    "slice_through margin": lambda v: NET.slice_through([0, 0], [1, 0], [0, 1], v),
    "slice affine": lambda v: SLICE.affine(v),
    "slice points": lambda v: SLICE.points(v),
    "slice coordinates": lambda v: SLICE.coordinates(v),
    "slice find": lambda v: SLICE.find(v),
    "regions box": lambda v: NET.regions(v, max_regions=20),
    "regions pair": lambda v: NET.regions((v, 1.0), max_regions=20),
    "regions start": lambda v: NET.regions(1.0, start=v, max_regions=20),
    "regions max_regions": lambda v: NET.regions(1.0, max_regions=v),
    "regions random_state": lambda v: NET.regions(1.0, random_state=v, max_regions=20),
    "regions affine": lambda v: REGIONS.affine(v),
    "to_tree": lambda v: NET.to_tree(v, max_regions=20),
    "to_tree of": lambda v: hw.model.to_tree(v),
    "tree max_regions": lambda v: NET.to_tree(1.0, max_regions=v),
    "tree apply": lambda v: TREE.apply(v),
    "tree predict": lambda v: TREE.predict(v),
    "tree predict outside": lambda v: TREE.predict([[0.0, 0.0]], outside=v),
    "tree depths": lambda v: TREE.depths(v),
    "tree leaf_affine": lambda v: TREE.leaf_affine(v),
    "tree to_text": lambda v: TREE.to_text(v),
    "dissect": lambda v: hw.dissect(NET, v).boundary_distance,
    "dissect facets": lambda v: hw.dissect(NET, v).facets,
    "dissect of": lambda v: hw.dissect(v, ROWS),
    "decision": lambda v: POINT.decision(v),
    "template": lambda v: POINT.template(v),
    "power": lambda v: POINT.power_cells()[0].power(v),
    "walls": lambda v: hw.model.walls(NET, v),
    "walls codes": lambda v: hw.model.walls(NET, ROWS, v),
    "walls of": lambda v: hw.model.walls(v, ROWS),
    "from_arrays": lambda v: hw.model.from_arrays(v),
    "from_arrays weight": lambda v: hw.model.from_arrays([v, [[1.0, 1.0]]]),
    "from_arrays biases": lambda v: hw.model.from_arrays([np.eye(2), [[1.0, 1.0]]], v),
    "from_arrays activation": lambda v: hw.model.from_arrays([np.eye(2)], activation=v),
    "guard": lambda v: hw.model.Guard(v).fit(ROWS),
    "guard fit": lambda v: hw.model.Guard(NET).fit(v),
    "guard quantile": lambda v: hw.model.Guard(NET, quantile=v).fit(ROWS),
    "guard level": lambda v: hw.model.Guard(NET, level=v).fit(ROWS),
    "guard random_state": lambda v: hw.model.Guard(NET, random_state=v).fit(ROWS),
    "guard set_threshold": lambda v: GUARD.set_threshold(v),
    "guard predict": lambda v: GUARD.predict(v),
    "guard report": lambda v: GUARD.report(v),
    "zaslavsky": lambda v: hw.model.zaslavsky(v, 2),
    "zaslavsky d": lambda v: hw.model.zaslavsky(5, v),
    "region_bounds": lambda v: hw.model.region_bounds(v, 2),
    "region_bounds n_inputs": lambda v: hw.model.region_bounds([3, 3], v),
    "local_complexity": lambda v: hw.model.local_complexity(NET, v, 0.1),
    "local_complexity of": lambda v: hw.model.local_complexity(v, ROWS, 0.1),
    "local_complexity radius": lambda v: hw.model.local_complexity(NET, ROWS, v),
    "local_complexity n_directions": lambda v: hw.model.local_complexity(NET, ROWS, 0.1, v),
    "local_complexity random_state": lambda v: hw.model.local_complexity(
        NET, ROWS, 0.1, random_state=v
    ),
    "local_complexity exact": lambda v: hw.model.local_complexity(NET, v, 0.1, exact=True),
    "region_occupancy": lambda v: hw.model.region_occupancy(NET, v),
    "region_occupancy of": lambda v: hw.model.region_occupancy(v, ROWS),
    "region_occupancy test": lambda v: hw.model.region_occupancy(NET, ROWS, v),
    "region_occupancy off": lambda v: hw.model.region_occupancy(NET, ROWS, X_off=v),
    "region_occupancy y": lambda v: hw.model.region_occupancy(NET, ROWS, y=v),
    "region_occupancy random_state": lambda v: hw.model.region_occupancy(NET, ROWS, random_state=v),
    "vq_distance": lambda v: hw.model.vq_distance(NET, v, ROWS),
    "vq_distance of": lambda v: hw.model.vq_distance(v, ROWS, ROWS),
    "one input": lambda v: hw.dissect(ONE, v).decision_distance,
    "output activation": lambda v: hw.model.OutputActivation(v),
    "output activation parameter": lambda v: hw.model.OutputActivation("elu", parameter=v),
}


@pytest.mark.parametrize("name", CALLS)
def test_hostile_values_meet_errors_of_this_library(name):
    raw = {}
    for kind, value in HOSTILE.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", hw.DataWarning)
            try:
                CALLS[name](value)
            except HullwiseError:
                continue
            except Exception as error:
                raw[kind] = f"{type(error).__name__}: {error}"
    assert not raw
