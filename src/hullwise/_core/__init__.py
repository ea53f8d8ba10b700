"""What every room stands on: types, threads, memory, options."""
