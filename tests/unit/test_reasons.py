"""Why a stage runs, as values and in words."""

from typing import Any

import pytest
from examples import action, named

from redoit.model import Reason, Setting
from redoit.reasons import KINDS, differences, sentence
from redoit.state.invalidations import UPSTREAM
from redoit.text import MAX_LINE_CHARACTERS

USUAL = action()
EPOCHS, *OTHERS = USUAL.settings


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
        (Reason("input awaited", "images", None, "fetch"), "input data/x.h5 is rebuilt"),
        (Reason("same action", "import"), "import runs first, with the same action"),
        (Reason("code", "steps.nets:build"), "code of steps.nets:build changed"),
        (Reason("code added", "steps.nets:build"), "code of steps.nets:build added"),
        (Reason("code removed", "steps.nets:build"), "code of steps.nets:build removed"),
        (Reason("package", "numpy", "1.0", "2.0"), "numpy 1.0 -> 2.0"),
        (Reason("outputs"), "declared outputs changed"),
        (Reason("output missing", "images"), "output data/x.h5 is missing"),
        (Reason("output changed", "images"), "output data/x.h5 changed"),
        (Reason("output lost", "images"), "output data/x.h5 is missing, here and in the store"),
        (Reason("forgotten"), "forgotten"),
        (Reason("uncached"), "caching is off"),
        (Reason("always"), "forced by doit -a"),
        (Reason("volatile"), "volatile"),
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
        (
            {"inputs": {"normalized": named("new")}},
            [Reason("input", "normalized", USUAL.inputs["normalized"], named("new"))],
        ),
        ({"inputs": {}}, [Reason("input", "normalized", USUAL.inputs["normalized"], None)]),
        ({"environment": {"python": "3.11"}}, [Reason("package", "numpy", "2.0.1", "absent")]),
        (
            {"environment": {**USUAL.environment, "h5py": "3.14"}},
            [Reason("package", "h5py", "absent", "3.14")],
        ),
        ({"outputs": ("model",)}, [Reason("outputs")]),
        ({"outputs": ("history", "model")}, []),
    ],
)
def test_differences(changes: dict[str, Any], expected: list[Reason]) -> None:
    """Each field that differs is a reason, and order is none."""
    assert differences(action(**changes), USUAL) == expected


def test_order_of_differences() -> None:
    """Settings come first, then inputs, changed code, code that is new or gone, packages, outputs."""
    later = action(
        settings=(Setting("epochs", "int", 7), *OTHERS),
        inputs={"normalized": named("new")},
        code={"steps.train:run": named("edited"), "steps.aaa:new": named("new")},
        environment={"python": "3.12", "numpy": "2.0.1"},
        outputs=("model",),
    )
    kinds = [reason.kind for reason in differences(later, USUAL)]
    assert kinds == ["setting", "input", "code", "code added", "code removed", "package", "outputs"]


def test_what_an_enemy_wrote_does_not_command_the_terminal() -> None:
    """A name, a value or a version from a forged trace is shown as one line, escaped and not too long."""
    hostile = "\x1b[2J\nStep train kept\r" + "n" * 10**6
    line = sentence([Reason("setting", hostile, hostile, [hostile]), Reason("package", hostile, hostile, hostile)])
    assert line.isprintable()
    assert len(line) < 7 * MAX_LINE_CHARACTERS
