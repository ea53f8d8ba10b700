"""Decision trees: one equal to a network, and trees whose splits are networks."""
