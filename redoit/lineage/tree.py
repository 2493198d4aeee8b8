"""The provenance of one file as a tree for the terminal. Knows rich, and neither disks nor doit."""

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from redoit.engine.undeclared import undeclared_inputs
from redoit.lineage.lineage import Lineage, Origins, Provenance
from redoit.model import Trace
from redoit.text import format_number, format_seconds, format_size, format_time, one_line

DIGEST_CHARACTERS = 12
MAX_VALUES = 12  # settings or metrics in one line
MAX_BYTES = 2**53  # a larger size is shown as this
MAX_LEVELS = 200


def show(origins: Origins, lineage: Lineage, present: Mapping[str, str | None], console: Console) -> None:
    """Print the first file, the execution that made it, and that one's inputs likewise, up to the sources.

    `present`: file -> digest of what is in place. An execution is printed once, and then referred to.
    """
    origin = next(iter(origins.values()))
    root = Tree(_file(origin, present), guide_style="dim")
    shown = set[str]()
    pending = [(origin, root, 0)]
    while pending:
        above, branch, depth = pending.pop()
        if above.stage is None:
            continue
        text = _stage(above, lineage)
        made = branch.add(text)
        if above.trace is None:
            continue
        if above.trace.name in shown or depth > MAX_LEVELS:
            text.append("; see above" if above.trace.name in shown else "; and so on", "dim")
            continue
        shown.add(above.trace.name)
        for line in _details(above.trace):
            made.add(line)
        groups: dict[object, list[Provenance]] = {}  # what one execution made stands together
        for each in map(origins.__getitem__, above.inputs):
            groups.setdefault(each.trace.name if each.trace else id(each), []).append(each)
        below = [
            (group[0], made.add(Text("\n").join(_file(each, present) for each in group)), depth + 1)
            for group in groups.values()
        ]
        pending += reversed(below)
    console.print(root)


def _file(origin: Provenance, present: Mapping[str, str | None]) -> Text:
    text = Text(one_line(origin.path), "bold")
    text.append(f"  {origin.digest[:DIGEST_CHARACTERS] or 'content unknown'}", "not bold dim")
    if origin.trace and origin.stage:
        sizes = (made.size for made in origin.trace.manifest.values() if made.content == origin.digest)
        text.append(f"  {format_size(min(next(sizes, 0), MAX_BYTES))}", "not bold dim")
    if origin.stage is None:
        text.append("  source", "not bold dim")
    in_place = present.get(origin.path)
    if in_place is None:
        text.append("  not in place", "not bold yellow")
    elif origin.digest and in_place != origin.digest:
        text.append(f"  other content is in place: {in_place[:DIGEST_CHARACTERS]}", "not bold yellow")
    return text


def _stage(origin: Provenance, lineage: Lineage) -> Text:
    assert origin.stage is not None
    text = Text("made by ").append(one_line(origin.stage.name), "cyan")
    if origin.trace is None:
        return text.append("; that execution is not recorded", "yellow")
    trace = origin.trace
    text.append(f" on {format_time(trace.started)}, in {format_seconds(trace.seconds)} on {one_line(trace.host)}")
    run = lineage.origins.get(trace.name)
    return text.append(f" ({one_line(run.command)})" if run else " (its run is not recorded)", "dim")


def _details(trace: Trace) -> Iterator[Text]:
    values = {
        "settings": [f"{setting.name}={setting.value!r}" for setting in trace.action.settings],
        "undeclared inputs": [row.name for row in undeclared_inputs(trace.observations)],
        "metrics": [f"{name} {format_number(value)}" for name, value in trace.metrics.items()],
    }
    for name, words in values.items():
        if words:
            more = f" and {len(words) - MAX_VALUES} more" if len(words) > MAX_VALUES else ""
            yield Text(f"{name} {one_line(', '.join(words[:MAX_VALUES]))}{more}", "dim")
