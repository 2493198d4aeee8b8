"""Pages of a lineage, and its picture alone: all names stay text, and short."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from lineages import HOSTILE_NAMES, all_named

from redoit.lineage.page import page, svg


class Elements(HTMLParser):
    """Counts the elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Note an element."""
        self.names.append(tag)


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_names_on_a_page(name: str) -> None:
    """A page with hostile names has the same elements, can be encoded, and is not much larger."""
    text = page(all_named(name), name)
    assert Elements(text).names == Elements(page(all_named("plain"), "plain")).names
    assert len(text.encode()) < 150_000
    assert "\x1b" not in text


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_names_in_a_picture(name: str) -> None:
    """The picture is well-formed and has the same elements whatever names say."""
    root = ET.fromstring(svg(all_named(name)))
    plain = ET.fromstring(svg(all_named("plain")))
    assert [each.tag for each in root.iter()] == [each.tag for each in plain.iter()]


def test_the_policy_names_style_and_script() -> None:
    """The page may load nothing and execute nothing but its own script."""
    text = page(all_named("plain"), "plain")
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
