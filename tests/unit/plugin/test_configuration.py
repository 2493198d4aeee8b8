"""Settings from files and variables, and options of the project: what counts, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from doit import doit_cmd

from redoit.errors import DeclarationError
from redoit.plugin.configuration import (
    Options,
    check_names,
    options,
    overrides,
    section_values,
    sections,
    setting_files,
)
from redoit.source.settings import Declared, Kind

DECLARED = {
    "epochs": Declared("epochs", Kind("int"), 5),
    "rate": Declared("rate", Kind("float"), 0.5),
}
STAGES = {"train": DECLARED, "part:a.b": DECLARED, "part:c": DECLARED}
TASKS = {*STAGES, "part", "copy"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sections_of_both_files_are_one(project: Path) -> None:
    """doit.cfg is added to pyproject.toml and wins over it; without the files there are no sections."""
    assert sections() == {}
    (project / "pyproject.toml").write_text("[tool.doit.tasks.train]\nepochs = 6\nrate = 1.5\n")
    (project / "doit.cfg").write_text("[task:train]\nepochs = 7\n")
    assert sections() == {"task:train": {"epochs": "7", "rate": 1.5}}
    assert setting_files("train") == {"epochs": "doit.cfg", "rate": "pyproject.toml"}
    assert setting_files("other") == {}


def test_options_are_the_defaults_without_a_file(project: Path) -> None:
    """Without pyproject.toml, or without a table there, each option has its default."""
    assert options() == Options(cache=True, strict=False, store="", preload=())
    (project / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert options() == Options()


def test_each_option_is_read(project: Path) -> None:
    """All options come from the project's table; a module to preload may be a package, and stand in `src`."""
    for name in ("one.py", "src/two/__init__.py", "src/two/three.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    (project / "pyproject.toml").write_text(
        '[tool.redoit]\ncache = false\nstrict = true\nstore = "~/s"\npreload = ["one", "two", "two.three"]\n'
    )
    assert options() == Options(cache=False, strict=True, store="~/s", preload=("one", "two", "two.three"))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("cahce = false", r"cahce: no such setting; did you mean cache\?"),
        ("zzz = 1", "zzz: no such setting; known: cache, preload, store, strict"),
        ('strict = "yes"', "strict: found 'yes', expected true or false"),
        ("store = true", "store: found True, expected a text"),
        ('preload = "one"', "preload: found 'one', expected a list of modules"),
        ("preload = [1]", r"preload: found \[1\], expected a list of modules"),
        ('preload = ["numpy"]', "found 'numpy', expected a module of the project; name one that imports it"),
        ('preload = ["../one"]', "found '../one', expected a module of the project$"),
        ('preload = [""]', "found '', expected a module of the project$"),
        ('preload = ["folder"]', "found 'folder', expected a module of the project"),
    ],
)
def test_a_wrong_option_is_one_error(project: Path, line: str, fault: str) -> None:
    """An option that is unknown or of another type is named with what was found and what to do."""
    (project / "folder").mkdir()
    (project / "pyproject.toml").write_text(f"[tool.redoit]\n{line}\n")
    with pytest.raises(DeclarationError, match=rf"^pyproject\.toml: \[tool\.redoit\] .*{fault}"):
        options()


def test_values_of_a_section_have_the_declared_type() -> None:
    """A text of doit.cfg and a number of pyproject.toml both become the type that the step declares."""
    assert section_values("train", DECLARED, {"epochs": "7", "rate": 2}) == {"epochs": 7, "rate": 2.0}
    assert section_values("train", DECLARED, {}) == {}


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ({"epoch": "7"}, r"^\[task:train\] epoch: no such setting; did you mean epochs\?$"),
        ({"epochs": "many"}, r"^\[task:train\] epochs: found 'many', expected an integer$"),
        ({"epochs": None}, r"^\[task:train\] epochs: found None, expected an integer$"),
    ],
)
def test_a_wrong_line_of_a_section_is_one_error(section: dict[str, Any], fault: str) -> None:
    """A setting that the stage lacks, or a value that does not fit, is refused with its section."""
    with pytest.raises(DeclarationError, match=fault):
        section_values("train", DECLARED, section)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (None, {}),
        ({"train.epochs": "2", "train.rate": "1"}, {"train": {"epochs": 2, "rate": 1.0}}),
        ({"part:a.b.epochs": "2"}, {"part:a.b": {"epochs": 2}}),
        ({"copy.epochs": "2"}, {}),
        ({"name": "value"}, {}),
    ],
)
def test_variables_of_stages_are_settings(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str] | None, expected: dict[str, dict[str, Any]]
) -> None:
    """A variable that names a stage and its setting is that setting; any other is left to doit."""
    monkeypatch.setattr(doit_cmd, "_CMDLINE_VARS", variables)
    assert overrides(STAGES, TASKS) == expected


@pytest.mark.parametrize(
    ("variable", "fault"),
    [
        ("trian.epochs", r"^trian.epochs=2: no stage 'trian'; did you mean train\?$"),
        ("train.epoch", r"^train.epoch=2: train has no setting 'epoch'; did you mean epochs\?$"),
        ("part.epochs", r"^part.epochs=2: no stage 'part'; did you mean part:c\?$"),
        ("epochs", "^epochs=2: found a setting without its stage; say train.epochs=2 or part:a.b.epochs=2 or "),
        ("train.rate", "^train.rate=two: found 'two', expected a number$"),
    ],
)
def test_a_wrong_variable_is_one_error(monkeypatch: pytest.MonkeyPatch, variable: str, fault: str) -> None:
    """An unknown stage or setting, a group, or a setting without its stage is refused with what to write."""
    monkeypatch.setattr(doit_cmd, "_CMDLINE_VARS", {variable: "two" if "rate" in variable else "2"})
    with pytest.raises(DeclarationError, match=fault):
        overrides(STAGES, TASKS)


def test_a_variable_that_dodo_may_read_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where dodo.py reads variables, one with the name of a setting is no mistake."""
    monkeypatch.setattr(doit_cmd, "_CMDLINE_VARS", {"epochs": "2"})
    assert overrides(STAGES, TASKS, dodo_reads_variables=True) == {}


@pytest.mark.parametrize(
    "sections",
    [
        *({name: {}} for name in ("train", "copy", "tool.doit.tasks.train", "tasks.train", "redoit")),
        {"GLOBAL": {"a": {}}},
    ],
)
def test_a_section_without_effect_is_an_error(sections: dict[str, Any]) -> None:
    """Settings that stand where nobody reads them are refused, with the places where they may stand."""
    with pytest.raises(DeclarationError, match=r"where it has no effect; \[tool\.doit\.tasks\.STAGE\] of"):
        check_names(sections, STAGES, TASKS)


def test_each_section_of_a_task_needs_its_task() -> None:
    """Sections of tasks and of doit pass; one of no task, or of a group of stages, names the nearest stage."""
    check_names(dict.fromkeys(["GLOBAL", "run", "task:train", "task:copy", "task:part:c"]), STAGES, TASKS)
    with pytest.raises(DeclarationError, match=r"^\[task:trian\]: no stage 'trian'; did you mean train\?$"):
        check_names({"task:trian": {}}, STAGES, TASKS)
    with pytest.raises(DeclarationError, match=r"^\[task:part\]: no stage 'part'; did you mean part:c\?$"):
        check_names({"task:part": {}}, STAGES, TASKS)
