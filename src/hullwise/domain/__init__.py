"""The fitted, kept thing: how a table becomes coordinates, its cloud, metric and reference."""
