"""Use mistune: a parser of Markdown whose plug-ins are imported by name."""

import mistune
from steps.witness import executed


def run(source, made):
    """Write the source as a page and as a tree."""
    executed(made.name)
    text = source.read_text()
    page = mistune.create_markdown(escape=True, plugins=["table", "footnotes", "strikethrough"])(text)
    tree = mistune.create_markdown(renderer="ast", plugins=["task_lists"])(text)
    made.write_text(f"{page}\n{tree}")
