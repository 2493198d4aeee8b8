"""Garbage collection: what a store may lose, its removal, and the checkouts whose outputs it must keep."""
