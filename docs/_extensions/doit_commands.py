"""The directive `doit-commands`: doit's commands, as a project with redoit has them, each with its options.

It asks the commands themselves, with redoit's `DOIT_CONFIG` for their defaults.
"""

import textwrap
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from doit.cmd_base import DodoTaskLoader
from doit.doit_cmd import DoitMain
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

OWN = ("run", "plan", "why", "list", "info", "forget", "clean", "lineage", "verify", "cache", "ignore", "tabcompletion")
CORE = {"DB backend", "doit core", "task loader"}  # sections of options that nearly all commands have


class Commands(SphinxDirective):
    """A section for each command, and one for the options that most of them share."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        return self.parse_text_to_nodes("\n".join(_reference()), allow_section_headings=True)


def _reference() -> Iterator[str]:
    main = DoitMain(DodoTaskLoader(), config_filenames=())
    plugins = main.get_cmds()
    given = {"task_loader": main.task_loader, "config": main.config, "cmds": plugins}
    commands = {name: plugins.get_plugin(name)(**given) for name in plugins}
    shared: dict[str, Any] = {}
    for name in (*OWN, *sorted(set(commands) - {*OWN})):
        sections = _sections(commands[name])
        yield from _command(commands[name], [each for title, each in sections.items() if title not in CORE])
        shared |= {title: each for title, each in sections.items() if title in CORE}
    yield "## Options of all commands that load dodo.py\n"
    for title in sorted(shared):
        yield from map(_option, shared[title])


def _sections(command: Any) -> dict[str, list[Any]]:
    sections = defaultdict(list)
    for option in command.cmdparser.options:
        if option.short or option.long:
            sections[option.section].append(option)
    return sections


def _command(command: Any, sections: list[list[Any]]) -> Iterator[str]:
    yield f"## doit {command.name}\n"
    yield f"```text\ndoit {command.name} {command.doc_usage}".rstrip() + "\n```\n"
    yield f"{_sentence(command.doc_purpose)}\n"
    for paragraph in filter(None, textwrap.dedent(command.doc_description or "").strip().split("\n\n")):
        is_table = any(line.startswith((" ", "-")) for line in paragraph.splitlines())
        yield f"```text\n{paragraph}\n```\n" if is_table else f"{paragraph}\n"
    for options in sections:
        yield from map(_option, options)


def _option(option: Any) -> str:
    names = [f"`{name}`" for name in option.help_param().split(", ")] + [f"`--{option.inverse}`"] * bool(option.inverse)
    text = (option.help % {"default": option.default}).replace("[default: False]", "")
    choices = [f"`{name}` ({meaning})" if meaning else f"`{name}`" for name, meaning in sorted(option.choices.items())]
    parts = [_sentence(text), f"One of {', '.join(choices)}." if choices else ""]
    parts += [f"Environment variable: `{option.env_var}`."] if option.env_var else []
    return f"{', '.join(names)}\n: {' '.join(filter(None, parts))}\n"


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return f"{line[:1].upper()}{line[1:]}" + "." * (not line.endswith((".", "]")))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("doit-commands", Commands)
    return {"parallel_read_safe": True}
