"""Use Pygments: large tables, lexers that are imported on demand, and metaclasses."""

from pygments import highlight
from pygments.formatters import get_formatter_by_name
from pygments.lexers import get_lexer_by_name
from steps.witness import executed


def run(source, made):
    """Write the source highlighted."""
    executed(made.name)
    text = source.read_text()
    page = highlight(text, get_lexer_by_name("ini"), get_formatter_by_name("html", linenos=True))
    other = highlight(text, get_lexer_by_name("json"), get_formatter_by_name("raw")).decode()
    made.write_text(f"{page}\n{other}")
