# A task, and the wish to run it when the result of another one changes.

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath

from doit.dependency import UptodateCalculator

class IOConfig:
    capture: bool
    def __init__(self, io_data: dict[str, object] | None) -> None: ...

class Task:
    name: str
    doc: str
    params: Sequence[dict[str, object]]
    options: dict[str, object] | None  # None until doit has read what follows the task's name
    cfg_values: Mapping[str, object] | None
    file_dep: set[str]
    targets: list[str]
    task_dep: list[str]
    calc_dep: set[str]
    wild_dep: list[str]
    setup_tasks: list[str]
    uptodate: list[tuple[object, list[object] | None, dict[str, object] | None]]
    dep_changed: list[str] | None
    value_savers: list[Callable[[], dict[str, object]]]
    values: dict[str, object]
    subtask_of: str | None
    has_subtask: bool
    io: IOConfig
    _actions: list[object]
    loader: object  # of a task that is created later, else None
    verbosity: int  # from the start of a run on
    def __init__(
        self,
        name: str,
        actions: Sequence[object] | None,
        file_dep: Iterable[str | PurePath] = (),
        targets: Iterable[str | PurePath] = (),
        task_dep: Iterable[str] = (),
        uptodate: Iterable[object] = (),
        calc_dep: Iterable[str] = (),
        setup: Iterable[str] = (),
        clean: Iterable[object] | bool = (),
        teardown: Iterable[object] = (),
        subtask_of: str | None = None,
        has_subtask: bool = False,
        doc: str | None = None,
        params: Sequence[dict[str, object]] = (),
        pos_arg: str | None = None,
        verbosity: int | None = None,
        io: dict[str, bool] | None = None,
        title: Callable[[Task], str] | None = None,
        getargs: dict[str, tuple[str, str | None]] | None = None,
        watch: Sequence[str] = (),
        meta: dict[str, object] | None = None,
        loader: object = None,
    ) -> None: ...
    @property
    def actions(self) -> list[object]: ...

class result_dep(UptodateCalculator):
    dep_name: str
    def __init__(self, dep_task_name: str, setup_dep: bool = False) -> None: ...
    def configure_task(self, task: Task) -> None: ...
