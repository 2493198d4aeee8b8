"""The lineage as one page that holds everything, needs no network, and shows the newest run without scripts, too.

Its content security policy names its style and its script by digest, so it executes and loads nothing else.
"""

import base64
import hashlib
import time
from pathlib import Path

from redoit.history.run_log import RunRecord
from redoit.lineage.lineage import Lineage
from redoit.lineage.page_data import page_data
from redoit.lineage.picture import picture
from redoit.model import Status
from redoit.text import format_duration, format_time, one_line

TEMPLATES = Path(__file__).with_name("templates")
STYLES = ("picture.css", "page.css")
SCRIPTS = ("data.js", "differences.js", "show.js", "graph.js", "panel.js", "compare.js", "charts.js", "main.js")
GENERATOR, HEAD_BYTES = b'<meta name="generator" content="doit lineage">', 1_000  # in the first bytes of each page
MAX_ROWS = 500  # stages in the table of the newest run; scripts show others
SIGNS = {Status.NOT_RUN: "missed"}  # of a symbol and a style; those of any other status have its name


def page(lineage: Lineage, project: str, stages: int = 0) -> str:
    """Return the page. `project`: the name of the pipeline. `stages`: how many it has, if not all are shown."""
    style = "\n".join(_template(name) for name in STYLES)
    script = '(() => {\n"use strict";\n' + "\n".join(_template(name) for name in SCRIPTS) + "})();\n"
    return _rendered(
        "lineage.html",
        lineage,
        project=project,
        made=time.time(),
        style=style,
        script=script,
        policy=f"default-src 'none'; img-src data:; style-src {_source(style)}; script-src {_source(script)};"
        " base-uri 'none'; form-action 'none'",
        data=page_data(lineage),
        shown=len(lineage.stages),
        declared=stages,
        max_rows=MAX_ROWS,
    )


def is_page(path: Path) -> bool:
    """Tell whether a file is such a page, which another one may replace. Raises: OSError."""
    with path.open("rb") as file:
        return GENERATOR in file.read(HEAD_BYTES)


def svg(lineage: Lineage) -> str:
    """Return the graph alone, each stage with its outcome in the newest run."""
    return _rendered("lineage.svg", lineage, style=_template("picture.css"))


def _rendered(template: str, lineage: Lineage, **values: object) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"line": one_line, "time": format_time, "duration": format_duration}
    run = lineage.runs[0] if lineage.runs else None
    shown = {"picture": picture(lineage), "outcomes": _outcomes(lineage, run), "run": run}
    return environment.get_template(template).render(**shown, **values)


def _outcomes(lineage: Lineage, run: RunRecord | None) -> list[dict[str, object]]:
    """Return what a run has of each stage: of those that are declared, then of others that it had."""
    records = run.stages if run else {}
    outcomes: list[dict[str, object]] = []
    for name in (*lineage.files, *(name for name in lineage.undeclared if name in records)):
        status, sign, why, origin = "not selected" if run else "no run is recorded", "none", "", None
        if run and (record := records.get(name)):
            status, sign, why = record.status, SIGNS.get(record.status, record.status), lineage.why(name, record)
            origin = lineage.origins.get(record.trace, run)
        outcomes.append(
            {"name": name, "record": records.get(name), "status": status, "sign": sign, "why": why, "origin": origin}
        )
    return outcomes


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


def _source(text: str) -> str:
    """Return how a content security policy names a text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
