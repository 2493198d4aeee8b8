"""The lineage as one page that holds everything, needs no network, and shows the newest run without scripts, too.

Its content security policy names its style and its script by digest, so it executes and loads nothing else.
"""

import base64
import hashlib
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from redoit.history.run_record import RunRecord, StageRecord
from redoit.lineage.lineage import Lineage
from redoit.lineage.page_data import page_data
from redoit.lineage.picture import picture
from redoit.model import Status
from redoit.reasons import sentence
from redoit.text import format_short_duration, format_time, one_line

TEMPLATES = Path(__file__).with_name("templates")
STYLES = ("picture.css", "page.css")
SCRIPTS = ("data.js", "differences.js", "show.js", "graph.js", "panel.js", "compare.js", "charts.js", "main.js")
GENERATOR, HEAD_BYTES = b'<meta name="generator" content="doit lineage">', 1_000  # in the first bytes of each page
MAX_ROWS = 500  # stages in the table of the newest run; scripts show others
MAX_NOTE_CHARACTERS = 23  # of a card
SIGNS = {Status.NOT_RUN: "missed"}  # of a symbol and a style; those of any other status have its name


def page(lineage: Lineage, project: str, stages: int = 0) -> str:
    """Return the page. `project`: the name of the pipeline. `stages`: how many it has, if not all are shown."""
    style = "\n".join(_template(name) for name in STYLES)
    script = '(() => {\n"use strict";\n' + "\n".join(_template(name) for name in SCRIPTS) + "})();\n"
    run = lineage.runs[0] if lineage.runs else None
    return _rendered(
        "lineage.html",
        project=one_line(project),
        made=format_time(time.time()),
        style=style,
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src {_source(style)}; script-src {_source(script)};"
        " base-uri 'none'; form-action 'none'",
        data=page_data(lineage),
        command=one_line(run.command) if run else "",
        started=format_time(run.started) if run else "",
        rows=_rows(lineage, run),
        shown=f"{len(lineage.stages):,}",
        declared=f"{stages:,}" if stages > len(lineage.stages) else "",
        **_graph(lineage),
    )


def is_page(path: Path) -> bool:
    """Tell whether a file is such a page, which another one may replace. Raises: OSError."""
    with path.open("rb") as file:
        return GENERATOR in file.read(HEAD_BYTES)


def svg(lineage: Lineage) -> str:
    """Return the graph alone, each stage with its outcome in the newest run."""
    return _rendered("lineage.svg", style=_template("picture.css"), **_graph(lineage))


def _graph(lineage: Lineage) -> dict[str, Any]:
    run = lineage.runs[0] if lineage.runs else None
    outcomes = [_outcome(run, run and run.stages.get(stage.name), stage.files) for stage in lineage.stages]
    return {"picture": picture(lineage), "outcomes": outcomes}


def _outcome(run: RunRecord | None, record: StageRecord | None, files: dict[str, str] | None) -> dict[str, str]:
    """Return how a stage's outcome is shown; `note` is for its card."""
    if record is None:
        status = "not selected" if run else "no run is recorded"
        return {"status": status, "sign": "none", "time": "", "saved": "", "why": "", "note": ""}
    why = one_line(record.error or sentence(record.reasons, files))
    saved = format_short_duration(record.saved) if record.saved else ""
    note = f"saved {saved}" if record.saved > 0 else why
    return {
        "status": record.status,
        "sign": SIGNS.get(record.status, record.status),
        "time": "" if record.status is Status.NOT_RUN else format_short_duration(record.seconds),
        "saved": saved,
        "why": why,
        "note": note if len(note) <= MAX_NOTE_CHARACTERS else f"{note[: MAX_NOTE_CHARACTERS - 1]}…",
    }


def _rows(lineage: Lineage, run: RunRecord | None) -> list[dict[str, str]]:
    """Return the table of stages in the newest run."""
    files = {stage.name: stage.files for stage in lineage.stages}
    records = run.stages if run else {}
    names = [*files, *(name for name in lineage.undeclared if name in records)]
    rows = []
    for name in names[:MAX_ROWS]:
        record = records.get(name)
        origin = lineage.origins.get(record.trace) if record else None
        made = (
            f"{format_time(origin.started)}, {one_line(origin.command)}"
            if origin and run and origin.name != run.name
            else ""
        )
        rows.append({"name": one_line(name), "origin": made, **_outcome(run, record, files.get(name))})
    return rows


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
def _template(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


def _source(text: str) -> str:
    """Return how a content security policy names a text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
