"""Garbage collection: what a store may lose, its removal, and the check of what it holds."""
