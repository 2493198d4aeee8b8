"""The lineage as a Mermaid flowchart, which GitHub and many editors draw. Pure."""

from collections.abc import Iterator

from redoit.lineage.lineage import Lineage
from redoit.model import Status
from redoit.text import one_line

STYLES = {
    Status.RAN: "fill:#d6e6f5,stroke:#0b62a4,color:#10202e",
    Status.RESTORED: "fill:#dff0e8,stroke:#00715a,color:#10202e",
    Status.KEPT: "fill:#f1f3f4,stroke:#56616b,color:#10202e",
    Status.FAILED: "fill:#f9dfd3,stroke:#b3400b,color:#10202e",
    Status.NOT_RUN: "fill:#eeeeee,stroke:#666666,color:#10202e,stroke-dasharray:4 3",
}
MARKUP = '&<>"#`\\;[]{}()|'  # what could end a label, or count as markup in it


def flowchart(lineage: Lineage) -> str:
    """Return the graph of stages and files, each stage with its outcome in the newest run."""
    return "\n".join(_lines(lineage)) + "\n"


def _lines(lineage: Lineage) -> Iterator[str]:
    records = lineage.runs[0].stages if lineage.runs else {}
    statuses = [records[stage.name].status if stage.name in records else None for stage in lineage.stages]
    files = {path: f"f{number}" for number, path in enumerate((*lineage.sources, *lineage.makers))}
    yield "flowchart LR"
    for path, name in files.items():
        yield f'    {name}(["{_label(path)}"])'
    for number, (stage, status) in enumerate(zip(lineage.stages, statuses, strict=True)):
        yield f'    s{number}["{_label(stage.name)}{f"<br>{status}" if status else ""}"]'
        for path in dict.fromkeys(stage.inputs.values()):
            yield f"    {files[path]} --> s{number}"
        for path in stage.outputs.values():
            yield f"    s{number} --> {files[path]}"
    for status, style in STYLES.items():
        if status in statuses:
            name = status.replace(" ", "")
            yield f"    classDef {name} {style}"
            yield f"    class {','.join(f's{n}' for n, each in enumerate(statuses) if each is status)} {name}"


def _label(text: str) -> str:
    """Return a text with all markup escaped."""
    return "".join(f"#{ord(sign)};" if sign in MARKUP else sign for sign in one_line(text))
