"""Runs one step in a process of its own: starts, watches, captures its output, and ends all that it started."""
