"""Published results computed again, one file a paper."""
