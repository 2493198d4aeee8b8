"""Traces and runs as a graph, and that as a self-contained page, JSON, Mermaid or a tree. Knows nothing of doit."""
