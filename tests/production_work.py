"""What another process does with a domain in a file."""

import hullwise as hw


def bands(path, rows):
    """The bands of some rows in the domain of a file."""
    return hw.load(path).locate(rows).band.tolist()
