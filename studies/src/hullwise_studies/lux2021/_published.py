"""What Lux, Watson, Chang, Hong and Cameron printed (Numerical Algorithms 2021), as numbers.

Tables are named by their LaTeX labels. Errors are absolute errors, times are seconds on an
i7-3770 at 3.4 GHz.
"""

from __future__ import annotations

PAPER_METHODS = ("MARS", "SVR", "MLP", "Delaunay", "ShepMod", "LSHEP", "Voronoi", "BoxSpline")
"""Rows of the tables, in their order: three regressors, five interpolants."""

ERRORS: dict[str, dict[str, tuple[float, float, float, float, float]]] = {
    # error-forest-fire: min, 25th, 50th, 75th percentile, max
    "forest_fires": {
        "MARS": (0.00984, 3.11, 7.01, 11.7, 1090.0),
        "SVR": (0.0118, 0.615, 0.931, 5.89, 1090.0),
        "MLP": (0.0426, 2.63, 5.27, 14.0, 1090.0),
        "Delaunay": (0.0, 1.98, 5.37, 13.1, 1080.0),
        "ShepMod": (0.0, 1.93, 6.27, 16.0, 1090.0),
        "LSHEP": (0.04, 2.17, 8.87, 19.1, 1070.0),
        "Voronoi": (0.00982, 3.65, 7.56, 15.6, 1090.0),
        "BoxSpline": (0.0, 1.27, 4.61, 12.6, 1090.0),
    },
    # error-parkinsons
    "parkinsons": {
        "MARS": (0.00948, 9.98, 20.4, 32.9, 863.0),
        "SVR": (0.00233, 3.15, 7.21, 11.3, 28.6),
        "MLP": (0.0000239, 0.533, 1.25, 2.84, 39.3),
        "Delaunay": (3.72e-12, 1.2, 3.5, 7.67, 30.7),
        "ShepMod": (0.0, 0.255, 0.908, 3.43, 34.5),
        "LSHEP": (0.00254, 2.93, 7.16, 13.1, 29.0),
        "Voronoi": (0.0, 1.29, 3.52, 6.87, 30.1),
        "BoxSpline": (0.006, 4.3, 8.91, 15.1, 45.3),
    },
    # error-weather
    "rainfall": {
        "MARS": (6.45e-15, 2.70e-14, 1.66, 1.96, 53.3),
        "SVR": (0.0000915, 0.0833, 0.263, 1.13, 109.0),
        "MLP": (0.0000689, 0.0337, 0.0795, 0.264, 5.31),
        "Delaunay": (0.0, 0.187, 0.919, 2.72, 56.3),
        "ShepMod": (0.0, 0.0957, 0.685, 2.9, 73.2),
        "LSHEP": (0.0, 0.0153, 0.106, 1.17, 113.0),
        "Voronoi": (0.0, 0.43, 1.28, 2.94, 83.8),
        "BoxSpline": (0.0, 0.342, 1.59, 5.53, 119.0),
    },
    # error-credit-card
    "credit_card": {
        "MARS": (5.36, 3610.0, 4580.0, 5450.0, 13400.0),
        "SVR": (0.00706, 8.14, 13.0, 41.6, 7690.0),
        "MLP": (0.00151, 1.6, 3.86, 8.34, 604.0),
        "Delaunay": (0.0, 2.69, 13.8, 35.0, 4840.0),
        "ShepMod": (0.0, 4.21, 17.3, 51.6, 6510.0),
        "LSHEP": (1.27, 199.0, 260.0, 343.0, 6530.0),
        "Voronoi": (2.89e-10, 14.7, 32.8, 52.9, 4860.0),
        "BoxSpline": (0.0, 12.4, 35.0, 90.1, 7690.0),
    },
    # error-throughput: Kolmogorov-Smirnov statistics
    "hpc": {
        "Delaunay": (0.0287, 0.0914, 0.158, 0.308, 0.897),
        "ShepMod": (0.0307, 0.0983, 0.164, 0.335, 1.0),
        "Voronoi": (0.0303, 0.1, 0.165, 0.274, 0.762),
        "BoxSpline": (0.0679, 0.429, 0.571, 0.752, 1.0),
    },
}

SHARES_AND_TIMES: dict[str, dict[str, tuple[float, float, float, float]]] = {
    # best-forest-fire: % best; median seconds to fit a fold, for one query, for a fold's queries
    "forest_fires": {
        "MARS": (7.3, 29.1, 0.00137, 0.0686),
        "SVR": (78.0, 0.00584, 0.0000620, 0.00310),
        "MLP": (0.0, 32.8, 0.000871, 0.0436),
        "Delaunay": (0.2, 0.0151, 0.0234, 1.18),
        "ShepMod": (2.0, 0.00634, 0.0000644, 0.00322),
        "LSHEP": (5.1, 0.0275, 0.0000463, 0.00231),
        "Voronoi": (0.0, 0.0152, 0.000396, 0.0198),
        "BoxSpline": (9.7, 0.00724, 0.0000978, 0.00489),
    },
    # best-parkinsons
    "parkinsons": {
        "MARS": (0.0, 37.9, 0.00253, 1.48),
        "SVR": (0.1, 0.859, 0.000181, 0.106),
        "MLP": (32.0, 348.0, 0.00111, 0.653),
        "Delaunay": (0.0, 2.47, 1.22, 720.0),
        "ShepMod": (66.4, 1.13, 0.000182, 0.107),
        "LSHEP": (0.0, 2.39, 0.000144, 0.0845),
        "Voronoi": (1.6, 2.77, 0.0274, 16.1),
        "BoxSpline": (0.0, 1.26, 0.000643, 0.377),
    },
    # best-weather
    "rainfall": {
        "MARS": (10.7, 0.151, 0.000117, 0.0304),
        "SVR": (0.0, 0.133, 0.0000947, 0.0246),
        "MLP": (60.9, 169.0, 0.00137, 0.356),
        "Delaunay": (0.1, 0.664, 0.886, 230.0),
        "ShepMod": (3.5, 0.265, 0.000128, 0.0333),
        "LSHEP": (28.4, 0.874, 0.0000975, 0.0254),
        "Voronoi": (0.2, 0.675, 0.0270, 7.01),
        "BoxSpline": (4.1, 0.330, 0.000406, 0.106),
    },
    # best-credit-card
    "credit_card": {
        "MARS": (0.0, 22.0, 0.00148, 0.820),
        "SVR": (0.0, 1.01, 0.000210, 0.117),
        "MLP": (79.5, 290.0, 0.000714, 0.397),
        "Delaunay": (20.5, 3.12, 3.71, 2070.0),
        "ShepMod": (0.1, 1.45, 0.000220, 0.122),
        "LSHEP": (0.0, 3.47, 0.000176, 0.0981),
        "Voronoi": (0.0, 3.32, 0.0950, 52.8),
        "BoxSpline": (0.0, 1.66, 0.000956, 0.532),
    },
    # best-throughput
    "hpc": {
        "Delaunay": (62.0, 0.344, 0.00984, 2.71),
        "ShepMod": (0.0, 0.0884, 0.000145, 0.0436),
        "Voronoi": (38.0, 0.360, 0.00253, 0.762),
        "BoxSpline": (0.0, 0.0972, 0.000210, 0.0633),
    },
}

FOLD_ROWS = {
    # rows to fit on and to predict, from the captions of the tables of times
    "forest_fires": (454, 50),
    "parkinsons": (5288, 587),
    "rainfall": (2349, 260),
    "credit_card": (5006, 556),
    "hpc": (2715, 301),
}

AVERAGES: dict[str, tuple[float, float, float]] = {
    # avg-performance: % best, seconds to fit, seconds for one query, over the four real sets
    "MARS": (4.5, 20.0, 0.001),
    "SVR": (19.5, 0.5, 0.0001),
    "MLP": (43.1, 200.0, 0.001),
    "Delaunay": (5.2, 1.0, 1.0),
    "ShepMod": (18.0, 0.7, 0.0001),
    "LSHEP": (8.4, 2.0, 0.0001),
    "Voronoi": (0.5, 1.0, 0.04),
    "BoxSpline": (3.5, 0.8, 0.0005),
}

REJECTION_LEVELS = (0.05, 0.01, 0.001, 1e-6)
REJECTED: dict[str, tuple[float, float, float, float]] = {
    # null-hypothesis-results: % of null hypotheses rejected at these p
    "Delaunay": (50.3, 43.5, 36.2, 24.7),
    "ShepMod": (51.4, 44.8, 38.1, 27.7),
    "Voronoi": (52.6, 43.4, 34.4, 19.1),
    "BoxSpline": (99.4, 98.5, 96.6, 89.3),
}

ANALYTIC: dict[tuple[int, float, str], dict[int, float]] = {
    # convergence-2d, convergence-20d: median absolute error by number of rows, for dimension,
    # noise and method; from the figures' data, as the paper prints no numbers
    (2, 0.0, "Delaunay"): {
        8: 0.025493,
        32: 0.0063847,
        128: 0.0016108,
        512: 0.00041709,
        2048: 9.94e-05,
        8192: 2.527e-05,
    },
    (2, 0.1, "Delaunay"): {
        8: 0.024503,
        32: 0.016833,
        128: 0.019703,
        512: 0.019512,
        2048: 0.020348,
        8192: 0.019074,
    },
    (20, 0.0, "Delaunay"): {
        32: 0.070186,
        128: 0.066995,
        512: 0.063781,
        2048: 0.070953,
        8192: 0.076457,
    },
    (20, 0.1, "Delaunay"): {
        32: 0.076492,
        128: 0.068374,
        512: 0.064965,
        2048: 0.069703,
        8192: 0.076506,
    },
    (2, 0.0, "MLP"): {
        8: 0.01819,
        32: 0.0059729,
        128: 0.0041452,
        512: 0.00095814,
        2048: 0.0011483,
        8192: 0.00089839,
    },
    (2, 0.1, "MLP"): {
        8: 0.022134,
        32: 0.023519,
        128: 0.011192,
        512: 0.0049719,
        2048: 0.012191,
        8192: 0.002647,
    },
    (20, 0.0, "MLP"): {
        8: 0.086174,
        32: 0.10014,
        128: 0.05469,
        512: 0.07833,
        2048: 0.066932,
        8192: 0.042169,
    },
    (20, 0.1, "MLP"): {
        8: 0.10347,
        32: 0.095572,
        128: 0.082647,
        512: 0.097789,
        2048: 0.078561,
        8192: 0.096456,
    },
}

SPACING: dict[tuple[int, str], dict[int, float]] = {
    # theorem-convergence (data spacing): medians over the simplices used, from the figure's data
    (2, "nearest row"): {
        8: 0.17256,
        32: 0.084794,
        128: 0.041239,
        512: 0.020386,
        2048: 0.010545,
        8192: 0.0050829,
    },
    (20, "nearest row"): {32: 1.5299, 128: 1.4134, 512: 1.2849, 2048: 1.179, 8192: 1.0898},
    (2, "longest edge"): {
        8: 0.61237,
        32: 0.31699,
        128: 0.15625,
        512: 0.078845,
        2048: 0.039584,
        8192: 0.019953,
    },
    (20, "longest edge"): {32: 2.9047, 128: 2.8395, 512: 2.7386, 2048: 2.5981, 8192: 2.4875},
    (2, "smallest singular value"): {
        8: 0.26762,
        32: 0.13853,
        128: 0.077921,
        512: 0.036525,
        2048: 0.018503,
        8192: 0.0093627,
    },
    (20, "smallest singular value"): {
        32: 0.13738,
        128: 0.11897,
        512: 0.073276,
        2048: 0.03916,
        8192: 0.019072,
    },
}
