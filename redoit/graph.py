"""Which task needs which: the graph that doit schedules, for those who ask about dependents. Pure."""

import fnmatch
import graphlib
import os
from collections.abc import Container, Iterable, Mapping
from typing import Any

from redoit.errors import DeclarationError


class Graph:
    """Tasks and what each of them needs, by name."""

    def __init__(self, needs: Mapping[str, Iterable[str]], stages: Container[str] = ()) -> None:
        """Take task -> tasks that it needs, and which of them are stages.

        Raises: DeclarationError on a cycle.
        """
        try:
            order = graphlib.TopologicalSorter(needs).static_order()
            self._place = {name: number for number, name in enumerate(order)}
        except graphlib.CycleError as error:
            circle = " -> ".join(error.args[1])
            found = f"the tasks need each other in a circle ({circle})"
            raise DeclarationError("dodo.py", found, "break it") from None
        self.stages = stages
        self._needs = {name: tuple(needed) for name, needed in needs.items()}
        self._needed_by: dict[str, list[str]] = {}
        for name, needed in needs.items():
            for other in needed:
                self._needed_by.setdefault(other, []).append(name)

    def dependents(self, name: str) -> tuple[str, ...]:
        """Return all stages that need this task, directly or not, in an order in which they can run."""
        found = _reached(self._needed_by, [name]) - {name}
        return self._in_order(other for other in found if other in self.stages)

    def needs(self, name: str) -> tuple[str, ...]:
        """Return the tasks that this one needs directly."""
        return self._needs.get(name, ())

    def needed(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return these tasks and all that they need, in an order in which they can run."""
        return self._in_order(_reached(self._needs, names))

    def _in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=self._place.__getitem__))


def _reached(edges: Mapping[str, Iterable[str]], names: Iterable[str]) -> set[str]:
    """Return these names and all that edges lead to."""
    ahead = list(names)
    found = set(ahead)
    while ahead:
        new = set(edges.get(ahead.pop(), ())) - found
        found |= new
        ahead += new
    return found


def graph_of(tasks: Iterable[Any], stages: Container[str]) -> Graph:
    """Return the graph of doit's tasks: a task needs the makers of its files, and the tasks that it names.

    Raises: DeclarationError on two makers of one file, or a cycle.
    """
    tasks = list(tasks)
    makers: dict[str, str] = {}
    for task in tasks:
        for target in task.targets:
            other = makers.setdefault(os.path.normpath(target), task.name)
            if other != task.name:
                raise DeclarationError(target, f"made by both {other} and {task.name}", "let one stage make it")
    return Graph(
        {
            task.name: {*task.task_dep, *task.setup_tasks}
            | {makers[path] for path in map(os.path.normpath, task.file_dep) if path in makers}
            | {other.name for pattern in task.wild_dep for other in tasks if fnmatch.fnmatch(other.name, pattern)}
            for task in tasks
        },
        stages,
    )
