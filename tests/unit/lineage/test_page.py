"""Pictures and pages of a lineage: all names stay text, and short."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from examples import action, artifact, named, trace

from redoit.history.run_log import RunRecord, StageRecord
from redoit.lineage.lineage import Lineage
from redoit.lineage.mermaid import flowchart
from redoit.lineage.page import page, svg
from redoit.lineage.page_data import page_data
from redoit.lineage.picture import picture, shortened
from redoit.model import Reason, Setting, Stage, Status

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}",
    "a\u2028b\u2029",
    "\udcff\x00\x1b[31m",
    "x" * 100_000,
    "'\"&lt;",
]


def lineage(name: str) -> Lineage:
    """Return a lineage in which everything that has a name has this one."""
    stage = Stage(name, name, {name: name}, {name + "o": "out/" + name}, environ=(name,))
    done = trace(
        action=action(
            inputs={name: named("1")},
            outputs=(name + "o",),
            settings=(Setting(name, name, name),),
            code={name: named("2")},
            environment={name: name},
        ),
        manifest={name + "o": artifact(b"1")},
        stage=name,
        host=name,
        metrics={name: 1.5, "nan": float("nan"), "inf": float("inf")},
        name=named("t"),
    )
    stages = {
        name: StageRecord(Status.RAN, named("k"), done.name, 1.0, 2.0, (Reason("setting", name, name, name),)),
        name + "2": StageRecord(Status.FAILED, error=name),
        "lost": StageRecord(Status.KEPT, named("k"), named("lost")),
    }
    run = RunRecord(name, 1.7e9, 5.0, stages, 2.0, name="run")
    return Lineage([stage], [run], 3, {done.name: done}, {done.name: run}, {name: [done.name]}, {done.log: name[:100]})


class Elements(HTMLParser):
    """Counts the elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Note an element."""
        self.names.append(tag)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_on_a_page(name: str) -> None:
    """A page with hostile names has the same elements, can be encoded, and is not much larger."""
    text = page(lineage(name), name)
    assert Elements(text).names == Elements(page(lineage("plain"), "plain")).names
    assert len(text.encode()) < 150_000
    assert "\x1b" not in text


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_in_the_data_of_a_page(name: str) -> None:
    """The data is JSON without a sign that could end it, and says what was said."""
    text = page_data(lineage(name))
    assert not re.search("[<>&\u2028\u2029]", text)
    fields = json.loads(text)
    assert len(fields["stages"]) == 3
    assert fields["traces"][0][11][0][1] == "1.5"


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_in_pictures(name: str) -> None:
    """The picture is well-formed and has no other elements; in the flowchart no name ends its label."""
    root = ET.fromstring(svg(lineage(name)))
    plain = ET.fromstring(svg(lineage("plain")))
    assert [each.tag for each in root.iter()] == [each.tag for each in plain.iter()]
    lines = flowchart(lineage(name)).splitlines()
    assert len(lines) == len(flowchart(lineage("plain")).splitlines())
    assert all(line.count('"') in (0, 2) for line in lines)
    assert not any(re.search(r"<(?!br>)", line) for line in lines)


def test_the_policy_names_style_and_script() -> None:
    """The page may load nothing and execute nothing but its own script."""
    text = page(lineage("plain"), "plain")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-")
    assert "unsafe" not in policy[1]
    assert not re.search(r"\sstyle=|\son[a-z]+=", text)


def test_no_script_writes_markup() -> None:
    """The page's scripts make elements and texts, and never markup from data."""
    for script in (Path(page.__code__.co_filename).with_name("templates")).glob("*.js"):
        text = script.read_text()
        found = re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|</", text)
        assert not found, (script.name, found)


def test_files_of_a_card() -> None:
    """A card shows a few files and lists the others in its title; files of one name are distinguishable."""
    many = Stage("many", "s", {}, {f"r{n}": f"out/{n}.txt" for n in range(20)})
    two = Stage("two", "s", {"a": "one/x.txt", "b": "two/x.txt"}, {"o": "y.txt"})
    drawn = picture(Lineage([many, two]))
    rows = next(card.rows for card in drawn.cards if card.name == "many")
    assert [row.label for row in rows[:2]] == ["0.txt", "1.txt"]
    assert rows[-1].label == "and 13 more files"
    assert "out/19.txt" in rows[-1].path
    assert {card.label for card in drawn.cards if card.stage is None} == {"one/x.txt", "two/x.txt"}


def test_shortened() -> None:
    """A long text loses its middle; a short one nothing; wide signs count double."""
    assert shortened("short", 10) == "short"
    assert re.fullmatch(r"aaa+…b+z", shortened("a" * 50 + "b" * 49 + "z", 20))
    assert len(shortened("漢" * 50, 20)) < 12
