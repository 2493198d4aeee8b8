"""What all commands share: the project's folder, errors in one line, and an end in good order."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import call
from doit.exceptions import InvalidDodoFile
from projects import Pipeline

from redoit.cli.base import SIGNAL_STATUS, guard_stdout
from redoit.execution import process
from redoit.execution.process import ProcessRegistry
from redoit.storage.locks import owned_lock

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = """
import signal

try:
    signal.raise_signal({first})
finally:
    signal.raise_signal({second})
"""


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, object]]:
    """Yield the usual handlers of signals. An interrupted command leaves others, and a registry that lets none run."""
    monkeypatch.setattr(process, "PROCESSES", ProcessRegistry())
    before = {number: signal.getsignal(number) for number in SIGNALS}
    usual = dict.fromkeys(SIGNALS, signal.SIG_DFL)
    for number, handler in usual.items():
        signal.signal(number, handler)
    yield dict(usual)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_command_in_one_line(tmp_path: Path, handlers: dict[int, object], number: int) -> None:
    """The first signal ends a command with the status that a shell gives it; later ones are ignored."""
    second = signal.SIGTERM if number == signal.SIGINT else signal.SIGINT
    (tmp_path / "dodo.py").write_text(INTERRUPTED.format(first=int(number), second=int(second)))
    result = call(tmp_path, "list")
    assert result == (SIGNAL_STATUS + number, "", "Interrupted: finished stages are kept, the others run next time.\n")
    assert {signal.getsignal(each) for each in handlers} == {signal.SIG_IGN}


def test_signal_handlers_are_as_before_a_command(chain: Pipeline, handlers: dict[int, object]) -> None:
    """A command that no signal ends leaves the handlers that it found."""
    assert call(chain.root, "list").code == 0
    assert {number: signal.getsignal(number) for number in handlers} == handlers


ERRORS = {
    "list --statuz": "--statuz: no such option; did you mean --status?",
    "list --qqqq": "--qqqq: no such option; see: doit help list",
    "list -Q": "-Q: no such option; see: doit help list",
    "plan make --tims 4": "--tims: make has no such option; did you mean --times?",
    "plan make --qqqq": "--qqqq: make has no such option; known: --cache, --time-limit, --times",
    "plan make --process 2": "--process: found behind a task, expected before; say: doit plan --process ...",
    "run side make --times=x": "make --times: found 'x', expected an integer",
    "plan make --times 1 join --time-limit soon": "join --time-limit: found 'soon', expected seconds above 0, or none",
    "plan make --help": "--help: no such option; see: doit help make",
    "reset-dep make": "make: found a stage, whose outputs count only if its step wrote them; say: doit make",
    "strace make": "make: found a stage, expected a task whose action is a command",
    "help mak": "mak: no such command or task; did you mean make?",
    "tabcompletion --nonsense": "--nonsense: no such option; see: doit help tabcompletion",
    "plan mak": "mak: no such task or target; did you mean make?",
    "plan data/mad.txt": "data/mad.txt: no such task or target; did you mean data/made.txt?",
}


@pytest.mark.parametrize("arguments", ERRORS)
def test_a_wrong_argument_is_one_line(chain: Pipeline, arguments: str) -> None:
    """An option or name that does not exist is one line, with the nearest one or where to look."""
    assert call(chain.root, *arguments.split()) == (3, "", f"ERROR: {ERRORS[arguments]}\n")


@pytest.mark.parametrize("edit", ["append({})", "clear()", "sort(key=str)", "__getitem__(0).update(default=9)"])
def test_a_mended_project_loads_in_the_same_process(chain: Pipeline, edit: str) -> None:
    """Parameters that a dodo.py has changed are refused; what loads after it in this process has its own."""
    good = chain.read("dodo.py")
    assert call(chain.root, "list").code == 0
    chain.write(
        "dodo.py",
        good.replace("def task_make", "def make") + f"\n\ndef task_make():\n    t = make()\n    "
        f"t['params'].{edit}\n    return t\n",
    )
    result = call(chain.root, "list")
    assert (result.code, result.err.startswith("ERROR: make: params: found ")) == (3, True)
    chain.write("dodo.py", good)
    assert call(chain.root, "list").code == 0


def test_an_option_for_programs_may_follow_the_tasks(chain: Pipeline) -> None:
    """`--json` means the same before and behind the name of a task."""
    before = call(chain.root, "plan", "--json", "make")
    assert before.out.startswith("[")
    assert call(chain.root, "plan", "make", "--json") == before


@pytest.mark.parametrize("folder", ["data", "steps"])
def test_a_project_is_found_with_its_configuration_from_below(chain: Pipeline, folder: str) -> None:
    """In a folder of the project, a command works on the project, with the options in its pyproject.toml."""
    chain.write("pyproject.toml", "[tool.doit.commands.list]\nstatus = true\n")
    result = call(chain.root / folder, "list")
    assert result == call(chain.root, "list")
    assert [line.split()[:2] for line in result.lines] == [["U", "join"], ["U", "make"], ["U", "side"], ["U", "sort"]]


@pytest.mark.parametrize("command", ["plan", "why", "cache", "lineage", "verify"])
def test_a_project_without_stages_is_an_error(tmp_path: Path, command: str) -> None:
    """A command about stages says how a dodo.py gets some; it leaves nothing behind."""
    (tmp_path / "dodo.py").write_text("def task_some():\n    return {'actions': ['true']}\n")
    result = call(tmp_path, command)
    error = "ERROR: dodo.py: found no stage; begin it with: from redoit import DOIT_CONFIG, step\n"
    assert result == (3, "", error)
    assert not (tmp_path / ".redoit").exists()


def test_a_busy_checkout_is_an_error_at_once_with_no_wait(chain: Pipeline) -> None:
    """With `--no-wait`, a command that changes the checkout fails while another works there; only those have it."""
    with owned_lock(chain.path(".redoit/lock"), print):
        result = call(chain.root, "forget", "--no-wait", "make")
        assert call(chain.root, "plan").code == 0
    assert (result.code, result.out) == (3, "")
    assert result.err.endswith(": at work here, expected nobody; let it finish, or leave out --no-wait\n")
    assert call(chain.root, "forget", "--no-wait", "make").code == 0
    assert "--no-wait: no such option" in call(chain.root, "plan", "--no-wait").err


@pytest.fixture
def stdout() -> Iterator[Callable[[str | int], None]]:
    """Yield a function that makes a file, a device or a descriptor the standard output until the test ends."""
    with contextlib.ExitStack() as stack:

        def redirect(target: str | int) -> None:
            stream = stack.enter_context(open(target, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(stream))

        yield redirect


def printing(error: OSError | None = None) -> Callable[[], int]:
    """Return a function that prints, and then raises an error or returns 5."""

    def work() -> int:
        print("shown")
        if error:
            raise error
        return 5

    return work


def test_output_is_flushed_before_the_status_counts(tmp_path: Path, stdout: Callable[[str | int], None]) -> None:
    """When a status is returned, all output is in its file."""
    stdout(str(tmp_path / "out"))
    assert guard_stdout(printing(), "subject") == 5
    assert (tmp_path / "out").read_text() == "shown\n"


def test_a_reader_that_has_gone_is_no_error(stdout: Callable[[str | int], None]) -> None:
    """A closed pipe ends the command as SIGPIPE would, and what is pending is discarded."""
    reading, writing = os.pipe()
    os.close(reading)
    stdout(writing)
    assert guard_stdout(printing(), "subject") == SIGNAL_STATUS + signal.SIGPIPE
    sys.stdout.flush()  # fails if anything is left to write


FAILURES = {
    "a full standard output": ("/dev/full", None, "standard output: No space left on device"),
    "an error of it": ("/dev/full", OSError(28, "no room"), "standard output: no room"),
    "a file": ("/dev/null", OSError(13, "Permission denied", "some.db"), "some.db: Permission denied"),
    "neither": ("/dev/null", OSError(24, "Too many open files"), "subject: Too many open files"),
    "without a number": ("/dev/null", OSError("odd"), "subject: odd"),
}


@pytest.mark.parametrize(("target", "error", "text"), FAILURES.values(), ids=FAILURES)
def test_a_failing_file_is_named(
    stdout: Callable[[str | int], None], target: str, error: OSError | None, text: str
) -> None:
    """The error names the file that failed, standard output if that failed, else the subject."""
    stdout(target)
    with pytest.raises(InvalidDodoFile, match=f"^{text}; mend that and run again$"):
        guard_stdout(printing(error), "subject")
