"""What processes did with files, from the lines of strace's record of them. Pure.

A relative path belongs to the working directory of its process, which threads share and children inherit, or to an open
folder, whose path `-y` shows. What a process did with a file or in a folder that one of them had made is left out.
"""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import accumulate

STARTS = ("clone", "fork", "vfork")
CALLS = ",".join(f"?{name}" for name in ("%file", "fchdir", "clone3", *STARTS))  # `?`: not every system has it
# `-D`: the process stays the child that is waited for; the tracer ends with the last process that it traces.
COMMAND = ("strace", "-D", "-f", "-qq", "-y", "-e", "signal=none", "-e", f"trace={CALLS}")
LINE = re.compile(r"(\d+) +(?:<\.\.\. \w+ resumed>)?(.*)")
UNFINISHED = "<unfinished ...>"  # ends a line, another one goes on with the call
# In an open folder, or one.
PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"|\d+<(/[^>]*)>\)')
FAILED = re.compile(r" = (?:-1 (\w+) \([^()<>]*\)|\?.*)$")
MAKES = re.compile(r"(rename|link|symlink|unlink|mkdir|mknod)(at2?)?|rmdir|creat")  # the last path that it names
OPENS = re.compile(r"open(at2?)?|execve(at)?")
LOOKS_UP = re.compile(r"l?stat(64|x)?|(newf|f)statat(64)?|f?access(at2?)?|readlink(at)?|chdir")
Touch = tuple[str, str]  # "opened", "listed", "searched", "looked up" or "looked in vain for"; and an absolute path


def touches(lines: Iterable[str], folder: str) -> list[Touch]:
    """Return what processes did with files that they had not made, from the lines of a record in Latin-1.

    `folder`: the working directory of the first process. "searched": a folder was listed right after its status was
    asked for, as Python does to import a module.
    """
    found, last = list[Touch](), dict[str, Touch]()
    made, missing = set[str](), set[str]()
    for process, name, text, path in _calls(lines, folder):
        verb = _verb(name, text)
        if verb == "made" or (verb == "opened" and "O_CREAT" in text and path in missing):
            made.add(path)
        elif verb and made.isdisjoint(accumulate(path.split("/"), "{}/{}".format)):
            if verb == "listed" and last.get(process) == ("looked up", path):
                verb = "searched"
            if verb == "looked in vain for":
                missing.add(path)
            last[process] = verb, path
            found.append(last[process])
    return [(verb, path) for verb, path in found if path not in made or verb != "looked in vain for"]


def _verb(name: str, text: str) -> str:
    """Return what a call did with its path, empty if that says nothing. `text`: its arguments and result."""
    failed, opens = FAILED.search(text), OPENS.fullmatch(name)
    if MAKES.fullmatch(name):
        return "" if failed else "made"
    if not opens and not LOOKS_UP.fullmatch(name):
        return ""
    if failed and failed[1] in ("ENOENT", "ENOTDIR"):
        return "looked in vain for"
    if failed or not opens or "O_PATH" in text:
        return "looked up"
    return "made" if re.search("O_WRONLY|O_TRUNC|O_EXCL", text) else "listed" if "O_DIRECTORY" in text else "opened"


def _calls(lines: Iterable[str], folder: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield process, name, arguments with result, and absolute path of each call that names one."""
    unfinished, folders = dict[str, str](), dict[str, list[str]]()  # threads have one list
    parent, shared = [folder], False  # of the process that was started last
    for process, line in (match.groups() for match in map(LINE.fullmatch, lines) if match):
        here = folders.setdefault(process, parent if shared else [*parent])
        text = unfinished.pop(process, "") + line.removesuffix(UNFINISHED)
        if text.startswith(STARTS):
            parent, shared = here, "CLONE_FS" in text
        if line.endswith(UNFINISHED):
            unfinished[process] = text
            continue
        name, _, rest = text.partition("(")
        paths = PATH.findall(rest)
        base, path, opened = paths[-1 if MAKES.fullmatch(name) else 0] if paths else ("", "", "")
        absolute = os.path.normpath(os.path.join(here[0], *map(_decoded, (opened, base, path))))
        if name in ("chdir", "fchdir") and not FAILED.search(rest):
            here[0] = absolute
        if path:
            yield process, name, rest, absolute


def _decoded(text: str) -> str:
    """Return a path as it was before strace escaped it."""
    return os.fsdecode(text.encode("latin-1").decode("unicode_escape").encode("latin-1"))
