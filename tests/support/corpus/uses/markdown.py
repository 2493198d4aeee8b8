"""Use Markdown: extensions found by entry points, and by the name of a module."""

import markdown
from steps.witness import executed


def run(source, made):
    """Write the source as a page."""
    executed(made.name)
    text = source.read_text()
    names = ["tables", "toc", "shouting", "markdown.extensions.attr_list"]
    pages = [markdown.markdown(text), markdown.markdown(text, extensions=names)]
    made.write_text("\n".join(pages))
