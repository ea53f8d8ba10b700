"""Tables: how columns become coordinates, and how coordinates become words again."""
