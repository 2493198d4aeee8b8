"""The lineage for other programs: as JSON, with each run, and each trace once; as a Mermaid flowchart. Pure."""

from collections.abc import Iterable

from redoit.history.run_log import RunRecord
from redoit.lineage.lineage import Lineage, Provenance
from redoit.model import Stage, Status, Trace
from redoit.reasons import sentence
from redoit.storage.serialize import action_field, json_value
from redoit.text import one_line

VERSION = 1  # of the fields in JSON
STYLES = {
    Status.RAN: "fill:#d6e6f5,stroke:#0b62a4,color:#10202e",
    Status.RESTORED: "fill:#dff0e8,stroke:#00715a,color:#10202e",
    Status.KEPT: "fill:#f1f3f4,stroke:#56616b,color:#10202e",
    Status.FAILED: "fill:#f9dfd3,stroke:#b3400b,color:#10202e",
    Status.NOT_RUN: "fill:#eeeeee,stroke:#666666,color:#10202e,stroke-dasharray:4 3",
}
MARKUP = '&<>"#`\\;[]{}()|'  # what could end a label, or count as markup in it


def lineage_json(lineage: Lineage) -> dict[str, object]:
    """Return a lineage without its texts. Times are in seconds, or seconds since the epoch."""
    return {
        "version": VERSION,
        "stages": [{**stage_json(stage), **stage.policy._asdict()} for stage in lineage.stages],
        "runs": [run_json(run, lineage) for run in lineage.runs],
        "older_runs": lineage.older,
        "latest": {name: next(iter(names), None) for name, names in lineage.latest.items()},
        "traces": {name: trace_json(trace, lineage) for name, trace in sorted(lineage.traces.items())},
    }


def provenance_json(origins: Iterable[Provenance], lineage: Lineage) -> dict[str, object]:
    """Return provenances, each with what it was made from by path and digest."""
    files = [
        {
            "path": origin.path,
            "digest": origin.digest or None,
            "stage": origin.stage.name if origin.stage else None,
            "trace": trace_json(origin.trace, lineage) if origin.trace else None,
            "inputs": [{"path": path, "digest": digest} for path, digest in origin.inputs],
        }
        for origin in origins
    ]
    return {"version": VERSION, "files": files}


def flowchart(lineage: Lineage) -> str:
    """Return the graph of stages and files, each stage with its outcome in the newest run, as Mermaid."""
    records = lineage.runs[0].stages if lineage.runs else {}
    statuses = [records[stage.name].status if stage.name in records else None for stage in lineage.stages]
    files = {path: f"f{number}" for number, path in enumerate((*lineage.sources, *lineage.makers))}
    lines = ["flowchart LR", *(f'{name}(["{_label(path)}"])' for path, name in files.items())]
    for number, (stage, status) in enumerate(zip(lineage.stages, statuses, strict=True)):
        lines.append(f's{number}["{_label(stage.name)}{f"<br>{status}" if status else ""}"]')
        lines += [f"{files[path]} --> s{number}" for path in dict.fromkeys(stage.inputs.values())]
        lines += [f"s{number} --> {files[path]}" for path in stage.outputs.values()]
    for status, style in STYLES.items():
        if members := [f"s{number}" for number, each in enumerate(statuses) if each is status]:
            name = status.replace(" ", "")
            lines += [f"classDef {name} {style}", f"class {','.join(members)} {name}"]
    return "\n    ".join(lines) + "\n"


def stage_json(stage: Stage) -> dict[str, object]:
    """Return a stage as it is declared, but for its policy."""
    return {field: getattr(stage, field) for field in ("name", "step", "inputs", "outputs")}


def run_json(run: RunRecord, lineage: Lineage) -> dict[str, object]:
    """Return a run with the outcome of each stage."""
    stages = {
        name: {
            "verdict": record.status,
            "key": record.key or None,
            "trace": record.trace or None,
            "seconds": record.seconds,
            "saved": record.saved,
            "reason": sentence(record.reasons, lineage.files.get(name)),
            "error": record.error,
        }
        for name, record in run.stages.items()
    }
    fields = {field: getattr(run, field) for field in ("name", "command", "started", "seconds", "saved")}
    return {**fields, "whole": run.complete, "stages": stages}


def trace_json(trace: Trace, lineage: Lineage) -> dict[str, object]:
    """Return a trace with the name of the run that made it."""
    run = lineage.origins.get(trace.name)
    fields = ("stage", "started", "seconds", "host", "metrics", "log", "observations")
    return {
        "name": trace.name,
        "key": trace.action.key,
        "run": run.name if run else None,
        **{field: json_value(getattr(trace, field)) for field in fields},
        "step": list(trace.action.step),
        "inputs": {role: read.digest for role, read in trace.action.inputs.items()},
        "uses": dict(trace.action.uses),
        "code": trace.code,
        "environment": trace.action.environment.rows,
        "settings": {name: value for name, _, value in action_field(trace.action, "settings")},
        "outputs": {role: made._asdict() for role, made in trace.manifest.items()},
    }


def _label(text: str) -> str:
    """Return a text with all markup escaped."""
    return "".join(f"#{ord(sign)};" if sign in MARKUP else sign for sign in one_line(text))
