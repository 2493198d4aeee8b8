"""The checkout in the working directory: its options and its engine, whose parts are put together here alone."""

import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from redoit.engine.engine import Engine, LaterStages
from redoit.engine.inspector import Inspector
from redoit.history.run_log import RunLog
from redoit.model import Code
from redoit.plugin import configuration
from redoit.source.project import Project
from redoit.state.workspace import Workspace

if TYPE_CHECKING:
    from redoit.execution.executor import StepCall, StepResult
    from redoit.preload.preload import Preloader


class Reading:
    """The fingerprint as the engine uses it; imported only when source must be read."""

    def code_of(self, project: Project, step: str, enumerations: Iterable[tuple[str, str]]) -> Code:
        """Return the code that a step and its settings' enumerations reach. Raises: DeclarationError, SourceError."""
        from redoit.fingerprint import code_of

        return code_of(project, step, extra_roots=enumerations)

    def executed_modules(self, project: Project, step: str) -> set[str]:
        """Return the project's modules that importing a step executes. Raises: SourceError."""
        from redoit.fingerprint.order import executed_modules

        return executed_modules(project, step)


class StepRunner:
    """Runs steps in processes of their own. What this needs is imported for the first one."""

    def __init__(self, modules: tuple[str, ...], inspector: Inspector, workspace: Workspace) -> None:
        self._modules = modules
        self._inspector = inspector
        self._workspace = workspace
        self._preloader: Preloader | None = None
        self._lock = threading.Lock()

    def __call__(
        self, call: "StepCall", log: Path, stdout: TextIO | None, stderr: TextIO | None, later_stages: LaterStages
    ) -> "StepResult":
        """Run a step and return its result. Raises: StepError, DiskError, OSError."""
        from redoit.preload.preload import Preloader

        with self._lock:  # stages may start at the same time
            if self._preloader is None:
                installed = self._workspace.installed.distributions
                self._preloader = Preloader(self._modules, self._inspector.executed_modules, installed)
        return self._preloader.execute(call, log, stdout, stderr, later_stages)

    def close(self) -> None:
        """Stop the fork server, if it runs."""
        if self._preloader:
            self._preloader.close()


@lru_cache(maxsize=1)
def options() -> configuration.Options:
    """Return the options of the project, read once. Raises: DeclarationError."""
    return configuration.options()


@lru_cache(maxsize=1)
def engine() -> Engine:
    """Return the engine of the project, made once, when dodo.py is imported in its folder."""
    store = Path(options().store).expanduser() if options().store else None
    return make_engine(Path(), store, strict=options().strict, preload=options().preload)


def make_engine(
    root: Path,
    store: Path | None = None,
    *,
    strict: bool = False,
    execute: "Callable[[StepCall, Path, TextIO | None, TextIO | None], StepResult] | None" = None,
    preload: tuple[str, ...] = (),
) -> Engine:
    """Return an engine for the project in a folder.

    `store`: the folder of the store, if it is not the project's own. `execute`: runs a step, if not in a process of its
    own. `strict`, `preload`: as of the project's options.
    """
    workspace = Workspace(root, store)
    inspector = Inspector(root, workspace, workspace.source_cache, Reading())
    if execute:
        return Engine(workspace, inspector, lambda call, log, out, err, _: execute(call, log, out, err), strict=strict)
    runner = StepRunner(preload, inspector, workspace)
    return Engine(workspace, inspector, runner, strict=strict, close=runner.close)


def run_log() -> RunLog:
    """Return the run log of the checkout."""
    return RunLog(engine().workspace.root)
