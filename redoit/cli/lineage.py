"""`doit lineage`: which stage made what from what, in which run; as a page, a picture, JSON, or for one file a tree."""

import json
import os
from pathlib import Path
from typing import Any

from redoit.cli.base import StageCommand
from redoit.errors import DeclarationError
from redoit.lineage.exported import lineage_json, provenance_json
from redoit.lineage.lineage import Lineage, Provenance, in_order, provenance
from redoit.lineage.mermaid import flowchart
from redoit.lineage.page import is_page, page, svg
from redoit.lineage.recall import load_lineage, most_active
from redoit.model import Stage
from redoit.plugin.checkout import engine, run_log
from redoit.plugin.stage_task import stage_of
from redoit.source.settings import nearest
from redoit.storage import disk
from redoit.text import encodable

PAGE = "data/lineage.html"
WIDE = 1_000  # characters of a line that no terminal wraps
DIGITS = 9  # of a number of runs
SHOWN = 500  # stages on a page; of more, those that tell most
FORMS = ("json", "mermaid", "svg")


def _flag(name: str, text: str) -> dict[str, Any]:
    return {"name": f"as_{name}", "long": name, "type": bool, "default": False, "help": text}


class ShowLineage(StageCommand):
    """Shows the lineage. Changes nothing but the page that it writes, so others may run meanwhile."""

    name = "lineage"
    doc_purpose = "show which stage made what from what, run by run"
    doc_usage = "[FILE]"
    doc_description = (
        "Writes one page that holds everything and opens from disk: the graph of stages and files, what became of each"
        " stage in each run and why, what differs between two runs, and how times and metrics went. With a FILE: where"
        " its content came from, up to the sources, here in the terminal."
    )
    cmd_options = (
        {
            "name": "output",
            "short": "o",
            "long": "output",
            "type": str,
            "default": PAGE,
            "help": "where to write the page (default: %(default)s)",
        },
        {
            "name": "shown_runs",
            "long": "runs",
            "type": str,
            "default": "",
            "help": "how many runs to show (default: the newest 50, fewer of a large pipeline)",
        },
        _flag("json", "print it as JSON instead"),
        _flag("mermaid", "print the graph as a Mermaid flowchart instead"),
        _flag("svg", "print the graph as a picture instead"),
    )
    exclusive = False
    _start = Path()

    def execute(self, params: Any, args: list[str]) -> int:
        """Run the command; a file is named as from the folder that doit was called in."""
        self._start = Path.cwd()
        return super().execute(params, args)

    def _execute(  # noqa: PLR0917 - doit passes its options by name
        self, output: str, shown_runs: str, as_json: bool, as_mermaid: bool, as_svg: bool, pos_args: list[str]
    ) -> int:
        self.need_stages()
        form = self._form(as_json, as_mermaid, as_svg)
        if shown_runs and not (shown_runs.isdecimal() and int(shown_runs[:DIGITS]) > 0):
            raise DeclarationError("--runs", f"found {shown_runs}, expected a number of runs", "say --runs 20")
        number = int(shown_runs[:DIGITS]) if shown_runs else None
        stages = self._stages()
        self.dep_manager.close()
        if pos_args:
            self._show(pos_args, stages, number, form)
            return 0
        if not form:
            self._write(stages, number, output)
            return 0
        lineage = load_lineage(engine().workspace, run_log(), stages, number)
        if form == "json":
            self._say(json.dumps(lineage_json(lineage)))
        elif form == "mermaid":
            self._say(flowchart(lineage).rstrip("\n"))
        else:
            self._say(svg(lineage).rstrip("\n"))
        return 0

    def _form(self, *chosen: bool) -> str:
        """Return the form that was asked for, empty for the page. Raises: DeclarationError on more than one."""
        forms = [name for name, wanted in zip(FORMS, chosen, strict=True) if wanted]
        if len(forms) > 1:
            found = f"found {' and '.join(f'--{name}' for name in forms)}, expected one of them"
            raise DeclarationError("doit lineage", found, "leave the others out")
        return forms[0] if forms else ""

    def _stages(self) -> list[Stage]:
        stages = {task.name: stage.stage for task in self.task_list if (stage := stage_of(task))}
        return in_order(stages.values(), self.loader.session.graph.needed(stages))

    def _write(self, stages: list[Stage], number: int | None, name: str) -> None:
        """Write the page, and say how to look at it. Raises: DiskError."""
        workspace = engine().workspace
        shown = most_active(run_log(), stages, SHOWN)
        lineage = load_lineage(workspace, run_log(), shown, number, texts=True, alone=len(shown) < len(stages))
        target = self._start / name if name != PAGE else Path(PAGE)
        taken = os.path.lexists(target) and not (target.is_file() and not target.is_symlink() and is_page(target))
        if os.path.relpath(target) in Lineage(stages).makers or taken:
            found = "found something else there, or that a stage makes, expected a place for the page"
            raise DeclarationError(name, found, "say: doit lineage -o another.html")
        text = page(lineage, Path.cwd().name, len(stages))
        disk.make_folders(target.parent)
        disk.write_unsynced(target, text.encode())
        runs = f"{len(lineage.runs)} run{'' if len(lineage.runs) == 1 else 's'}"
        more = f" ({lineage.older} older not shown: --runs)" if lineage.older else ""
        size = f"{len(text.encode()) / 1000:,.0f} kB"
        self._say(f"{os.path.relpath(target, self._start)}: {_few(len(shown), len(stages))}, {runs}{more}, {size}.")
        self._say(f"Open it in a browser: {target.absolute().as_uri()}")

    def _show(self, arguments: list[str], stages: list[Stage], runs: int | None, form: str) -> None:
        """Show where one file came from. Raises: DeclarationError if it is none of the pipeline's."""
        for word in arguments[1:]:
            todo = f"say: doit lineage {word} {arguments[0]}" if word.startswith("-") else "ask for one after the other"
            raise DeclarationError(word, f"found behind the file {arguments[0]}, expected nothing", todo)
        if form not in ("", "json"):
            raise DeclarationError("doit lineage", f"found --{form} and a file, expected one of them", "leave one out")
        path = self._path(arguments[0], Lineage(stages))
        maker, _ = Lineage(stages).makers.get(path, (None, ""))
        needed = set(self.loader.session.graph.needed([maker.name] if maker else ()))
        lineage = load_lineage(
            engine().workspace, run_log(), [stage for stage in stages if stage.name in needed], runs, alone=True
        )
        digest = engine().workspace.stat_cache.digest
        there = digest(path)
        origin = provenance(lineage, path, there or "")
        changed = there is not None and origin.stage is not None and origin.trace is None
        if changed:  # by hand, or in a run not on record
            origin = provenance(lineage, path)
        if form == "json":
            self._say(json.dumps(provenance_json(origin, lineage) | {"in_place": there}, indent=1))
            return
        self._tree(origin, lineage)
        if changed and origin.stage:
            name = origin.stage.name
            text = f"{path} is not what {name} made last, shown here: changed by hand, or made by a run not on record."
            self._say(
                text if origin.trace else f"No result of {name} is on record, so nobody knows how {path} was made."
            )

    def _path(self, argument: str, lineage: Lineage) -> str:
        """Return a file of the pipeline as its stages name it. Raises: DeclarationError."""
        known = {*lineage.makers, *lineage.sources}
        spelt = (os.path.normpath(argument), os.path.relpath(self._start / argument), os.path.abspath(argument))
        found = next((path for path in spelt if path in known), None)
        stage = next((stage for stage in lineage.stages if stage.name == argument), None)
        if found is None and stage:
            todo = f"say: doit lineage {next(iter(stage.outputs.values()))}"
            raise DeclarationError(argument, "found a stage, expected a file", todo)
        if found is None:
            raise DeclarationError(argument, "no stage makes or reads this file", nearest(argument, known))
        return found

    def _tree(self, origin: Provenance, lineage: Lineage) -> None:
        from rich.console import Console

        from redoit.lineage.tree import show

        paths = {each.path for each in origin.all()}
        present = {path: engine().workspace.stat_cache.digest(path) for path in paths}
        width = None if self.outstream.isatty() else WIDE
        show(origin, lineage, present, Console(file=self.outstream, highlight=False, markup=False, width=width))

    def _say(self, text: str) -> None:
        self.outstream.write(encodable(f"{text}\n", self.outstream.encoding))


def _few(shown: int, all_of_them: int) -> str:
    return f"{shown} stages" if shown == all_of_them else f"{shown} of {all_of_them:,} stages"
