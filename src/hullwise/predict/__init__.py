"""Interpolants and regressors made of weights on training rows, and how wrong they can be."""
