"""Many doits at once, with others in a loop."""

import subprocess
import sys
import threading
from typing import NamedTuple, Self

from projects import PATIENCE, Pipeline


class Ended(NamedTuple):
    """How one doit ended."""

    arguments: tuple[str, ...]
    number: int
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All fields in one text."""
        return f"doit {' '.join(self.arguments)} (process {self.number}) ended with {self.code}\n{self.out}{self.err}"


def begin(pipeline: Pipeline, *arguments: str) -> "subprocess.Popen[str]":
    """Start doit; the witness of executions goes on."""
    return subprocess.Popen(
        [sys.executable, "-m", "doit", *arguments],
        cwd=pipeline.root,
        env=pipeline.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: "subprocess.Popen[str]", arguments: tuple[str, ...]) -> Ended:
    """Wait for its end."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ended(arguments, process.pid, process.returncode, out, err)


class Background:
    """A doit with one set of arguments after the other, in a loop, for as long as the context lasts."""

    def __init__(self, pipelines: list[Pipeline], arguments: list[tuple[str, ...]]) -> None:
        self.ended: list[Ended] = []
        self._pipelines = pipelines
        self._arguments = arguments
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _loop(self) -> None:
        turn = 0
        while self._arguments and not self._stop.is_set():
            pipeline = self._pipelines[turn % len(self._pipelines)]
            arguments = self._arguments[turn % len(self._arguments)]
            self.ended.append(end(begin(pipeline, *arguments), arguments))
            turn += 1


def all_at_once(pipelines: list[Pipeline], arguments: list[tuple[str, ...]]) -> list[Ended]:
    """Run a doit in each of the projects, which may be one and the same, all at the same time."""
    given = list(zip(pipelines, arguments, strict=True))
    processes = [(begin(pipeline, *some), some) for pipeline, some in given]
    return [end(process, some) for process, some in processes]
