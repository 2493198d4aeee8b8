"""Use MarkupSafe: a subclass of str that wraps its methods."""

from markupsafe import Markup, escape
from steps.witness import executed


def run(source, made):
    """Write each line, escaped in several ways."""
    executed(made.name)
    lines = []
    for line in source.read_text().splitlines():
        bold = Markup("<b>%s</b> {}") % line
        lines += [escape(line), bold.format(line), bold.striptags(), bold.unescape(), bold + line, bold.upper()]
    made.write_text("\n".join(map(str, lines)))
