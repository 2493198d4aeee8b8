"""Traces to a graph, and that to one self-contained page, JSON, Mermaid or a tree. Knows nothing of doit."""
