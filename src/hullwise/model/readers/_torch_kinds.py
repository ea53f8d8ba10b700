"""Which of torch's calls are read alike: the kinds of call that share a method."""

from __future__ import annotations

SAME_KINDS: dict[str, tuple[str, ...]] = {
    "abs": ("absolute", "abs"),
    "clamp": ("clip",),
    "neg": ("negative",),
    "cat": ("concat", "concatenate"),
    "add": ("iadd", "radd"),
    "sub": ("isub", "subtract"),
    "mul": ("imul", "rmul", "multiply"),
    "div": ("truediv", "itruediv", "idiv", "divide", "true_divide"),
    "matmul": ("mm", "mv", "imatmul"),
    "maximum": ("fmax",),
    "minimum": ("fmin",),
    "dropout": (
        *("feature_dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"),
        *("feature_alpha_dropout", "native_dropout"),
    ),
    "conv": ("conv1d", "conv2d", "conv3d"),
    "conv_transpose": ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    "pool_with_indices": (
        *("max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices"),
    ),
    "max_pool": ("max_pool1d", "max_pool2d", "max_pool3d"),
    "avg_pool": ("avg_pool1d", "avg_pool2d", "avg_pool3d"),
    "lp_pool": ("lp_pool1d", "lp_pool2d", "lp_pool3d"),
    "adaptive_max": ("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
    "axis_maps": (
        *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "interpolate"),
        *("upsample", "upsample_bilinear2d", "upsample_nearest1d", "upsample_nearest2d"),
        *("upsample_nearest3d", "upsample_linear1d", "upsample_trilinear3d", "upsample_bicubic2d"),
    ),
    "any_affine": (
        *("addbmm", "addcdiv", "addcmul", "addmv", "addr", "baddbmm", "bilinear", "bmm"),
        *("chain_matmul", "cumsum", "diff", "einsum", "fold", "index_add", "inner", "kron", "lerp"),
        *("linalg_multi_dot", "scatter_add", "tensordot", "trace", "trapezoid", "vdot", "dot"),
    ),
    "native_batch_norm": (
        *("native_batch_norm_legit_no_training", "native_batch_norm_legit", "cudnn_batch_norm"),
        "batch_norm_impl_index",
    ),
    "norm": ("linalg_vector_norm", "linalg_norm", "vector_norm"),
    "median": ("nanmedian",),
    "sum": ("nansum",),
    "mean": ("nanmean",),
    "fractional_max_pool": (
        *("fractional_max_pool2d", "fractional_max_pool3d"),
        *("fractional_max_pool2d_with_indices", "fractional_max_pool3d_with_indices"),
    ),
}
TORCH_SYNONYMS = {name: kind for kind, names in SAME_KINDS.items() for name in names}
