"""Properties of networks over boxes: read, decided, checked."""
