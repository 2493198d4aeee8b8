"""A lineage as a Mermaid flowchart, which GitHub and many editors draw. Pure."""

from collections.abc import Iterator

from redoit.lineage.lineage import Lineage
from redoit.text import one_line

CLASSES = {
    "ran": "fill:#d6e6f5,stroke:#0b62a4,color:#10202e",
    "restored": "fill:#dff0e8,stroke:#00715a,color:#10202e",
    "kept": "fill:#f1f3f4,stroke:#56616b,color:#10202e",
    "failed": "fill:#f9dfd3,stroke:#b3400b,color:#10202e",
    "not run": "fill:#eeeeee,stroke:#666666,color:#10202e,stroke-dasharray:4 3",
}
UNSAFE = '&<>"#`\\;[]{}()|'  # what could end a label, or be taken for markup in it


def flowchart(lineage: Lineage) -> str:
    """Return the graph of stages and files, each stage with what became of it in the newest run."""
    return "\n".join(_lines(lineage)) + "\n"


def _lines(lineage: Lineage) -> Iterator[str]:
    verdicts = lineage.runs[0].verdicts if lineage.runs else {}
    files = {path: f"f{number}" for number, path in enumerate((*lineage.sources, *lineage.makers))}
    yield "flowchart LR"
    for path, name in files.items():
        yield f'    {name}(["{_label(path)}"])'
    for number, stage in enumerate(lineage.stages):
        verdict = verdicts.get(stage.name)
        word = f"<br>{_label(verdict.word)}" if verdict else ""
        yield f'    s{number}["{_label(stage.name)}{word}"]'
        for path in dict.fromkeys(stage.inputs.values()):
            yield f"    {files[path]} --> s{number}"
        for path in stage.outputs.values():
            yield f"    s{number} --> {files[path]}"
    for word, style in CLASSES.items():
        chosen = [f"s{n}" for n, stage in enumerate(lineage.stages) if _word(lineage, stage.name) == word]
        if chosen:
            name = word.replace(" ", "")
            yield f"    classDef {name} {style}"
            yield f"    class {','.join(chosen)} {name}"


def _word(lineage: Lineage, stage: str) -> str:
    verdict = lineage.runs[0].verdicts.get(stage) if lineage.runs else None
    return verdict.word if verdict else ""


def _label(text: str) -> str:
    """Return a text in which nothing is markup."""
    return "".join(f"#{ord(sign)};" if sign in UNSAFE else sign for sign in one_line(text))
