"""The lineage as plain JSON for other programs: each run, and each trace once, by name. Pure."""

from redoit.history.run_log import RunRecord
from redoit.lineage.lineage import Lineage, Provenance
from redoit.model import Trace
from redoit.reasons import sentence
from redoit.storage.serialize import trace_to_dict

VERSION = 1  # of these fields


def lineage_json(lineage: Lineage) -> dict[str, object]:
    """Return a lineage without its texts. Times are in seconds, or seconds since the epoch."""
    return {
        "version": VERSION,
        "stages": [
            {
                **{field: getattr(stage, field) for field in ("name", "step", "inputs", "outputs")},
                **stage.policy._asdict(),
            }
            for stage in lineage.stages
        ],
        "runs": [_run(run, lineage) for run in lineage.runs],
        "older_runs": lineage.older,
        "latest": {name: next(iter(names), None) for name, names in lineage.latest.items()},
        "traces": {name: _trace(trace, lineage) for name, trace in sorted(lineage.traces.items())},
    }


def provenance_json(root: Provenance, lineage: Lineage) -> dict[str, object]:
    """Return the provenance of a file: each content once, by path and digest, the file asked for first."""
    files = [
        {
            "path": origin.path,
            "digest": origin.digest or None,
            "stage": origin.stage.name if origin.stage else None,
            "trace": _trace(origin.trace, lineage) if origin.trace else None,
            "inputs": [{"path": each.path, "digest": each.digest or None} for each in origin.inputs],
        }
        for origin in root.all()
    ]
    return {"version": VERSION, "files": files}


def _run(run: RunRecord, lineage: Lineage) -> dict[str, object]:
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


def _trace(trace: Trace, lineage: Lineage) -> dict[str, object]:
    fields, run = trace_to_dict(trace), lineage.origins.get(trace.name)
    return {
        "name": trace.name,
        "key": trace.action.key,
        "run": run.name if run else None,
        **{field: fields[field] for field in ("stage", "started", "seconds", "host", "metrics", "log")},
        "step": list(trace.action.step),
        "inputs": {role: read.digest for role, read in trace.action.inputs.items()},
        "uses": dict(trace.action.uses),
        "code": dict(trace.action.code),
        "environment": trace.action.environment.rows,
        "settings": {name: value for name, _, value in fields["action"]["settings"]},
        "outputs": {role: made._asdict() for role, made in trace.manifest.items()},
    }
