"""How errors of a model go with distance, and what is done about rows that are out."""
