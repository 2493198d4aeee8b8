"""The live display of running stages on a terminal, and streams that transform a step's output. Knows no doit."""
