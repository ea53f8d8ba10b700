"""Where to measure next: a design space, criteria, and the points that they choose."""
