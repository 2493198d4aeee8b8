"""Forks steps from a process that has imported their slow modules already."""
