"""Follow a page of the documentation as a reader would, and compare what commands print with what the page shows.

    python tests/support/console_blocks.py PAGE [FILE ...]   in a new folder with copies of files and folders

In a `console` block a line after `$ ` is a command; the lines below it are its output. There, `...` stands for any text
or, on a line of its own, any lines; a number with a point or a comma, a date, a time and a digest stand for any other:
they differ from run to run. A code block whose first line is a comment with a path (`# steps/smoother.py`) is added to
the end of that file.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

PROMPT = "$ "
PATH = re.compile(r"# (\S+\.\w+)")
MEASURED = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|\d+(?:[.,]\d+)+|\b[0-9a-f]{12}\b")
ANY_NUMBER = r"[\da-f][\d.,:a-f-]*"


class Command(NamedTuple):
    """A command, and the output that the page shows. `line`: its number in the page."""

    line: int
    command: str
    output: str


class Addition(NamedTuple):
    """Text to add to the end of a file."""

    path: str
    text: str


class PageError(AssertionError):
    """A page that shows what does not happen."""


def steps(page: str) -> Iterator[Command | Addition]:
    """Yield what a page tells its reader to do, in order."""
    for token in MarkdownIt().parse(page):
        if token.type != "fence" or token.map is None:
            continue
        first, _, rest = token.content.partition("\n")
        path = PATH.fullmatch(first)
        if token.info == "console":
            yield from _commands(token.content, token.map[0] + 2)
        elif path:
            yield Addition(path[1], rest)


def _commands(block: str, line: int) -> Iterator[Command]:
    if not block.startswith(PROMPT):
        raise PageError(f"line {line}: a console block begins with {block.split()[:1]}, expected a command after '$ '")
    for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Command(line, command.removeprefix(PROMPT), output.rstrip("\n"))
        line += part.count("\n")


def pattern(output: str) -> re.Pattern[str]:
    """Return the pattern of all outputs that a page's output stands for."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "..." else f"{_line(line)}\n" for line in output.split("\n") if line.strip()
    ]
    return re.compile("".join(lines))


def _line(text: str) -> str:
    words = (_word(word) for word in text.split())
    return r"\s*" + r"[^\S\n]+".join(words) + r"[^\S\n]*"


def _word(word: str) -> str:
    texts = (re.split(MEASURED, part) for part in word.split("..."))
    return ".*".join(ANY_NUMBER.join(map(re.escape, text)) for text in texts)


def follow(page: str, folder: Path, environ: Mapping[str, str]) -> int:
    """Do in a folder what a page says; return how many commands it has. Raises: PageError."""
    count = 0
    for step in steps(page):
        if isinstance(step, Addition):
            path = folder / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text((path.read_text() if path.exists() else "") + step.text)
            continue
        count += 1
        done = subprocess.run(
            step.command,
            shell=True,
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        printed = "".join(f"{line}\n" for line in done.stdout.splitlines() if line.strip())
        if done.returncode or not pattern(step.output).fullmatch(printed):
            raise PageError(
                f"line {step.line}: $ {step.command}\n--- the page shows\n{step.output}\n"
                f"+++ found, with exit status {done.returncode}\n{printed}"
            )
    return count


def main(page: str, *files: str) -> None:
    """Follow a page in a new folder with copies of files and folders, with the programs beside this Python."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        for file in map(Path, files):
            copy = shutil.copytree if file.is_dir() else shutil.copy
            copy(file, Path(folder, file.name))
        count = follow(Path(page).read_text(), Path(folder), {**environ, "PATH": path})
    print(f"{page}: {count} commands print what the page shows.")


if __name__ == "__main__":
    main(*sys.argv[1:])
