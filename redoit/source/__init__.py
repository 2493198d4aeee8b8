"""A step, read and never imported: the project's modules, and the signature and settings of `run`."""
