"""What a step touches in an unusual way counts, and nothing else does: a stage for each way, in one project."""

import os
import shutil
from collections.abc import Callable, Mapping

from projects import Pipeline

DODO = """
from pathlib import Path

from redoit import DOIT_CONFIG, step


def task_way():
    for file in sorted(Path("steps").glob("way_*.py")):
        made = f"data/{file.stem}.txt"
        yield {**step(f"steps.{file.stem}", inputs={}, outputs={"made": made}), "name": file.stem}
"""
STEP = """
import os
import sys
from pathlib import Path

from steps.witness import executed


def run(made: Path) -> None:
    executed("{name}")
    made = made.absolute()
{body}
    made.write_text(str(found))
"""


def ways(project: Callable[[dict[str, str]], Pipeline], bodies: Mapping[str, str], files: dict[str, str]) -> Pipeline:
    """Return a project with a stage for each way, of which a line sets `found`; all have run, and are kept."""
    steps = {
        f"steps/way_{name}.py": STEP.format(name=name, body="\n".join(f"    {line}" for line in body.splitlines()))
        for name, body in bodies.items()
    }
    pipeline = project({"dodo.py": DODO, "pyproject.toml": "", **files, **steps})
    first = pipeline.doit()
    assert (first.code, sorted(first.executed)) == (0, sorted(bodies)), first.text
    assert pipeline.doit().executed == []
    return pipeline


FOLDER = "folder = os.open('folder', os.O_RDONLY)\n"
TRY = "try:\n    found = {}\nexcept OSError:\n    found = None"
LOOKS = {
    "stat_of_an_open_folder": FOLDER + TRY.format("os.stat('new.txt', dir_fd=folder).st_size"),
    "access_of_an_open_folder": FOLDER + "found = os.access('new.txt', os.R_OK, dir_fd=folder)",
    "open_of_an_open_folder": FOLDER + TRY.format("os.open('new.txt', os.O_RDONLY, dir_fd=folder)"),
    "line_of_data": "import linecache; found = linecache.getline('read.txt', 1)",
    "file_that_is_moved": "os.rename('moved.txt', 'new'); found = open('new').read(); os.rename('new', 'moved.txt')",
    "file_that_is_linked": "os.link('read.txt', '../hard'); found = open('../hard').read(); os.remove('../hard')",
    "link_to_a_file": "found = open('link.txt').read()",
    "link_to_a_folder": "found = open('link/same.txt').read()",
    "length_of_a_link": "found = os.lstat('link.txt').st_size",
    "link_that_leads_out": "found = open('outside/read.txt').read()",
    "list_by_a_link_that_leads_out": "found = os.listdir('outside')",
    "mode": "found = os.stat('tool').st_mode & os.X_OK",
    "access_to_execute": "found = os.access('tool', os.X_OK)",
    "text_that_is_profiled": (
        "import cProfile, io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()):\n"
        "    cProfile.runctx('import os; found = os.path.getsize(\"size.txt\")', globals(), names := {})\n"
        "found = names['found']"
    ),
}


def test_a_file_counts_however_it_is_looked_at(project: Callable[[dict[str, str]], Pipeline]) -> None:
    """Open folders, links in and out of the project, renamed and linked files, modes: a change to each is seen."""
    files = dict.fromkeys(("folder/a.txt", "read.txt", "moved.txt", "one.txt", "other.txt", "tool", "size.txt"), "1")
    same = {"one/same.txt": "1", "other/same.txt": "2", "../outside/read.txt": "1"}

    def with_links(files: dict[str, str]) -> Pipeline:
        pipeline = project(files)
        for link, target in (("link.txt", "one.txt"), ("link", "one"), ("outside", "../outside")):
            pipeline.path(link).symlink_to(target)
        return pipeline

    pipeline = ways(with_links, LOOKS, files | same)
    for name in ("folder/new.txt", "read.txt", "moved.txt", "size.txt", "../outside/read.txt", "../outside/new.txt"):
        pipeline.write(name, "22")
    for link, target in (("link.txt", "other.txt"), ("link", "other")):
        pipeline.path(link).unlink()
        pipeline.path(link).symlink_to(target)
    pipeline.path("tool").chmod(0o755)
    assert sorted(pipeline.doit().executed) == sorted(LOOKS)


def test_a_declared_input_counts_by_its_content_alone(project: Callable[[dict[str, str]], Pipeline]) -> None:
    """A link that an input or output lies behind may lead elsewhere, in the project or out of it, to equal bytes."""
    step = 'step("steps.way", inputs={"source": "link/in.txt"}, outputs={"made": "out/made.txt"})'
    pipeline = project({
        "dodo.py": f"from redoit import DOIT_CONFIG, step\n\n\ndef task_make():\n    return {step}\n",
        "steps/way.py": (
            "from steps.witness import executed\n\n\ndef run(source, made):\n    executed('make')\n"
            "    made.write_text(source.read_text())\n"
        ),
        "one/in.txt": "1",
        "other/in.txt": "1",
    })  # fmt: skip
    shutil.copytree(pipeline.path("one"), pipeline.path("../outside"))
    pipeline.path("out").symlink_to("../outside")
    for target in ("one", "other", "../outside"):
        pipeline.path("link").unlink(missing_ok=True)
        pipeline.path("link").symlink_to(target)
        result = pipeline.doit()
        assert (result.executed, result.code, result.err) == (["make"] if target == "one" else [], 0, "")
        assert "undeclared input" not in result.out
    assert os.path.realpath(pipeline.path("out/made.txt")).endswith("outside/made.txt")
