# Which tasks are selected, and the order in which they are run.

from collections.abc import Generator, Iterable

from doit.task import Task

class TaskControl:
    tasks: dict[str, Task]
    selected_tasks: list[str]  # from `process` on
    def __init__(self, task_list: list[Task], auto_delayed_regex: bool = False) -> None: ...
    def process(self, task_selection: Iterable[str] | None) -> None: ...
    def task_dispatcher(self) -> TaskDispatcher: ...

class ExecNode:
    task: Task
    run_status: str | None
    bad_deps: list[ExecNode]
    ignored_deps: list[ExecNode]
    def __init__(self, task: Task, parent: ExecNode | None) -> None: ...

class TaskDispatcher:
    # Also yields "hold on", to a runner that sends a task back before it has run.
    generator: Generator[ExecNode, ExecNode | None]
    def __init__(self, tasks: dict[str, Task], targets: dict[str, str], selected_tasks: list[str]) -> None: ...
