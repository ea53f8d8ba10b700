"""Smooth networks at a point: value, Jacobian, and a proved bound of what they leave out."""
