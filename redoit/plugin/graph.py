"""The dependency graph of tasks: dependencies, dependents, and an order in which all can run. Pure."""

import fnmatch
import os
from collections.abc import Container, Iterable, Mapping
from functools import cached_property

from doit.task import Task

from redoit.errors import DeclarationError


class Graph:
    """The graph of tasks, by name."""

    def __init__(self, needs: Mapping[str, Iterable[str]], stages: Container[str] = ()) -> None:
        """Take task -> its direct dependencies, and which tasks are stages. Raises: DeclarationError on a cycle."""
        self._position = _positions(needs)
        self.stages = stages
        self._needs = needs

    def dependents(self, name: str) -> tuple[str, ...]:
        """Return all stages that depend on this task, directly or not, in an order in which they can run."""
        names = _reachable(self._needed_by, [name]) - {name}
        return self._in_order(other for other in names if other in self.stages)

    @cached_property
    def _needed_by(self) -> dict[str, list[str]]:
        """Task -> its direct dependents."""
        dependents: dict[str, list[str]] = {}
        for name, needed in self._needs.items():
            for other in needed:
                dependents.setdefault(other, []).append(name)
        return dependents

    def needed(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return these tasks and all their dependencies, in an order in which they can run.

        Leaves out names that are not in the graph: of tasks that doit creates only while it runs (`create_after`).
        """
        return self._in_order(_reachable(self._needs, (name for name in names if name in self._position)))

    def _in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=self._position.__getitem__))


def _positions(needs: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return task -> its position in an order in which all can run. Raises: DeclarationError on a cycle."""
    positions: dict[str, int] = {}
    entered: set[str] = set()
    for task in needs:
        stack = [task]
        while stack:
            name = stack[-1]
            missing = [other for other in needs.get(name, ()) if other not in positions]
            if name in positions or not missing:
                positions.setdefault(stack.pop(), len(positions))
            elif name in entered:  # its dependencies have all been visited since
                raise DeclarationError("dodo.py", _cycle(needs, name, entered - positions.keys()), "remove one of them")
            else:
                entered.add(name)
                stack += missing
    return positions


def _cycle(needs: Mapping[str, Iterable[str]], name: str, unfinished: Container[str]) -> str:
    """Return the cycle that a task leads to, in words; each unfinished task depends on another one."""
    path = [name]
    while path[-1] not in path[:-1]:
        path.append(next(other for other in needs[path[-1]] if other in unfinished))
    cycle = path[path.index(path[-1]) :]
    return f"found a cycle of dependencies ({' -> '.join(reversed(cycle))})"


def _reachable(edges: Mapping[str, Iterable[str]], names: Iterable[str]) -> set[str]:
    """Return these names and all that edges lead to."""
    stack = list(names)
    reached = set(stack)
    while stack:
        new = set(edges.get(stack.pop(), ())) - reached
        reached |= new
        stack += new
    return reached


def graph_of(tasks: Iterable[Task], stages: Container[str]) -> Graph:
    """Return the graph of doit's tasks: a task depends on those that make its files, and on those that it names.

    Raises: DeclarationError on a file that two tasks make, or a cycle.
    """
    tasks = list(tasks)
    makers: dict[str, str] = {}
    for task in tasks:
        for target in task.targets:
            other = makers.setdefault(os.path.normpath(target), task.name)
            if other != task.name:
                raise DeclarationError(target, f"is made by both {other} and {task.name}", "let one stage make it")
    names = [task.name for task in tasks]
    needs = {}
    for task in tasks:
        made = sorted(makers[path] for path in map(os.path.normpath, task.file_dep) if path in makers)
        wild = [name for pattern in task.wild_dep for name in fnmatch.filter(names, pattern)]
        needs[task.name] = tuple(dict.fromkeys([*task.task_dep, *task.setup_tasks, *made, *wild]))
    return Graph(needs, stages)
