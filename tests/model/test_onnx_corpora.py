"""What the onnx package ships as tests of its operators: read and right, or refused by name."""

import collections
import functools
import warnings

import numpy as np
import pytest

import hullwise as hw

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from hullwise.model.readers.onnx_graph.registry import NEWEST_OPSETS, OPERATORS  # noqa: E402
from onnx_corpora import RECORDED_OTHERWISE, examples, light_models  # noqa: E402

# operators that are piecewise affine in their first real input, the others constant
PIECEWISE_AFFINE = {
    *("Abs", "Add", "AffineGrid", "ArrayFeatureExtractor", "AveragePool", "BatchNormalization"),
    *("Cast", "CastLike", "CenterCropPad", "Clip", "Col2Im", "Compress", "Concat", "Constant"),
    *("ConcatFromSequence", "Conv", "ConvTranspose", "CumSum", "DFT", "DeformConv"),
    *("DepthToSpace", "Div", "Dropout", "Einsum", "Expand", "EyeLike", "Flatten", "Gather"),
    *("GatherElements", "GatherND", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "GridSample"),
    *(
        "HardSigmoid",
        "Identity",
        "If",
        "LeakyRelu",
        "Loop",
        "MatMul",
        "Max",
        "MaxPool",
        "MaxUnpool",
    ),
    *("Mean", "Min", "Mul", "Neg", "PRelu", "Pad", "ReduceL1", "ReduceMax", "ReduceMean"),
    *("ReduceMin", "ReduceSum", "Relu", "Reshape", "Resize", "ReverseSequence", "RoiAlign"),
    *(
        "RotaryEmbedding",
        "STFT",
        "Scan",
        "Scatter",
        "ScatterElements",
        "ScatterND",
        "Shape",
        "Shrink",
    ),
    *("SequenceAt", "SequenceConstruct", "SequenceErase", "SequenceInsert", "SpaceToDepth"),
    *("Slice", "Split", "SplitToSequence", "Squeeze", "Sub", "Sum", "TensorScatter", "Tile"),
    *("TopK", "Transpose", "Trilu", "Unsqueeze", "Upsample", "Where"),
}
REFUSED = {  # of those, for a reason of their own
    "training": "in training mode: they draw, or use the batch's own statistics",
    "shrink_hard": "jumps",
    "maxunpool_export_with_output_shape": "onnxruntime reads its output_shape in another way",
    "empty_set": "have no numbers",
    "zero_size": "have no numbers",
    "reshape_allowzero_reordered": "has no numbers",
    "slice_start_out_of_bounds": "leaves no numbers",
    "test_sequence_model2": "gives another input's numbers",
    "test_sequence_model3": "gives another input's numbers",
    "symbolic_override_nested": "gives another input's numbers",
    "scan9_multi_state": "one of its outputs counts the passes",
    "test_Softsign": "divides by a branch",
}


@functools.cache
def results():
    """For every example what became of it: (example, read, gap or message)."""
    out = []
    for example in examples():
        x = np.asarray(example.x, dtype=np.float64)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                net = hw.model.read(example.model, x.shape if x.ndim else None)
            except hw.HullwiseError as error:
                out.append((example, False, str(error)))
                continue
        y = np.asarray(example.y, dtype=np.float64).reshape(1, -1)
        given = net.model_outputs(x.reshape(1, -1))
        coarse = {np.dtype(np.float16): 1e-2}.get(example.x.dtype, max(example.rtol, 1e-3))
        coarse = 2e-2 if "bfloat16" in example.name or "bf16" in example.name else coarse
        right = given.shape == y.shape and np.allclose(given, y, rtol=coarse, atol=coarse / 100)
        left_out = any("left out" in str(one.message) for one in said)
        out.append((example, True, (right, left_out)))
    return out


def test_what_is_read_gives_the_recorded_answers():
    wrong = {e.name for e, read, right in results() if read and not right[0]}
    assert wrong <= RECORDED_OTHERWISE


def test_piecewise_affine_operators_are_read():
    refused = {
        (example.name, message)
        for example, read, message in results()
        if not read
        and {name for name, _ in example.operators} <= PIECEWISE_AFFINE
        and not any(reason in example.name for reason in REFUSED)
        and "expanded" not in example.name
    }
    assert not refused


def test_everything_else_is_refused_by_operator_and_opset():
    for example, read, message in results():
        if not read and len(example.operators) == 1:
            ((name, opset),) = example.operators
            if name not in PIECEWISE_AFFINE and 0 not in example.x.shape:
                assert f"{name} (opset {opset})" in message, example.name


def test_how_many_are_read():
    count = collections.Counter(
        "refused" if not read else "left out at the end" if result[1] else "read"
        for _, read, result in results()
    )
    print(dict(count))
    if onnx.__version__.startswith("1.23."):
        assert count == {"read": 705, "left out at the end": 52, "refused": 1043}
    assert count["read"] > 300


def test_every_form_of_an_operator_up_to_the_newest_opset_is_known():
    """A later package may know later forms; those of the opsets stated here are all listed."""
    for schema in onnx.defs.get_all_schemas_with_history():
        one = OPERATORS.get((schema.domain, schema.name))
        if one is not None and schema.since_version <= NEWEST_OPSETS[schema.domain]:
            first = one.opsets[0]
            known = schema.since_version in one.opsets or schema.since_version < first
            assert known or schema.deprecated, (schema.name, schema.since_version)


LIGHT = {
    "bvlc_alexnet": "LRN (opset 9)",
    "inception_v1": "LRN (opset 9)",
    "zfnet512": "LRN (opset 9)",
    "squeezenet": None,
}


@pytest.mark.filterwarnings("ignore:the Softmax")
@pytest.mark.parametrize("name", LIGHT)
def test_networks_without_weights(name):
    """Those of 224 x 224 x 3 that are small enough for every day; the others are read as well."""
    path, y = next((p, y) for p, y in light_models() if p.stem == f"light_{name}")
    if LIGHT[name] is not None:
        with pytest.raises(hw.ModelError) as caught:
            hw.model.read(path)
        assert LIGHT[name] in str(caught.value)
        return
    net = hw.model.read(path)
    x = np.arange(net.n_inputs, dtype=np.float32) / np.float32(net.n_inputs)
    np.testing.assert_allclose(net.model_outputs(x)[0], y.ravel(), rtol=1e-3)
