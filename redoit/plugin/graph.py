"""The dependency graph of tasks: dependencies, dependents, and an order in which all can run."""

import fnmatch
import os
from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from doit.task import Task

from redoit.errors import DeclarationError
from redoit.plugin.paths import Places


class Graph:
    """The graph of tasks, by name."""

    def __init__(self, needs: Mapping[str, Iterable[str]], stages: Container[str] = ()) -> None:
        """Take task -> its direct dependencies, and which tasks are stages. Raises: DeclarationError on a cycle."""
        self._position = _positions(needs)
        self.stages = stages
        self.aliases: dict[str, str] = {}  # path of an input -> that of its maker, of those that differ
        self._needs = needs

    def dependents(self, name: str) -> tuple[str, ...]:
        """Return all stages that depend on this task, directly or not, in an order in which they can run."""
        return self._in_order(_reachable(self._needed_by, [name]) - {name})

    @cached_property
    def _needed_by(self) -> dict[str, list[str]]:
        """Task -> its direct dependents."""
        dependents: dict[str, list[str]] = {}
        for name, needed in self._needs.items():
            for other in needed:
                dependents.setdefault(other, []).append(name)
        return dependents

    def needed(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the stages among these tasks and all their dependencies, in an order in which they can run.

        Leaves out names that are not in the graph: of tasks that doit creates only while it runs (`create_after`).
        """
        return self._in_order(_reachable(self._needs, (name for name in names if name in self._position)))

    def _in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted((name for name in names if name in self.stages), key=self._position.__getitem__))


def _positions(needs: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return task -> its position in an order in which all can run. Raises: DeclarationError on a cycle."""
    try:
        return {name: position for position, name in enumerate(TopologicalSorter(needs).static_order())}
    except CycleError as error:
        found = f"found a cycle of dependencies ({' -> '.join(error.args[1])})"
        raise DeclarationError("dodo.py", found, "remove one of them") from None


def _reachable(edges: Mapping[str, Iterable[str]], names: Iterable[str]) -> set[str]:
    """Return these names and all that edges lead to."""
    stack = list(names)
    reached = set(stack)
    while stack:
        new = set(edges.get(stack.pop(), ())) - reached
        reached |= new
        stack += new
    return reached


def graph_of(tasks: Iterable[Task], stages: Container[str], places: Places) -> Graph:
    """Return the graph of doit's tasks: a task depends on those that make its files, and on those that it names.

    Adds the former to `task_dep`: doit finds them only where both write a path in the same way.
    Raises: DeclarationError on a file that two tasks make, or a cycle.
    """
    tasks = list(tasks)
    makers: dict[str, tuple[str, str]] = {}  # place -> task, and its path of the file
    for task in tasks:
        for target in task.targets:
            place = places.of_output(target)
            if place in makers:
                other, path = makers[place]
                found = f"is made by both {other} and {task.name}" if other != task.name else f"is {path} as well"
                raise DeclarationError(target, found, "let one stage make it, once")
            makers[place] = task.name, target
    names = [task.name for task in tasks]
    needs, aliases = {}, {}
    for task in tasks:
        for path in sorted(task.file_dep) if len(task.file_dep) > 1 else task.file_dep:
            for place in places.of_input(path):
                if place in makers:
                    maker, target = makers[place]
                    task.task_dep += [maker] if maker not in task.task_dep else []
                    if target != path:
                        aliases[os.path.normpath(path)] = os.path.normpath(target)
                    break
        wild = [name for pattern in task.wild_dep for name in fnmatch.filter(names, pattern)]
        needs[task.name] = tuple(dict.fromkeys([*task.task_dep, *task.setup_tasks, *task.calc_dep, *wild]))
    graph = Graph(needs, stages)
    graph.aliases = aliases
    return graph
