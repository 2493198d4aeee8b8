"""Why a stage runs, as values and in words."""

from typing import Any

import pytest
from examples import action, environment, named

from redoit.model import Reason, Setting
from redoit.reasons import KINDS, differences, sentence
from redoit.state.invalidations import UPSTREAM
from redoit.text import MAX_LINE_CHARACTERS

USUAL = action()
EPOCHS, *OTHERS = USUAL.settings
USED = USUAL.inputs["normalized"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason("first"), "never run before"),
        (Reason("setting", "epochs", 5, 7), "epochs 5 -> 7"),
        (Reason("setting", "shuffle", True, False), "shuffle True -> False"),
        (Reason("setting", "limit", 0, None), "limit 0 -> None"),
        (Reason("setting added", "epochs", None, 7), "epochs 7 added"),
        (Reason("setting removed", "epochs", 5), "epochs 5 removed"),
        (Reason("input", "images"), "input data/x.h5 changed"),
        (Reason("input added", "images"), "input data/x.h5 added"),
        (Reason("input removed", "labels"), "input labels removed"),
        (Reason("input awaited", "images", None, "fetch"), "input data/x.h5 is rebuilt"),
        (Reason("step", "", "steps.a:run", "steps.b:run"), "step steps.a:run -> steps.b:run"),
        (Reason("input path", "images", "a", "other/path"), "input images now at other/path"),
        (Reason("output path", "images", "a", "other/path"), "output images now at other/path"),
        (Reason("uses", "params.yaml"), "uses params.yaml changed"),
        (Reason("uses added", "params.yaml"), "uses params.yaml added"),
        (Reason("uses removed", "params.yaml"), "uses params.yaml removed"),
        (
            Reason("platform", "", "Linux x86_64 glibc", "Linux aarch64 glibc"),
            "platform Linux x86_64 glibc -> Linux aarch64 glibc",
        ),
        (Reason("code", "steps.nets:build"), "code of steps.nets:build changed"),
        (Reason("code added", "steps.nets:build"), "code of steps.nets:build added"),
        (Reason("code removed", "steps.nets:build"), "code of steps.nets:build removed"),
        (Reason("package", "numpy", "1.0", "2.0"), "numpy 1.0 -> 2.0"),
        (Reason("outputs"), "declared outputs changed"),
        (Reason("output missing", "images"), "output data/x.h5 is missing"),
        (Reason("output changed", "images"), "output data/x.h5 changed"),
        (Reason("output lost", "images"), "output data/x.h5 is missing, here and in the store"),
        (Reason("read", "a.csv", "1", "train"), "a.csv changed (undeclared, read by train)"),
        (Reason("content", "a.csv", "1", "train"), "a.csv changed (read by train)"),
        (Reason("opened", "a.h5", "1", "train"), "a.h5 changed (undeclared, opened while train ran)"),
        (Reason("gone", "a.csv", "1", "train"), "a.csv is gone (read by train)"),
        (Reason("appeared", "a.csv", None, "train"), "a.csv appeared (train looked for it)"),
        (Reason("looked at", "a.csv", "1", "train"), "a.csv changed (looked at by train)"),
        (Reason("listed", "data", "1", "train"), "names in data changed (listed by train)"),
        (Reason("asked", "SCALE", "1", "train"), "variable SCALE changed (undeclared, asked for by train)"),
        (Reason("copied", "", "1", "train"), "names of variables changed (copied by train)"),
        (Reason("executed", "steps.nets:build", "1", "train"), "steps.nets:build changed (executed by train)"),
        (Reason("unobserved", "", "0", "train"), "what train touches was not observed"),
        (Reason("strict", "a.csv"), "its result rests on the undeclared a.csv, which strict refuses"),
        (Reason("forgotten"), "forgotten"),
        (Reason("superseded"), "what it made before it was last forced to run does not count"),
        (Reason("uncached"), "caching is off"),
        (Reason("always"), "forced by doit -a"),
        (Reason("volatile"), "volatile"),
        (Reason("uptodate"), "its uptodate is false"),
        (Reason("upstream", "import", UPSTREAM["forgotten"]), "import was forgotten"),
        (Reason("upstream", "import", UPSTREAM["uncached"]), "import is not cached"),
        (Reason("upstream", "import", UPSTREAM["always"]), "import was forced by doit -a"),
    ],
)
def test_words(reason: Reason, words: str) -> None:
    """Each kind of reason has its text; a role is shown as its file."""
    assert sentence([reason], {"images": "data/x.h5"}) == words


def test_each_kind_is_tested() -> None:
    """The rows above cover each kind there is."""
    (rows,) = (mark.args[1] for mark in test_words.pytestmark)  # type: ignore[attr-defined]
    assert {reason.kind for reason, _ in rows} == set(KINDS)


def test_a_setting_named_as_a_role_is_no_file() -> None:
    """Only roles are shown as files; a setting, a stage and a part keep their names."""
    files = {"images": "data/x.h5"}
    assert sentence([Reason("setting", "images", 1, 2)], files) == "images 1 -> 2"
    assert sentence([Reason("upstream", "images", "ran")], files) == "images ran"


def test_braces_in_a_value_are_text() -> None:
    """A value is shown unchanged, even if it has format characters."""
    assert sentence([Reason("setting", "name", "{old}", "%s")]) == "name {old} -> %s"


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, ""), (4, " and 1 more"), (9, " and 6 more")])
def test_and_more(count: int, more: str) -> None:
    """A line shows three reasons and counts the others."""
    line = sentence(Reason("input", str(index)) for index in range(count))
    shown = ", ".join(f"input {index} changed" for index in range(min(count, 3)))
    assert line == shown + more


def test_no_reasons() -> None:
    """Without a reason there is nothing to say."""
    assert sentence([]) == ""
    assert differences(USUAL, USUAL) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"settings": (Setting("epochs", "int", 7), *OTHERS)}, [Reason("setting", "epochs", 5, 7)]),
        ({"settings": (Setting("epochs", "float", 5.0), *OTHERS)}, [Reason("setting", "epochs", 5, 5.0)]),
        ({"settings": (*USUAL.settings, Setting("seed", "int", 0))}, [Reason("setting added", "seed", None, 0)]),
        ({"settings": tuple(OTHERS)}, [Reason("setting removed", "epochs", 5, None)]),
        ({"settings": USUAL.settings[::-1]}, []),
        ({"step": ("function", "steps.fit:run")}, [Reason("step", "", "steps.train:run", "steps.fit:run")]),
        (
            {"inputs": {"normalized": USED._replace(digest=named("new"))}},
            [Reason("input", "normalized", USED.digest, named("new"))],
        ),
        (
            {"inputs": {"normalized": USED._replace(path="other/path")}},
            [Reason("input path", "normalized", USED.path, "other/path")],
        ),
        ({"inputs": {}}, [Reason("input removed", "normalized", USED.digest, None)]),
        ({"inputs": {"normalized": USED, "more": USED}}, [Reason("input added", "more", None, USED.digest)]),
        ({"uses": {}}, [Reason("uses removed", "params.yaml", named("params"), None)]),
        ({"uses": {"params.yaml": named("new")}}, [Reason("uses", "params.yaml", named("params"), named("new"))]),
        ({"environment": environment(packages={})}, [Reason("package", "numpy", "2.0.1", "absent")]),
        (
            {"environment": environment(packages={"numpy": "2.0.1", "h5py": "3.14"})},
            [Reason("package", "h5py", "absent", "3.14")],
        ),
        ({"environment": environment(python="3.11 pypy")}, [Reason("package", "python", "3.11", "3.11 pypy")]),
        (
            {"environment": environment(platform=("Linux", "x86_64", "musl"))},
            [Reason("platform", "", "Linux x86_64 glibc", "Linux x86_64 musl")],
        ),
        ({"environment": environment(variables={"X": None})}, [Reason("package", "$X", "not declared", "absent")]),
        (
            {"environment": environment(packages={**USUAL.environment.packages, "gen": "absent"})},
            [Reason("package", "gen", "not imported", "absent")],
        ),
        ({"environment": environment(preloaded=("a",))}, [Reason("package", "preloaded", "absent", "a")]),
        ({"outputs": {"model": "data/model.keras"}}, [Reason("outputs")]),
        (
            {"outputs": {**USUAL.outputs, "model": "m.h5"}},
            [Reason("output path", "model", "data/model.keras", "m.h5")],
        ),
        ({"outputs": dict(reversed(USUAL.outputs.items()))}, []),
    ],
)
def test_differences(changes: dict[str, Any], expected: list[Reason]) -> None:
    """Each field that differs is a reason, and order is none."""
    assert differences(action(**changes), USUAL) == expected


def test_order_of_differences() -> None:
    """The step comes first, then settings, inputs, changed code, code that is new or gone, packages, outputs."""
    later = action(
        settings=(Setting("epochs", "int", 7), *OTHERS),
        step=("function", "steps.fit:run"),
        inputs={"normalized": USED._replace(digest=named("new"))},
        uses={},
        code={"steps.train:run": named("edited"), "steps.aaa:new": named("new")},
        environment=environment(python="3.12", platform=("Linux",)),
        outputs={"model": "m.h5"},
    )
    kinds = [reason.kind for reason in differences(later, USUAL)]
    assert kinds == [
        *("step", "setting", "input", "uses removed", "code", "code added", "code removed"),
        *("platform", "package", "outputs", "output path"),
    ]


def test_what_an_enemy_wrote_does_not_command_the_terminal() -> None:
    """A name, a value or a version from a forged trace is shown as one line, escaped and not too long."""
    hostile = "\x1b[2J\nStep train kept\r" + "n" * 10**6
    line = sentence([Reason("setting", hostile, hostile, [hostile]), Reason("package", hostile, hostile, hostile)])
    assert line.isprintable()
    assert len(line) < 7 * MAX_LINE_CHARACTERS
