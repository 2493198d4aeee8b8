"""The live region of running stages fits the terminal, for all names and outputs."""

import io
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyte import ByteStream, Screen

from redoit.terminal.live import StageRow
from redoit.terminal.region import Region
from redoit.terminal.rows import Rows

COLUMNS, ROWS = 40, 10
PIECES = [
    "\x1b[",
    "31m",
    "38;5;",
    "48;2;1;2;999m",
    "\x1b]8;;",
    "\x07",
    "\r",
    "\n",
    "\b\b\b",
    "\x1b[2A",
    "\x1b[K",
    "\x1b[J",
]
PIECES += [
    "\x1b[B",
    "\t",
    "x",
    "━",
    "日本",
    "e\u0301",
    "\x9b31m",
    100 * "a",
    "\x1b[9;9H",
    "[bold]",
    "\ud800",
    "\x00",
    "\x1b[2J",
]


class Stream(io.StringIO):
    """What a terminal of a fixed size receives."""

    encoding = "utf-8"


@example(["x" * (COLUMNS - 3) + "e\u0301"], None)  # fills its row, and a mark follows
@settings(max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=8),
    st.sampled_from([None, 1e-9, 1e9]),
)
def test_the_region_leaves_what_stands(texts: list[str], estimate: float | None) -> None:
    """Whatever steps print, what stood above stays, and in the end nothing of the display is left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(COLUMNS))
        patch.setenv("LINES", str(ROWS))
        stream, plain = Stream(), Stream()
        stages = [
            StageRow(name, estimate, Rows(), time.perf_counter())
            for name in ("one", "日本 and a name that is rather long")
        ]
        region = Region(stream, lambda: stages, coloured=True)
        for index, text in enumerate(texts):
            lines = stages[index % 2].rows.feed(text)
            region.draw(lines)
            plain.write(lines)
        region.stop()
    assert shown(stream.getvalue()) == shown(plain.getvalue())


def shown(text: str) -> list[str]:
    """Return what a terminal shows of a text, without what was scrolled away; tabs and colours aside."""
    screen = Screen(COLUMNS, 400)
    ByteStream(screen).feed(text.replace("\n", "\r\n").encode("utf-8", "backslashreplace"))
    return "\n".join(line.rstrip() for line in screen.display).rstrip().split("\n")


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (60, r"train  5\.0 s of ~10\.0 s   50 %  ━{14}"),
        (40, r"train  5\.0 s of ~10\.0 s   50 %  ━{4}"),
        (30, r"train  5\.0 s of ~10\.0 s   50 %"),
        (24, r"train  5\.0 s of ~10\.0 s"),
        (12, r"train  5\.0 ?s?…"),
    ],
)
def test_narrow(columns: int, line: str) -> None:
    """What has no room on a narrow terminal is left out, the bar first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("LINES", str(ROWS))
        stream = Stream()
        patch.setattr(time, "perf_counter", lambda: 5.0)
        stage = StageRow("train", 10.0, Rows(), started=0.0)
        region = Region(stream, lambda: [stage], coloured=False)
        region.draw("")
    found = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).split("\r")[-1]
    assert re.fullmatch(line, found.rstrip()), found
