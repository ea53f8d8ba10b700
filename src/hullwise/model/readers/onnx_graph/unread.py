"""Which refusal an operator is that nobody reads: curved, jumping, or not implemented."""

from __future__ import annotations

from .._refusals import Refusal

CURVED_OPERATORS = {
    *("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Attention", "Celu", "Cos", "Cosh"),
    *("CumProd", "Det", "Elu", "Erf", "Exp", "GRU", "Gelu", "GroupNormalization", "HardSwish"),
    *("InstanceNormalization", "LRN", "LSTM", "LayerNormalization", "LinearAttention", "Log"),
    *("LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Mish", "Pow"),
    *("RMSNormalization", "Reciprocal", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"),
    *("ReduceProd", "ReduceSumSquare", "Selu", "Sigmoid", "Sin", "Sinh", "Softmax", "Softplus"),
    *("Softsign", "SoftmaxCrossEntropyLoss", "Sqrt", "SwiGLU", "Swish", "Tan", "Tanh"),
    *("SVMClassifier", "SVMRegressor", "Bernoulli", "Multinomial", "RandomNormal"),
    *("RandomNormalLike", "RandomUniform", "RandomUniformLike"),
}
JUMPING_OPERATORS = {
    *("ArgMax", "ArgMin", "BitCast", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr"),
    *("BitwiseXor", "Ceil", "ConvInteger", "DynamicQuantizeLinear", "Equal", "Floor", "Hardmax"),
    *("MatMulInteger", "Mod", "NonMaxSuppression", "NonZero", "OneHot"),
    *("QLinearConv", "QLinearMatMul", "QuantizeLinear", "Round", "Unique", "Xor"),
    *("LinearClassifier", "OneHotEncoder", "TreeEnsemble", "TreeEnsembleClassifier"),
    *("TreeEnsembleRegressor", "Binarizer", "LabelEncoder"),
}


def refusal_of(kind: str) -> Refusal:
    """Of an operator of this name, applied to what depends on the input."""
    if kind in CURVED_OPERATORS:
        return Refusal.CURVED
    return Refusal.JUMPS if kind in JUMPING_OPERATORS else Refusal.UNREAD


def refusal_of_title(title: str) -> Refusal:
    """Of an operator as messages name it: 'Softmax (opset 13)'."""
    return refusal_of(title.partition(" ")[0].rpartition(".")[2])
