"""An alarm over batches of new rows that may be looked at as often as one likes."""
