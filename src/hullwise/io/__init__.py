"""Where rows come from: arrays, data frames and files, read strictly and checked on entry.

Tables of results are written here too, next to what reads them.
"""
