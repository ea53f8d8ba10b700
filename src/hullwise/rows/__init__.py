"""Where rows come from: arrays, data frames and files, read strictly and checked on entry."""
