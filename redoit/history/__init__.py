"""The run log: the outcome of each stage in each run. It explains, and decides nothing."""
