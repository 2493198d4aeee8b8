"""What a step touches that is neither declared nor observed, from the touches of its processes."""

import os
import sys
from pathlib import Path

import pytest

from redoit.errors import DeclarationError
from redoit.model import Observation, Stage
from redoit.planning.audit import tracer, undeclared_touches

STAGE = Stage("make", "steps.make", {"source": "in/source.txt"}, {"made": "data/made.txt"}, uses=("params.yaml",))
SOURCES = ("steps/make.py", "steps/deep/helper.py")
FILES = ("in/source.txt", "data/made.txt", "params.yaml", *SOURCES, "extra.csv", "plugins/one.py", "env/pyvenv.cfg")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    project = tmp_path / "project"
    for name in FILES:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    monkeypatch.chdir(project)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return project


def found(*done: tuple[str, str], observations: tuple[Observation, ...] = ()) -> dict[str, list[str]]:
    """Return what is found of what a step did after its source was opened: verb and path."""
    touches = [(verb, os.path.join(os.getcwd(), path)) for verb, path in (("opened", SOURCES[0]), *done)]
    return undeclared_touches(STAGE, SOURCES, observations, touches)


FOUND = {
    "opened": ("opened", "extra.csv", "opened"),
    "looked up": ("looked up", "extra.csv", "looked up"),
    "missing": ("looked in vain for", "cache/no.json", "looked in vain for"),
    "a missing module": ("looked in vain for", "plugins/two.py", "looked in vain for"),
    "listed": ("listed", "plugins", "listed"),
    "listed once its status is known": ("searched", "plugins", "listed"),
    "a folder that was opened": ("opened", "plugins", "listed"),
    "a folder of source": ("listed", "steps", "listed"),
    "the project": ("listed", ".", "listed"),
    "a folder around an input": ("listed", "in", "listed"),
    "a name like an output's": ("opened", "data/made.txt.bak", "opened"),
}


@pytest.mark.parametrize(("verb", "path", "said"), FOUND.values(), ids=FOUND)
def test_what_is_found(verb: str, path: str, said: str) -> None:
    """What a step read, looked for or listed in the project is found by what it did."""
    assert found((verb, path)) == {said: [path]}


KNOWN = {
    "an input": ("opened", "in/source.txt"),
    "an output": ("opened", "data/made.txt"),
    "a file it uses": ("looked up", "params.yaml"),
    "what would be below a file": ("looked in vain for", "params.yaml/x"),
    "its source": ("opened", "steps/deep/helper.py"),
    "its staging folder": ("listed", "data/.redoit-0123456789abcdef"),
    "redoit's own": ("opened", ".redoit/observed/make"),
    "git": ("opened", ".git/HEAD"),
    "byte code": ("looked in vain for", "steps/__pycache__/make.cpython-311.pyc"),
    "what is installed": ("opened", "vendored/site-packages/x.py"),
    "a virtual environment": ("opened", "env/bin/python"),
    "a file elsewhere": ("opened", "../other.txt"),
    "the folder around": ("listed", ".."),
    "the search of a folder of source": ("searched", "steps/deep"),
    "the search of a folder around source": ("searched", "steps"),
    "the search of the project": ("searched", "."),
    "a package that is none": ("looked in vain for", "plugins/__init__.py"),
    "its compiled form": ("looked in vain for", "plugins/__init__.cpython-311-x86_64-linux-gnu.so"),
}


@pytest.mark.parametrize(("verb", "path"), KNOWN.values(), ids=KNOWN)
def test_what_is_no_finding(verb: str, path: str) -> None:
    """What is declared, is none of the project's data, or is Python's search for modules is not found."""
    assert found((verb, path)) == {}


def test_folders_on_the_way_to_a_file_are_no_findings() -> None:
    """A folder that is looked up is found only if nothing in it was touched."""
    assert found(("looked up", "plugins")) == {"looked up": ["plugins"]}
    assert found(("looked up", "plugins"), ("opened", "plugins/one.py")) == {"opened": ["plugins/one.py"]}
    assert found(("looked up", "plugins"), ("looked in vain for", "plugins/__init__.py")) == {}


def test_a_path_is_found_once() -> None:
    """A file that was looked up and opened was opened; one that was missing at first was opened as well."""
    done = [("looked in vain for", "extra.csv"), ("looked up", "extra.csv"), ("opened", "extra.csv")]
    assert found(*done) == found(*reversed(done)) == {"opened": ["extra.csv"]}


OBSERVED = {
    "file": ["opened", "looked up"],
    "opened": ["opened", "listed", "looked up"],
    "status": ["looked up"],
    "link": ["looked up"],
    "folder": ["listed", "looked up"],
}


@pytest.mark.parametrize("kind", OBSERVED)
def test_what_is_observed(kind: str) -> None:
    """An observation shows what its kind can show: the status of a file does not show its content."""
    observations = (Observation(kind, "cache.bin", "digest"), Observation("variable", "other", None))
    done = {verb: found((verb, "cache.bin"), observations=observations) for verb in ("opened", "listed", "looked up")}
    assert [verb for verb, left in done.items() if not left] == OBSERVED[kind]
    assert found(("opened", "other"), observations=observations) == {"opened": ["other"]}


def test_a_file_observed_as_missing() -> None:
    """Who looked for a file in vain is shown by any observation of it."""
    observations = (Observation("file", "no.json", None),)
    assert found(("looked in vain for", "no.json"), observations=observations) == {}


def test_links(folder: Path) -> None:
    """A declared file may be reached through a link; a link in the project is part of it, wherever it leads."""
    (folder / "data/link").symlink_to("../in/source.txt")
    (folder / "out").symlink_to("../../outside")
    (folder.parent / "alias").symlink_to("project")
    assert found(("opened", "data/link"), ("opened", "../alias/params.yaml")) == {}
    assert found(("opened", "out"), ("opened", "../alias/extra.csv")) == {"opened": ["extra.csv", "out"]}


def test_what_redoit_does_before_the_step_is_no_finding(folder: Path) -> None:
    """Only what follows the first source that is opened is the step's."""
    touches = [("listed", str(folder)), ("opened", str(folder / SOURCES[1])), ("listed", str(folder))]
    assert undeclared_touches(STAGE, SOURCES, (), touches[:2]) == {}
    assert undeclared_touches(STAGE, SOURCES, (), touches) == {"listed": ["."]}


def test_folders_on_pythonpath_are_searched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of PYTHONPATH may be searched and listed, or be missing."""
    monkeypatch.setenv("PYTHONPATH", f"{folder}/plugins:{folder}/no:")
    done = [(verb, "plugins") for verb in ("looked up", "searched", "listed")]
    assert found(*done, ("looked in vain for", "no"), ("listed", "in")) == {"listed": ["in"]}


TRACERS = {
    "all of it": ("#!/bin/sh\necho 'execve(\"true\") = 0'\n", "--seccomp-bpf"),
    "an early one": ('#!/bin/sh\ncase "$*" in *seccomp*) exit 1;; esac\necho \'execve("true") = 0\'\n', "trace="),
}


@pytest.mark.parametrize(("script", "last"), TRACERS.values(), ids=TRACERS)
def test_the_tracer_is_tried(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, last: str) -> None:
    """The filter that makes tracing fast is used if this strace has it."""
    write_program(folder / "strace", script)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    assert tracer()[0] == "strace"
    assert tracer()[-1].startswith(last)


def test_a_tracer_that_may_not_trace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tracing is forbidden, the error has the first line of what strace says; where there is none, it says so."""
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(DeclarationError) as caught:
        tracer()
    assert str(caught.value) == "strace: not installed; install it, or leave out --strace"
    write_program(
        folder / "strace", f"#!{sys.executable}\nraise SystemExit('strace: Operation not permitted\\nmore')\n"
    )
    with pytest.raises(DeclarationError) as caught:
        tracer()
    line = "strace: it may not trace here (strace: Operation not permitted); permit ptrace, or leave out --strace"
    assert str(caught.value) == line


def write_program(path: Path, script: str) -> None:
    """Write a program."""
    path.write_text(script)
    path.chmod(0o755)
