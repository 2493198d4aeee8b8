"""The benchmark: what redoit promises of time and memory, measured on whole processes. Run it with `nox -s bench`."""
