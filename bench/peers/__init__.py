"""The same job for other tools that remember what was done, each in an environment of its own."""
