"""`hullwise prove`: answers as in Python, exit codes, and what it refuses."""

import json

import numpy as np
import pytest

import hullwise as hw
from cli_input import network_weights, run, save_network

onnx = pytest.importorskip("onnx")


@pytest.fixture
def net(tmp_path):
    return save_network(tmp_path / "net.onnx", *network_weights([3, 9, 7, 2]))


@pytest.fixture
def top(net):
    """More than the first output is anywhere in the box."""
    whole = hw.model.cell_complex(hw.model.read(net), (-1.0, 2.0))
    return float(whole.maximum[:, 0].max())


def test_answers_are_those_of_python(net, top):
    words = f"y0 <= {top + 0.1}"
    answer = json.loads(run("prove", net, words, "--box", "-1:2", "--json", "--verify").stdout)
    assert answer["status"] == "holds"
    assert answer["verified"]
    words = f"y0 <= {top - 0.1}"
    answer = json.loads(run("prove", net, words, "--box", "-1:2,-1:2,-1:2", "--json").stdout)
    read = hw.model.read(net)
    result = hw.verify_property(read, (-1.0, 2.0), words)
    assert answer["status"] == result.status == "violated"
    np.testing.assert_allclose(answer["counter_example"], result.counter_example)
    assert answer["outputs"][0] > top - 0.1


def test_exit_codes_and_words(net, top):
    box = ("--box", "-1:2")
    broken = run("prove", net, f"y0 <= {top - 0.1}", *box, "--fail-on", "violated", code=1)
    assert "violated" in broken.stdout
    assert "inputs" in broken.stdout
    few = ("--max-boxes", "1", "--fail-on", "open")
    left = run("prove", net, f"y0 <= {top + 1e-6}", *box, *few, code=1)
    assert "of the volume" in left.stdout
    assert "--max-boxes" in left.stdout
    proved = run(
        "prove", net, f"y0 <= {top + 0.1}", "--box", "-1:2", "--fail-on", "open", "--verify"
    )
    assert "it is right" in proved.stdout


def test_files_of_properties(net, top, tmp_path):
    text = "".join(f"(declare-const X_{i} Real)" for i in range(3))
    text += "(declare-const Y_0 Real)(declare-const Y_1 Real)"
    text += "".join(f"(assert (<= X_{i} 2))(assert (>= X_{i} -1))" for i in range(3))
    path = tmp_path / "claim.vnnlib"
    path.write_text(text + f"(assert (>= Y_0 {top + 0.1}))")
    assert json.loads(run("prove", net, str(path), "--json").stdout)["status"] == "holds"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("y0 < 1",), 2, "--box"),
        (("y9 < 1", "--box", "1"), 3, "y0 to y1"),
        (("import os", "--box", "1"), 3, "expected comparisons"),
        (("none.vnnlib",), 3, "none.vnnlib: no such file"),
        (("none.vnnlib", "--box", "1"), 2, "leave --box out"),
        (("y0 < 1", "--box", "1:2,3:4"), 3, "3 numbers"),
    ],
)
def test_what_is_refused(net, options, code, message):
    assert message in run("prove", net, *options, code=code).stderr


def test_proofs_are_kept_and_checked(net, top, tmp_path):
    words, box = f"y0 <= {top + 0.1}", ("--box", "-1:2")
    proof = str(tmp_path / "proof.npz")
    assert "What proves it is in" in run("prove", net, words, *box, "--proof", proof).stdout
    right = run("prove", net, words, *box, "--check", proof)
    assert "right: proved" in right.stdout
    assert json.loads(run("prove", net, words, *box, "--check", proof, "--json").stdout)["verified"]
    lower = f"y0 <= {top - 0.1}"
    assert "WRONG" in run("prove", net, lower, *box, "--check", proof, code=1).stdout
    wider = run("prove", net, words, "--box", "-3:3", "--check", proof, code=1)
    assert "WRONG" in wider.stdout
    assert "exists already" in run("prove", net, words, *box, "--proof", proof, code=3).stderr
    run("prove", net, lower, *box, "--proof", proof, "--force")
    assert "in the file break" in run("prove", net, lower, *box, "--check", proof).stdout
    run("prove", net, lower, *box, "--check", proof, "--fail-on", "violated", code=1)
    no = run("prove", net, words, *box, "--check", str(tmp_path / "none.npz"), code=3)
    assert "no such file" in no.stderr
    both = run("prove", net, words, *box, "--check", proof, "--verify", code=2)
    assert "searches for nothing" in both.stderr
