"""doit's own commands that only look, for stages: they tell what `doit plan` tells."""

import sys
from collections.abc import Sequence
from typing import Any

from doit import cmd_info, cmd_list

from redoit.cli.base import StageCommand
from redoit.errors import DeclarationError
from redoit.planning.dry_run import PlannedStage, describe
from redoit.plugin.dry_run_tasks import status_word
from redoit.plugin.stage_task import StageTask, stage_of
from redoit.source.settings import nearest
from redoit.terminal.streams import printable_stream
from redoit.text import printable

STATUS = "print what becomes of each: (U)p-to-date, (R)un or restored, (E) it can't run, (I)gnored"
LETTERS = {"keep": "U", "run": "R", "restore": "R", "fail": "E", "not run": "E", "ignored": "I"}


class List(StageCommand, cmd_list.List):
    """doit's `list`. With `-s`, U is kept, R runs or is restored, E can't run, I is ignored."""

    exclusive = False
    cmd_options = tuple(
        {**option, "help": STATUS} if option["name"] == "status" else option for option in cmd_list.List.cmd_options
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.outstream: Any = printable_stream(sys.stdout)

    def _print_task(self, template: str, task: Any, status: bool, list_deps: bool, tasks: Any) -> None:
        if not (status and self.loader.has_stages):
            super()._print_task(template, task, status, list_deps, tasks)
            return
        found = self.loader.session.dry_run(task.name, self.dep_manager)
        super()._print_task(template.replace("{status}", LETTERS[found.word]), task, False, list_deps, tasks)  # noqa: FBT003 - as doit calls it


class Info(StageCommand, cmd_info.Info):
    """doit's `info`; of a stage: what would become of it and why, its settings and where they come from, its files."""

    exclusive = False

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.outstream: Any = printable_stream(sys.stdout)

    def _execute(self, pos_args: list[str], hide_status: bool) -> int:
        tasks = {task.name: task for task in self.task_list}
        task = tasks.get(pos_args[0]) if len(pos_args) == 1 else None
        if len(pos_args) == 1 and task is None and self.loader.has_stages:
            raise DeclarationError(pos_args[0], "no such task", nearest(pos_args[0], tasks))
        stage = stage_of(task) if task else None
        if task is not None and stage is None and self.loader.has_stages and not hide_status:
            return self._ordinary(task)
        if task is None or stage is None:
            return int(super()._execute(pos_args, hide_status))
        found = None if hide_status else _look(self, stage)
        self._say(task.name)
        if task.doc:
            self._say("", task.doc)
        if found:
            self._say("", f"status: {status_word(found)}", f"  {task.name} {describe(found)}")
        self._settings(task, stage)
        for title, files in (("inputs", stage.stage.inputs), ("outputs", stage.stage.outputs)):
            self._table(title, [(role, path) for role, path in files.items()])
        self._table("step", [(stage.stage.step, stage.stage.policy.words)])
        return 1 if found and found.word != "keep" else 0

    def _ordinary(self, task: Any) -> int:
        """Show a task that is no stage as doit does, but what would become of it as `doit plan` does."""
        found = self.loader.session.dry_run(task.name, self.dep_manager)
        super()._execute([task.name], hide_status=True)
        self._say("", f"status: {status_word(found)}", *([f"  {found.error}"] if found.error else []))
        return 0 if found.word == "keep" else 1

    def _settings(self, task: Any, stage: StageTask) -> None:
        rows = [
            (name, str(stage.value_of(task, name)), f"from {stage.setting_source(task, name)}", setting.help)
            for name, setting in stage.declared.items()
        ]
        self._table("settings", rows)

    def _table(self, title: str, rows: Sequence[tuple[str, ...]]) -> None:
        if not rows:
            return
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
        self._say("", f"{title}:", *(f"  {line}".rstrip() for line in lines))

    def _say(self, *lines: str) -> None:
        self.outstream.write("".join(f"{printable(line)}\n" for line in lines))


def _look(command: Any, stage: StageTask) -> PlannedStage | None:
    """Return what would become of a stage."""
    found = stage.session.dry_run(stage.stage.name, command.dep_manager)
    return found if isinstance(found, PlannedStage) else None
