"""A lineage as one page that holds everything, needs no network, and says the essentials without scripts, too.

The page may execute and load nothing but what stands in it: its policy names its style and its script by digest.
"""

import base64
import hashlib
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from redoit.history.run_record import RunRecord
from redoit.lineage.island import island
from redoit.lineage.lineage import Lineage
from redoit.lineage.picture import picture
from redoit.reasons import sentence
from redoit.text import format_duration, format_time, one_line

TEMPLATES = Path(__file__).with_name("templates")
STYLES = ("picture.css", "page.css")
SCRIPTS = ("data.js", "differences.js", "show.js", "graph.js", "panel.js", "compare.js", "charts.js", "main.js")
MADE_BY, START = b'<meta name="generator" content="doit lineage">', 1_000  # in the first bytes of each page
ROWS = 500  # stages in the table of the newest run; scripts show others
NOTE = 23  # signs of what a card tells of a verdict: what it saved, or why
SIGNS = {"ran": "ran", "restored": "restored", "kept": "kept", "failed": "failed", "not run": "missed"}


def page(lineage: Lineage, project: str, stages: int = 0) -> str:
    """Return the page. `project`: what it calls the pipeline. `stages`: how many that has, if not all are shown."""
    style = "\n".join(_text(name) for name in STYLES)
    script = '(() => {\n"use strict";\n' + "\n".join(_text(name) for name in SCRIPTS) + "})();\n"
    run = lineage.runs[0] if lineage.runs else None
    return _rendered(
        "lineage.html",
        project=one_line(project),
        made=format_time(time.time()),
        style=style,
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src {_source(style)}; script-src {_source(script)};"
        " base-uri 'none'; form-action 'none'",
        island=island(lineage),
        command=one_line(run.command) if run else "",
        started=format_time(run.started) if run else "",
        rows=_rows(lineage, run),
        shown=f"{len(lineage.stages):,}",
        declared=f"{stages:,}" if stages > len(lineage.stages) else "",
        **_drawn(lineage, run),
    )


def is_page(path: Path) -> bool:
    """Tell whether a file is such a page, which another one may replace. Raises: OSError."""
    with path.open("rb") as file:
        return MADE_BY in file.read(START)


def svg(lineage: Lineage) -> str:
    """Return the graph alone, with what became of each stage in the newest run."""
    run = lineage.runs[0] if lineage.runs else None
    return _rendered("lineage.svg", style=_text("picture.css"), **_drawn(lineage, run))


def _drawn(lineage: Lineage, run: RunRecord | None) -> dict[str, Any]:
    return {"picture": picture(lineage), "verdicts": [_told(run, stage.name, stage.files) for stage in lineage.stages]}


def _told(run: RunRecord | None, stage: str, files: Mapping[str, str]) -> dict[str, Any]:
    """Return what a card says of a stage's verdict."""
    verdict = run.verdicts.get(stage) if run else None
    if verdict is None:
        return {"word": "not asked for" if run else "no run on record", "sign": "none", "time": "", "note": ""}
    word, took = (verdict.word, brief_span(verdict.seconds)) if verdict.word != "not run" else ("not reached", "")
    note = (
        f"saved {brief_span(verdict.saved)}"
        if verdict.saved > 0
        else one_line(verdict.error or sentence(verdict.reasons, files))
    )
    cut = note if len(note) <= NOTE else f"{note[: NOTE - 1]}…"
    return {"word": word, "sign": SIGNS[verdict.word], "time": took, "note": cut}


def _rows(lineage: Lineage, run: RunRecord | None) -> list[dict[str, Any]]:
    """Return the table of stages, for who has no scripts."""
    files = {stage.name: stage.files for stage in lineage.stages}
    names = [*files, *(name for name in lineage.undeclared if run and name in run.verdicts)]
    rows = []
    for name in names[:ROWS]:
        verdict = run.verdicts.get(name) if run else None
        origin = lineage.origins.get(verdict.trace) if verdict else None
        rows.append(
            {
                "name": one_line(name),
                **_told(run, name, files.get(name, {})),
                "saved": brief_span(verdict.saved) if verdict and verdict.saved else "",
                "why": one_line(verdict.error or sentence(verdict.reasons, files.get(name))) if verdict else "",
                "origin": f"{format_time(origin.started)}, {one_line(origin.command)}"
                if origin and origin is not run
                else "",
            }
        )
    return rows


def brief_span(seconds: float) -> str:
    """Return a duration in few signs."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else format_duration(seconds)


def _rendered(template: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)


@lru_cache
def _text(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


def _source(text: str) -> str:
    """Return how a policy names a text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
