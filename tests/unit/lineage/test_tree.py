"""The provenance of a file as a tree in a terminal: what made it of what, once, and what is not known."""

import io
from dataclasses import replace

import pytest
from examples import action, artifact, named, trace
from lineages import FIRST, HOSTILE_NAMES, MAKE, RUNS, SECOND, USE, USED, made, two_stages
from rich.console import Console

from redoit.lineage.lineage import Lineage, Origins, Provenance, provenance
from redoit.lineage.tree import MAX_BYTES, MAX_LEVELS, MAX_VALUES, show
from redoit.model import Artifact, Setting, Stage
from redoit.text import format_time

IN, MADE, OUT, LOG = (artifact(content).digest for content in (b"1", b"a1", b"b1", b""))
PRESENT = {"in.txt": IN, "a.txt": MADE, "b.txt": OUT, "c.txt": LOG}


def shown(origins: Origins, lineage: Lineage, present: dict[str, str | None] | None = None) -> list[str]:
    """Return the lines of a tree, as a wide terminal without colours shows them."""
    file = io.StringIO()
    show(origins, lineage, PRESENT if present is None else present, Console(file=file, width=2000, no_color=True))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def of_one(origin: Provenance) -> Origins:
    """Return a provenance without inputs as the whole one of its file."""
    return {(origin.path, origin.digest): origin}


def stripped(lines: list[str]) -> list[str]:
    """Return lines without the guides of the tree."""
    return [line.lstrip("│├└─ ") for line in lines]


def test_a_file_with_all_that_it_came_from() -> None:
    """A file stands above the execution that made it, and that above its inputs, up to the sources."""
    found = two_stages(*RUNS, traces=(FIRST, SECOND, USED))
    on = f"on {format_time(FIRST.started)}, in 12.500s on host"
    values = ["settings epochs=5, rate=0.001, name='größe'", "metrics accuracy 0.99, loss inf"]
    assert stripped(shown(provenance(found, "b.txt"), found)) == [
        f"b.txt  {OUT[:12]}  2 bytes",
        f"made by use {on} (doit 1)",
        *values,
        f"a.txt  {MADE[:12]}  2 bytes",
        f"made by make {on} (doit 1)",
        *values,
        f"in.txt  {IN[:12]}  source",
        f"in.txt  {IN[:12]}  source",
    ]


def test_what_is_deeper_is_further_right() -> None:
    """The guides show what belongs to what."""
    found = two_stages(*RUNS, traces=(FIRST, USED))
    lines = shown(provenance(found, "b.txt"), found)
    indent = {line.lstrip("│├└─ ")[:12]: len(line) - len(line.lstrip("│├└─ ")) for line in lines}
    assert indent["made by use "] < indent["made by make"]


def test_a_source_is_one_line() -> None:
    """A file that no stage makes has nothing below it."""
    found = two_stages(traces=())
    assert shown(provenance(found, "in.txt", IN), found) == [f"in.txt  {IN[:12]}  source"]


@pytest.mark.parametrize(
    ("present", "note"),
    [
        ({"in.txt": IN}, ""),
        ({"in.txt": None}, "  not in place"),
        ({}, "  not in place"),
        ({"in.txt": OUT}, f"  other content is in place: {OUT[:12]}"),
    ],
)
def test_what_is_in_place(present: dict[str, str | None], note: str) -> None:
    """A file that is gone, or has other content now, is marked."""
    found = two_stages(traces=())
    assert shown(provenance(found, "in.txt", IN), found, present) == [f"in.txt  {IN[:12]}  source{note}"]


def test_an_execution_that_is_not_recorded() -> None:
    """A file whose making left no trace has its stage, and its content is unknown."""
    found = two_stages(traces=())
    lines = stripped(shown(provenance(found, "b.txt"), found))
    assert lines == ["b.txt  content unknown", "made by use; that execution is not recorded"]


def test_an_execution_of_a_run_that_is_not_recorded() -> None:
    """An execution whose run was removed says so."""
    found = two_stages(traces=(FIRST,), latest={"make": [FIRST.name]})
    assert stripped(shown(provenance(found, "a.txt"), found))[1].endswith(" on host (its run is not recorded)")


def test_an_execution_stands_once() -> None:
    """What two executions used is shown below the first, and referred to below the second."""
    other = Stage("other", "s", {"made": "a.txt"}, {"log": "d.txt"})
    join = Stage("join", "s", {"one": "c.txt", "two": "d.txt"}, {"all": "e.txt"})
    traces = [
        FIRST,
        made(USE, {"made": b"a1"}, {"log": b"c"}),
        made(other, {"made": b"a1"}, {"log": b"d"}),
        made(join, {"one": b"c", "two": b"d"}, {"all": b"e"}),
    ]
    latest = {each.stage: [each.name] for each in traces}
    found = Lineage((MAKE, USE, other, join), traces={each.name: each for each in traces}, latest=latest)
    lines = stripped(shown(provenance(found, "e.txt"), found))
    by_make = [line for line in lines if line.startswith("made by make")]
    assert [line.endswith("; see above") for line in by_make] == [False, True]
    assert sum(line.startswith("in.txt") for line in lines) == 1


def test_files_of_one_execution_stand_together() -> None:
    """Two inputs that one execution made stand in one place, above that execution."""
    reader = Stage("reader", "s", {"one": "b.txt", "two": "c.txt"}, {"out": "d.txt"})
    used = made(reader, {"one": b"b1", "two": b""}, {"out": b"d"})
    latest = {"use": [USED.name], "reader": [used.name]}
    found = Lineage((MAKE, USE, reader), traces={each.name: each for each in (USED, used)}, latest=latest)
    lines = stripped(shown(provenance(found, "d.txt"), found))
    assert [line[:5] for line in lines[4:7]] == ["b.txt", "c.txt", "made "]
    assert sum(line.startswith("made by use") for line in lines) == 1


def test_a_deep_pipeline_ends() -> None:
    """Beyond so many levels the tree goes on no more, and says so."""
    stages = [Stage(f"s{n}", "s", {"in": f"{n}.x"}, {"out": f"{n + 1}.x"}) for n in range(MAX_LEVELS + 9)]
    traces = [made(stage, {"in": b"%d" % n}, {"out": b"%d" % (n + 1)}) for n, stage in enumerate(stages)]
    latest = {each.stage: [each.name] for each in traces}
    found = Lineage(stages, traces={each.name: each for each in traces}, latest=latest)
    lines = stripped(shown(provenance(found, f"{MAX_LEVELS + 9}.x"), found))
    assert sum(line.startswith("made by") for line in lines) == MAX_LEVELS + 2
    assert lines[-1].endswith("; and so on")


def test_many_values_are_counted() -> None:
    """Settings and metrics beyond so many are a number; where there are none, there is no line."""
    settings = tuple(Setting(f"s{n}", "int", n) for n in range(MAX_VALUES + 3))
    done = trace(action=action(settings=settings), metrics={}, name=named("t"))
    root = of_one(Provenance("a.txt", MADE, MAKE, done))
    lines = stripped(shown(root, Lineage([MAKE])))
    assert len(lines) == 3
    assert lines[2].startswith("settings s0=0, s1=1,")
    assert lines[2].endswith(f"s{MAX_VALUES - 1}={MAX_VALUES - 1} and 3 more")


def test_an_executable_file_has_its_size() -> None:
    """The size of an output that may be executed is found, whose content counts as another than that of its bytes."""
    done = replace(FIRST, manifest={"made": Artifact(MADE, 5, 0o755)})
    found = two_stages(traces=(done,), latest={"make": [done.name]})
    assert shown(provenance(found, "a.txt"), found)[0].endswith("  5 bytes  other content is in place: " + MADE[:12])


def test_a_size_is_no_larger_than_a_page_shows() -> None:
    """A forged size is shown as the largest there is."""
    done = replace(FIRST, manifest={"made": Artifact(MADE, 10**30)})
    line = shown(of_one(Provenance("a.txt", MADE, MAKE, done)), Lineage([MAKE]))[0]
    assert line.endswith(f"  {MAX_BYTES / 1e15:.1f} PB")


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_names_do_not_move_the_cursor(name: str) -> None:
    """Whatever a file, a stage, a host or a setting is called, it is one short line, and no markup of the terminal."""
    stage = Stage(f"[red]{name}", "s", {}, {"made": name})
    done = trace(action=action(settings=(Setting(name, "str", name),)), host=name, metrics={name: 1.0}, name=named("t"))
    plain = Stage("[red]plain", "s", {}, {"made": "plain"})
    lines = shown(of_one(Provenance(name, MADE, stage, done)), Lineage([stage]))
    assert len(lines) == len(shown(of_one(Provenance("plain", MADE, plain, done)), Lineage([plain])))
    assert all(line.isprintable() for line in lines)
    assert "made by [red]" in lines[1]
