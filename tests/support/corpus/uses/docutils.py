"""Use docutils: readers, parsers and writers that it imports by name, and a registry of directives."""

from docutils.core import publish_string
from steps.witness import executed

SETTINGS = {"_disable_config": True, "report_level": 5, "embed_stylesheet": False, "stylesheet_path": ""}


def run(source, made):
    """Write a text as a tree and as a page."""
    executed(made.name)
    text = source.read_text()
    pages = [
        publish_string(text, writer=writer, settings_overrides={**SETTINGS, "output_encoding": "unicode"})
        for writer in ("pseudoxml", "html5")
    ]
    made.write_text("\n".join(pages))
