"""What commands share: they find the project from any folder below it, fail in one line, and end in good order."""

import contextlib
import gc
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doit.cmd_base import DoitCmdBase
from doit.cmdparse import CmdOption, CmdParseError
from doit.exceptions import InvalidCommand, InvalidDodoFile

from redoit.cli.console import SIGNAL_STATUS, guard_stdout
from redoit.errors import DeclarationError, RedoitError
from redoit.execution.process_registry import PROCESSES
from redoit.plugin import configuration
from redoit.plugin.loader import StageLoader
from redoit.plugin.parameters import flag
from redoit.plugin.stage_task import stage_of
from redoit.source.settings import nearest

UNFINISHED: list[contextlib.ExitStack] = []  # a thread still commits: what we hold goes with the process
PATIENCE = 10.0  # seconds that a commit in another thread may still take, and we ourselves, when we are to stop
NO_WAIT = {
    "name": "no_wait",
    "long": "no-wait",
    "type": bool,
    "default": False,
    "help": "fail at once where another doit is at work",
}
DODO = "dodo.py"
YOUNG = 100_000  # objects between two looks for garbage: thousands of tasks are no garbage


def _open_streams() -> None:
    """Let there be something to write to: a shell may have closed what is standard."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for as long as we live


_open_streams()  # doit takes what is standard when it makes a command


class StageCommand(DoitCmdBase):
    """A command on a project with stages. `exclusive`: it waits for other commands that change something.

    `builds`: it makes the outputs of stages true, and does not only look at them.
    """

    exclusive = True
    builds = False
    loader: Any

    def get_options(self) -> Any:
        """Return the options; each command that may have to wait can be told not to."""
        options = super().get_options()
        return [*options, CmdOption(NO_WAIT)] if self.exclusive else options

    def parse_execute(self, in_args: list[str]) -> int:
        """Run the command with what stands on the command line.

        Raises: CmdParseError, in one line.
        """
        try:
            return int(super().parse_execute(in_args))
        except CmdParseError as error:
            raise CmdParseError(self._plain(str(error))) from None

    def need_stages(self) -> None:
        """Refuse a project that has none.

        Raises: DeclarationError.
        """
        if not self.loader.ours:
            todo = "begin it with: from redoit import DOIT_CONFIG, step"
            raise DeclarationError(DODO, "found no DOIT_CONFIG of redoit, so there are no stages", todo)

    def execute(self, params: Any, args: list[str]) -> int:
        """Run the command from the project's folder.

        Raises: InvalidDodoFile for each error a user can mend, which doit shows in one line.
        """
        gc.set_threshold(YOUNG)  # almost all that is made from here on lives as long as we do
        start = Path.cwd()
        trailing = {f"--{option.long}": option.name for option in self.cmdparser.options if option.long == "json"}
        if args and args[-1] in trailing:  # doit reads options only before the first task
            params[trailing[args.pop()]] = True
        with contextlib.ExitStack() as stack:
            self.loader = StageLoader(self.loader, stack, start, exclusive=self.exclusive)
            ended = stack.enter_context(_orderly_end())
            command = super().execute

            def work() -> int:
                self._seek(params)
                return int(command(params, args) or 0)

            stack.callback(gc.freeze)  # else Python looks for garbage among thousands of tasks before it ends
            try:
                return guard_stdout(work, DODO)
            except RedoitError as error:
                raise InvalidDodoFile(str(error)) from None
            except InvalidCommand as error:
                if not (self.loader.ours and error.not_found):
                    raise
                raise InvalidDodoFile(str(self._not_found(error.not_found))) from None
            except KeyboardInterrupt:
                self.loader.session.interrupted = True
                if not PROCESSES.stop(PATIENCE):
                    UNFINISHED.append(stack.pop_all())
                sys.stderr.write("Interrupted: what had finished is kept, the rest runs next time.\n")
                return SIGNAL_STATUS + (ended[-1] if ended else signal.SIGINT)

    def _not_found(self, word: str) -> RedoitError:
        """Return what to tell of a word that is no task and no target."""
        tasks = getattr(self, "task_list", ())
        known = [task.name for task in tasks] + [target for task in tasks for target in task.targets]
        return DeclarationError(word, "no such task or target", nearest(word, known))

    def _seek(self, params: Any) -> None:
        """Go to the project's folder if we are below it, and read its configuration, as doit did where we were."""
        if params["dodoFile"] != DODO or params["cwdPath"] or os.path.exists(DODO):
            return
        home = next((folder for folder in Path.cwd().parents if (folder / DODO).exists()), None)
        if home is None:
            return
        os.chdir(home)
        for section, values in configuration.sections().items():
            self.config.setdefault(section, {}).update(values)
        self.loader.configure(self.config)  # doit gave them one object each, if there was nothing in it
        for name in ("GLOBAL", self.name):
            for option, value in self.config.get(name, {}).items():
                if option in self.cmdparser:
                    params.update_defaults({option: self.cmdparser[option].str2type(value)})

    def _plain(self, text: str) -> str:
        """Return doit's complaint about an option without the list of all options."""
        found = re.search(r"option (--?)(\S+) not recognized", text)
        if not found:
            line = " ".join(text.split(" (parsing options:", maxsplit=1)[0].split())
            return line.removeprefix("Error parsing Command: ")
        stages = (stage_of(task) for task in getattr(self, "task_list", ()))
        known = {flag(name) for stage in stages if stage for name in stage.declared}
        near = nearest(found[2], known or {option.long for option in self.cmdparser.options}, "did you mean --")
        hint = near.replace("-- ", "--") if known or "did you mean" in near else f"see: doit help {self.name}"
        return f"{found[1]}{found[2]}: no such option; {hint}"


@contextlib.contextmanager
def _orderly_end() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does; yield a list, to which the signal is added.

    Who sends more of them changes nothing as long as we end in good order.
    """
    received: list[int] = []
    patient = 0.0  # until when

    def interrupt(number: int, _frame: object) -> None:
        nonlocal patient
        if time.monotonic() > patient:  # else it would strike those who tidy up because of the first one
            patient = time.monotonic() + PATIENCE
            received.append(number)
            raise KeyboardInterrupt

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError):  # not in the main thread
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, interrupt)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if received else handler)
