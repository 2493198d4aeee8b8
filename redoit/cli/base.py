"""What all commands share: they find the project from a folder inside it, fail in one line, and stop in good order.

The first SIGINT, SIGTERM or SIGHUP raises KeyboardInterrupt in the main thread; more are ignored while the command
stops. `PROCESSES.stop` ends the steps and waits for the commits of other threads. If one takes longer, the locks stay
held until the process ends, so that no other process sees a commit half done.
"""

import contextlib
import gc
import io
import itertools
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from doit.cmd_base import DoitCmdBase
from doit.cmdparse import CmdOption, CmdParseError, DefaultUpdate
from doit.exceptions import InvalidCommand, InvalidDodoFile
from doit.task import Task

from redoit.errors import DeclarationError, RedoitError
from redoit.plugin import configuration
from redoit.plugin.database import StageDependency
from redoit.plugin.declare import DOIT_CONFIG
from redoit.plugin.loader import StageLoader
from redoit.plugin.user_errors import clear_errors
from redoit.source.settings import nearest
from redoit.text import printable

UNFINISHED: list[contextlib.ExitStack] = []  # a thread still commits: its locks are held until the process ends
STOP_SECONDS = 10.0  # that stopping may take, and the commits of other threads
OPTION_HELP = {  # of doit's options that mean something else in a project with stages
    "verbosity": "what tasks print is shown: 0 nothing, 1 errors, 2 all, which is redoit's default",
    "par_type": "without effect on stages: each step runs in a process of its own",
}
DODO = "dodo.py"
STANDARD_OUTPUT = "standard output"
SIGNAL_STATUS = 128  # a shell adds the number of the signal that ended a command
GC_THRESHOLD_OBJECTS = 1_000_000  # between two collections of Python: thousands of tasks are no garbage


def option(flag: str, default: str | bool, text: str, name: str = "", short: str = "") -> dict[str, object]:
    """Return an option of a command as doit takes it. `name`: of the parameter, if it is not that of the flag."""
    return {"name": name or flag, "long": flag, "short": short, "type": type(default), "default": default, "help": text}


NO_WAIT = option("no-wait", default=False, text="fail at once if another doit works in this checkout", name="no_wait")

for stream in ("stdout", "stderr"):  # the shell may have closed them; doit takes them when it makes a command
    if getattr(sys, stream) is None:
        setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open until the process ends
    if isinstance(getattr(sys, stream), io.TextIOWrapper):  # its encoding may lack characters of names and messages
        getattr(sys, stream).reconfigure(errors="backslashreplace")


class PlainCommand(DoitCmdBase):
    """A command whose errors are one line."""

    name: str  # once doit has made the command

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks by name; none before dodo.py is loaded."""
        return {task.name: task for task in getattr(self, "task_list", ())}

    def parse_execute(self, in_args: list[str]) -> int:
        """Run the command with the arguments of the command line. Raises: CmdParseError, in one line."""
        if in_args[:1] == ["--help"]:
            return guard_stdout(lambda: print(self.help(), file=self.outstream))
        try:
            return super().parse_execute(in_args) or 0
        except CmdParseError as error:
            raise CmdParseError(self._option_error(str(error), in_args)) from None

    def enter_project(self, params: DefaultUpdate) -> None:
        """Change to the project's folder, if a parent of this one is it, and read its configuration."""
        if params.get("dodoFile") != DODO or params["cwdPath"] or os.path.exists(DODO):
            return
        home = next((folder for folder in Path.cwd().parents if (folder / DODO).exists()), None)
        if home is None:
            return
        os.chdir(home)
        for section, values in configuration.sections().items():
            self.config.setdefault(section, {}).update(values)
        for name in ("GLOBAL", self.name):
            for option, value in self.config.get(name, {}).items():
                if option in self.cmdparser:
                    params.update_defaults({option: self.cmdparser[option].str2type(value)})

    def _option_error(self, text: str, arguments: list[str]) -> str:
        """Return doit's error about an option in one line, without its list of all options."""
        match = re.search(r"option (--?\S+) not recognized|^(--\S+): found", text)
        if not match:
            line = " ".join(text.split(" (parsing options:", maxsplit=1)[0].split())
            return line.removeprefix("Error parsing Command: ")
        option, options = match[1] or match[2], {f"--{each.long}" for each in self.cmdparser.options if each.long}
        tasks = self.tasks
        before = itertools.takewhile(lambda argument: argument.partition("=")[0] != option, arguments)
        task = next((tasks[name] for name in reversed([*before]) if name in tasks), None)
        if match[2]:
            return f"{task.name} {text}" if task else text
        if task is None or option == "--help":
            close = nearest(option, options)
            todo = close if task is None and "did you mean" in close else f"see: doit help {(task or self).name}"
            return f"{option}: no such option; {todo}"
        if option in options:
            return f"{option}: found behind a task, expected before; say: doit {self.name} {option} ..."
        for member in tasks.values():
            if member.subtask_of == task.name and option in _flags(member):
                expected = f"found behind the group {task.name}, expected behind one of its tasks"
                return f"{option}: {expected}; say: doit {self.name} {member.name} {option} ..."
        todo = nearest(option, _flags(task)) or f"see: doit help {task.name}"
        return f"{option}: {task.name} has no such option; {todo}"


def _flags(task: Task) -> list[str]:
    """Return the names of a task's options, as they are written."""
    return [f"--{param['long']}" for param in task.params if param.get("long")]


class StageCommand(PlainCommand):
    """A command on a project with stages. `exclusive`: holds the lock of the checkout. `builds`: builds stages."""

    exclusive = True
    builds = False
    loader: StageLoader
    dep_manager: StageDependency  # where there are stages

    def get_options(self) -> list[CmdOption]:
        """Return the options, with `--no-wait` for a command that may have to wait."""
        options = super().get_options()
        for option in options:
            option.help = OPTION_HELP.get(option.name, option.help)
            if option.name in DOIT_CONFIG:
                default = getattr(DOIT_CONFIG[option.name], "__name__", DOIT_CONFIG[option.name])
                option.help = option.help.replace("%(default)s", f"%(default)s; {default} with stages")
        return [*options, CmdOption(NO_WAIT)] if self.exclusive else options

    def need_stages(self) -> None:
        """Check that the project declares stages. Raises: DeclarationError."""
        if not self.loader.has_stages:
            raise DeclarationError(DODO, "found no stage", "begin it with: from redoit import DOIT_CONFIG, step")

    def say(self, *lines: str) -> None:
        """Write lines as a terminal can show them, at once."""
        self.outstream.write("".join(f"{printable(line)}\n" for line in lines))
        self.outstream.flush()

    def execute(self, params: DefaultUpdate, args: list[str]) -> int:
        """Run the command in the project's folder. Raises: InvalidDodoFile, of one line, if a user can mend it."""
        gc.set_threshold(GC_THRESHOLD_OBJECTS)
        trailing = {f"--{option.long}": option.name for option in self.cmdparser.options if option.long == "json"}
        if args and args[-1] in trailing:  # doit reads options only before the first task
            params[trailing[args.pop()]] = True
        if args and not self.doc_usage:
            raise InvalidDodoFile(f"doit {self.name}: found '{args[0]}', expected no argument")
        with contextlib.ExitStack() as stack:
            self.loader.config = self.config  # else doit gives an empty one to each
            self.loader = StageLoader(self, stack, exclusive=self.exclusive, builds=self.builds)
            signals = stack.enter_context(_interruptible())
            if not params.get("pdb"):
                stack.enter_context(clear_errors(DODO, own_only=True))  # of a function that doit calls
            command = super().execute

            def work() -> int | None:
                self.enter_project(params)
                try:
                    return command(params, args)
                finally:
                    if database := getattr(self, "dep_manager", None):
                        database.close()  # also after an error

            stack.callback(gc.freeze)  # else Python searches thousands of tasks for garbage before it ends
            try:
                return guard_stdout(work, DODO)
            except RedoitError as error:
                raise InvalidDodoFile(str(error)) from None
            except InvalidCommand as error:
                if not (self.loader.has_stages and error.not_found):
                    raise
                raise InvalidDodoFile(str(self._not_found(error.not_found))) from None
            except KeyboardInterrupt:
                self._stop(stack)
                return SIGNAL_STATUS + (signals[-1] if signals else signal.SIGINT)

    def _stop(self, stack: contextlib.ExitStack) -> None:
        """End the steps of an interrupted run; if one does not end in time, what it needs stays."""
        from redoit.execution.process import PROCESSES

        self.loader.session.interrupted = True
        if not PROCESSES.stop(STOP_SECONDS):
            UNFINISHED.append(stack.pop_all())
        sys.stderr.write("Interrupted: finished stages are kept, the others run next time.\n")

    def _not_found(self, argument: str) -> RedoitError:
        """Return the error about an argument that is neither a task nor a target."""
        targets = [target for task in self.task_list for target in task.targets]
        return DeclarationError(argument, "no such task or target", nearest(argument, [*self.tasks, *targets]))


def guard_stdout(work: Callable[[], int | None], subject: str = STANDARD_OUTPUT) -> int:
    """Run a function that writes to standard output; return its exit status once all output is flushed.

    `subject`: what an error names if neither a file nor standard output caused it.
    Raises: InvalidDodoFile, which doit shows in one line, if standard output or another file fails.
    """
    try:
        status = work() or 0
        sys.stdout.flush()
        return status
    except OSError as error:  # no space, or no more open files, in doit's own code
        try:
            sys.stdout.flush()
        except OSError:
            subject = STANDARD_OUTPUT
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it exits
        if isinstance(error, BrokenPipeError):  # the reader has gone
            return SIGNAL_STATUS + signal.SIGPIPE
        found = f"{error.filename or subject}: {error.strerror or error}"
        raise InvalidDodoFile(f"{found}; mend that and run again") from None


@contextlib.contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP interrupt us as Ctrl-C does; yield a list, to which the signal is added."""
    received: list[int] = []
    deadline = 0.0  # of stopping; until then, more signals are ignored

    def interrupt(number: int, _frame: object) -> None:
        nonlocal deadline
        if time.monotonic() > deadline:
            deadline = time.monotonic() + STOP_SECONDS
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
