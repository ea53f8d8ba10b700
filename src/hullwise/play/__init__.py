"""The page on which the geometry of prediction is seen live, while a network trains."""
