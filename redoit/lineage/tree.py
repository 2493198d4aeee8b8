"""The provenance of one file as a tree for the terminal. Knows rich, and neither disks nor doit."""

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from redoit.lineage.lineage import Lineage, Provenance
from redoit.model import Trace
from redoit.text import format_number, format_size, format_time, one_line

SHORT = 12  # digits of a digest that are shown
FEW = 12  # settings in one line
HUGE = 2**53  # bytes; what is larger is shown as this
DEEP = 200  # levels that are shown


def show(origin: Provenance, lineage: Lineage, present: Mapping[str, str | None], console: Console) -> None:
    """Print a file, what made it, and what that read, up to the sources. `present`: file -> digest of what is in place.

    An execution that was shown once is named afterwards.
    """
    root = Tree(_file(origin, present), guide_style="dim")
    shown = set[str]()
    ahead = [(origin, root, 0)]
    while ahead:
        above, branch, depth = ahead.pop()
        if above.stage is None:
            continue
        text = _stage(above, lineage)
        made = branch.add(text)
        if above.trace is None:
            continue
        if above.trace.name in shown or depth > DEEP:
            text.append("; see above" if above.trace.name in shown else "; and so on", "dim")
            continue
        shown.add(above.trace.name)
        for line in _details(above.trace):
            made.add(line)
        groups = _groups(above.inputs)
        below = [made.add(Text("\n").join(_file(each, present) for each in group)) for group in groups]
        ahead += reversed([(group[0], each, depth + 1) for group, each in zip(groups, below, strict=True)])
    console.print(root)


def _groups(origins: Iterable[Provenance]) -> list[list[Provenance]]:
    """Return files together that one execution made."""
    groups: dict[object, list[Provenance]] = {}
    for origin in origins:
        groups.setdefault(origin.trace.name if origin.trace else id(origin), []).append(origin)
    return list(groups.values())


def _file(origin: Provenance, present: Mapping[str, str | None]) -> Text:
    text = Text(one_line(origin.path), "bold")
    text.append(f"  {origin.digest[:SHORT] or 'content unknown'}", "not bold dim")
    if origin.trace and origin.stage:
        sizes = (one.size for one in origin.trace.manifest.values() if one.digest == origin.digest)
        text.append(f"  {format_size(min(next(sizes, 0), HUGE))}", "not bold dim")
    if origin.stage is None:
        text.append("  source", "not bold dim")
    there = present.get(origin.path)
    if there is None:
        text.append("  not in place", "not bold yellow")
    elif origin.digest and there != origin.digest:
        text.append(f"  another content is in place: {there[:SHORT]}", "not bold yellow")
    return text


def _stage(origin: Provenance, lineage: Lineage) -> Text:
    assert origin.stage is not None
    text = Text("made by ").append(one_line(origin.stage.name), "cyan")
    if origin.trace is None:
        return text.append("; that execution is not on record", "yellow")
    text.append(
        f" on {format_time(origin.trace.started)}, in {origin.trace.seconds:.3f}s on {one_line(origin.trace.host)}"
    )
    run = lineage.origins.get(origin.trace.name)
    return text.append(f" ({one_line(run.command)})" if run else " (its run is not on record)", "dim")


def _details(trace: Trace) -> Iterator[Text]:
    found = {
        "settings": [f"{one.name}={one.value!r}" for one in trace.action.settings],
        "metrics": [f"{name} {format_number(value)}" for name, value in trace.metrics.items()],
    }
    for name, words in found.items():
        if words:
            more = f" and {len(words) - FEW} more" if len(words) > FEW else ""
            yield Text(f"{name} {one_line(', '.join(words[:FEW]))}{more}", "dim")
