"""`doit lineage`: the pipeline's lineage as a page, SVG, Mermaid or JSON; the provenance of one file as a tree."""

import json
import os
from pathlib import Path

from redoit.cli.base import StageCommand, option
from redoit.cli.console import Console
from redoit.errors import DeclarationError
from redoit.lineage.export import flowchart, lineage_json, provenance_json
from redoit.lineage.lineage import Lineage, provenance
from redoit.lineage.load import load_lineage, most_active
from redoit.lineage.page import is_page, page, svg
from redoit.model import Stage
from redoit.plugin.checkout import engine, run_log
from redoit.plugin.stage_task import stage_of
from redoit.source.settings import nearest
from redoit.storage import disk
from redoit.text import format_count, format_size

PAGE = "data/lineage.html"
MAX_RUNS_DIGITS = 9  # of `--runs`
MAX_STAGES = 500  # on a page; of more, the most active ones
FORMS = {"json": lambda lineage: json.dumps(lineage_json(lineage)), "mermaid": flowchart, "svg": svg}


class ShowLineage(StageCommand):
    """Shows the lineage. Writes nothing but its page, so other commands may run meanwhile."""

    name = "lineage"
    doc_purpose = "show which stage made which files from which inputs, run by run"
    doc_usage = "[FILE]"
    doc_description = (
        "Writes one self-contained page: the graph of stages and files, the status of each stage in each run and why,"
        " the differences between two runs, and the history of times and metrics. With a FILE: prints which stages made"
        " it from which files, up to the sources."
    )
    cmd_options = (
        option("output", PAGE, "where to write the page (default: %(default)s)", short="o"),
        option("runs", "", "number of runs to show (default: the newest 50, fewer for a large pipeline)", "shown_runs"),
        option("json", default=False, text="print the lineage as JSON", name="as_json"),
        option("mermaid", default=False, text="print the graph as a Mermaid flowchart", name="as_mermaid"),
        option("svg", default=False, text="print the graph as SVG", name="as_svg"),
    )
    exclusive = False

    def _execute(  # noqa: PLR0917 - doit passes its options by name
        self, output: str, shown_runs: str, as_json: bool, as_mermaid: bool, as_svg: bool, pos_args: list[str]
    ) -> None:
        self.need_stages()
        forms = [form for form, wanted in zip(FORMS, (as_json, as_mermaid, as_svg), strict=True) if wanted]
        if len(forms) > 1:
            found = f"found {' and '.join(f'--{form}' for form in forms)}, expected one of them"
            raise DeclarationError("doit lineage", found, "leave the others out")
        runs = str(shown_runs)  # a number, where pyproject.toml has one
        number = int(runs[:MAX_RUNS_DIGITS]) if runs.isdecimal() else None
        if runs and not number:
            raise DeclarationError("--runs", f"found {runs}, expected a number of runs", "say --runs 20")
        declared = {task.name: stage.stage for task in self.task_list if (stage := stage_of(task))}
        stages = [declared[name] for name in self.loader.session.graph.needed(declared)]
        if pos_args:
            self._show(pos_args, stages, number, "".join(forms))
        elif forms:
            shown = FORMS[forms[0]](load_lineage(engine().workspace, run_log(), stages, number))
            self.outstream.write(f"{shown.rstrip()}\n")
        else:
            self._write(stages, number, output)

    def _write(self, stages: list[Stage], number: int | None, name: str) -> None:
        """Write the page, and print its address. Raises: DeclarationError if the place is taken, DiskError."""
        workspace, start = engine().workspace, self.loader.start
        shown = most_active(run_log(), stages, MAX_STAGES)
        lineage = load_lineage(workspace, run_log(), shown, number, texts=True, only=len(shown) < len(stages))
        target = start / name if name != PAGE else Path(PAGE)
        taken = os.path.lexists(target) and not (target.is_file() and not target.is_symlink() and is_page(target))
        if os.path.relpath(target) in Lineage(stages).makers or taken:
            found = "found another file, or a stage's output, expected a free place for the page"
            raise DeclarationError(name, found, "say: doit lineage -o another.html")
        text = page(lineage, Path.cwd().name, len(stages))
        disk.make_folders(target.parent)
        disk.write_unsynced(target, text.encode())
        runs = format_count(len(lineage.runs), "run")
        older = f" ({lineage.older} older not shown: --runs)" if lineage.older else ""
        count = format_count(len(stages), "stage")
        count = count if len(shown) == len(stages) else f"{len(shown)} of {count}"
        self.say(f"{os.path.relpath(target, start)}: {count}, {runs}{older}, {format_size(len(text.encode()))}.")
        self.say(f"Open it in a browser: {target.absolute().as_uri()}")

    def _show(self, arguments: list[str], stages: list[Stage], runs: int | None, form: str) -> None:
        """Show the provenance of one file. Raises: DeclarationError if no stage makes or reads it."""
        for word in arguments[1:]:
            todo = f"say: doit lineage {word} {arguments[0]}" if word.startswith("-") else "ask for one file at a time"
            raise DeclarationError(word, f"found after the file {arguments[0]}, expected nothing", todo)
        if form not in ("", "json"):
            raise DeclarationError("doit lineage", f"found --{form} and a file, expected one of them", "leave one out")
        workspace, declared = engine().workspace, Lineage(stages)
        path = self._path(arguments[0], declared)
        makers = [declared.makers[path].name] if path in declared.makers else []
        needed = set(self.loader.session.graph.needed(makers))
        lineage = load_lineage(workspace, run_log(), [each for each in stages if each.name in needed], runs, only=True)
        in_place = workspace.stat_cache.digest(path)
        origins = provenance(lineage, path, in_place or "")
        origin = origins[path, in_place or ""]
        unrecorded = in_place is not None and origin.stage is not None and origin.trace is None
        if unrecorded:
            origins = provenance(lineage, path)
            origin = origins[path, ""]
        if form == "json":
            exported = provenance_json(origins.values(), lineage) | {"in_place": in_place}
            self.outstream.write(f"{json.dumps(exported, indent=1)}\n")
            return
        from redoit.lineage.tree import show

        present = {each.path: workspace.stat_cache.digest(each.path) for each in origins.values()}
        show(origins, lineage, present, Console(self.outstream).rich)
        if unrecorded and origin.stage and origin.trace:
            made = f"{path} differs from the latest recorded result of {origin.stage.name}, shown here"
            self.say(f"{made}: it was edited, or made by a run that is not recorded.")
        elif unrecorded and origin.stage:
            self.say(f"No result of {origin.stage.name} is recorded: how {path} was made is unknown.")

    def _path(self, argument: str, lineage: Lineage) -> str:
        """Return a file of the pipeline as its stages declare it. Raises: DeclarationError."""
        files = {*lineage.makers, *lineage.sources}
        below = self.loader.start / argument
        spellings = (os.path.normpath(argument), os.path.relpath(below), os.path.abspath(argument))
        for path in spellings:
            if path in files:
                return path
        for stage in lineage.stages:
            if stage.name == argument:
                todo = f"say: doit lineage {next(iter(stage.outputs.values()))}"
                raise DeclarationError(argument, "found a stage, expected a file", todo)
        raise DeclarationError(argument, "no stage makes or reads this file", nearest(argument, files))
