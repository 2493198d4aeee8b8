"""Use sqlparse: a lexer with large tables, and filters one after the other."""

import sqlparse
from steps.witness import executed


def run(source, made):
    """Write statements in another form, and their parts."""
    executed(made.name)
    text = source.read_text()
    lines = [sqlparse.format(text, reindent=True, keyword_case="upper", strip_comments=True)]
    for statement in sqlparse.parse(text):
        lines += [f"{statement.get_type()} {token.ttype} {str(token)!r}" for token in statement.tokens]
    made.write_text("\n".join([*lines, *sqlparse.split(text)]))
