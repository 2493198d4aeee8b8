"""The report of a run: a line per stage with its status and reason, a summary. Ordinary tasks look as in doit."""

import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, TextIO

from doit.exceptions import BaseFail, UnmetDependency
from doit.reporter import ConsoleReporter
from doit.task import Task

from redoit.model import Outcome, Run, Status
from redoit.plugin.stage_task import stage_of
from redoit.text import encodable, format_day, format_number, format_seconds, join_names, one_line, printable

if TYPE_CHECKING:  # imported on a terminal only
    from redoit.terminal.live import Live

COLOURS = {
    "started": "1",
    "finished": "32",
    "kept": "36",
    "restored": "36",
    "failed": "31",
    "not run": "31",
    "WARNING": "33",
}
FIXED_CURSOR = ("dumb", "unknown")  # terminals that can't move their cursor


class StageReporter(ConsoleReporter):
    """Reports the status of each stage, and on a terminal shows the running ones."""

    desc = "what was kept, restored and run, and why"

    def __init__(self, outstream: TextIO, options: dict[str, object]) -> None:
        super().__init__(outstream or sys.stdout, options)  # doit passes none if the shell has closed it
        self._started = time.perf_counter()
        self._counts: Counter[str] = Counter()
        self._seconds_saved = 0.0
        self._coloured = self.outstream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._live: Live | None = None
        if self.outstream.isatty() and os.environ.get("TERM", "dumb") not in FIXED_CURSOR:
            from redoit.terminal import live

            self._live = live.Live(self.outstream, coloured=self._coloured)

    def write(self, text: str) -> None:
        """Write text; on a terminal, above the live display."""
        (self._live or self.outstream).write(text)

    def execute_task(self, task: Task) -> None:
        """Report that a stage starts, and why. A restore is reported once it is done."""
        stage = stage_of(task)
        if stage is None:
            super().execute_task(task)
            if self._live:
                self._live.suspend(task.name)  # the task may write to the terminal itself
            return
        stage.display, stage.reports_warnings = self._live, True
        if isinstance(stage.decision, Run):
            from redoit.reasons import sentence

            files = {role: os.path.basename(path) for role, path in stage.stage.files.items()}
            self._line(f"Step {task.name} has ", "started", f". ({sentence(stage.decision.reasons, files)})")
            if self._live:
                earlier = stage.decision.earlier
                estimate = earlier.seconds if earlier else None
                self._live.add_stage(task.name, estimate, parallel=stage.session.parallel)

    def skip_uptodate(self, task: Task) -> None:
        """Report a kept stage."""
        stage = stage_of(task)
        if stage and stage.outcome:
            self._report_reuse(task.name, stage.outcome)
        else:
            super().skip_uptodate(task)

    def add_success(self, task: Task) -> None:
        """Report a stage that ran or was restored."""
        if self._live:
            self._live.end_task(task.name)
        stage = stage_of(task)
        outcome = stage.outcome if stage else None
        if outcome is None:
            super().add_success(task)
            return
        if outcome.status == Status.RAN:
            self._counts[Status.RAN] += 1
            metrics = (f"{one_line(name)} {format_number(value)}" for name, value in outcome.trace.metrics.items())
            tail = f" ({text})" if (text := ", ".join(metrics)) else ""
            self._line(f"Step {task.name} has ", "finished", f" in {format_seconds(outcome.trace.seconds)}.{tail}")
        else:
            self._report_reuse(task.name, outcome)
        for warning in outcome.warnings:
            self._line("", "WARNING", f" {task.name}: {warning}")

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """Report a stage that failed, or that needs one that did."""
        if self._live:
            self._live.end_task(task.name)
        stage = stage_of(task)
        if isinstance(fail, UnmetDependency):
            self._counts[Status.NOT_RUN] += stage is not None
            kind = "Step" if stage else "Task"
            names = sorted(fail.message.split())  # doit's order is random
            self._line(f"{kind} {task.name} was ", Status.NOT_RUN, f": it needs {join_names(names)}.")
            return
        if stage is None:
            super().add_failure(task, fail)
            return
        self._counts[Status.FAILED] += 1
        self._line(f"Step {task.name} has ", Status.FAILED, f". {fail.message.strip()}")
        self.write("".join(fail.traceback))  # empty, save for a bug

    def complete_run(self) -> None:
        """Report the summary: counts, duration, time saved."""
        if self._live:
            self._live.close()
        super().complete_run()
        if not self._counts:
            return
        order = (Status.RAN, Status.RESTORED, Status.KEPT, Status.FAILED, Status.NOT_RUN)
        counts = ", ".join(f"{self._counts[status]} {status}" for status in order if self._counts[status])
        saved = f", {format_seconds(self._seconds_saved)} saved" if self._seconds_saved > 0 else ""
        count = sum(self._counts.values())
        steps = "step" if count == 1 else "steps"
        seconds = format_seconds(time.perf_counter() - self._started)
        self._line(f"{count} {steps}: {counts} in {seconds}{saved}.")

    def _report_reuse(self, name: str, outcome: Outcome) -> None:
        self._counts[outcome.status] += 1
        status, trace, seconds = outcome.status, outcome.trace, outcome.seconds
        self._seconds_saved += max(trace.seconds - seconds, 0)
        tail = f" in {format_seconds(seconds)} (ran {format_seconds(trace.seconds)} on {format_day(trace.started)})."
        self._line(f"Step {name} ", status, tail, flush=status != Status.KEPT)  # there can be thousands

    def _line(self, before: str, word: str = "", after: str = "", *, flush: bool = True) -> None:
        """Write one line, escaped; the word may be coloured."""
        word = f"\033[{COLOURS[word]}m{word}\033[0m" if word and self._coloured else word
        line = f"{printable(before)}{word}{printable(after)}\n"
        self.write(encodable(line, self.outstream.encoding))
        if flush:
            self.outstream.flush()
