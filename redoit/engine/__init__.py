"""Decides what to do about a stage, then keeps, restores, or runs it and commits its outputs."""
