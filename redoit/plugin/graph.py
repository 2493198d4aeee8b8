"""Which task needs which: the graph that doit schedules, for those who ask about dependents. Pure."""

import fnmatch
import os
from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from typing import Any

from redoit.errors import DeclarationError


class Graph:
    """Tasks and what each of them needs, by name."""

    def __init__(self, needs: Mapping[str, Iterable[str]], stages: Container[str] = ()) -> None:
        """Take task -> tasks that it needs, and which of them are stages.

        Raises: DeclarationError on a cycle.
        """
        self._place = _places(needs)
        self.stages = stages
        self._needs = needs

    def dependents(self, name: str) -> tuple[str, ...]:
        """Return all stages that need this task, directly or not, in an order in which they can run."""
        found = _reached(self._needed_by, [name]) - {name}
        return self._in_order(other for other in found if other in self.stages)

    def needs(self, name: str) -> tuple[str, ...]:
        """Return the tasks that this one needs directly."""
        return tuple(self._needs.get(name, ()))

    @cached_property
    def _needed_by(self) -> dict[str, list[str]]:
        """Task -> tasks that need it directly."""
        found: dict[str, list[str]] = {}
        for name, needed in self._needs.items():
            for other in needed:
                found.setdefault(other, []).append(name)
        return found

    def needed(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return these tasks and all that they need, in an order in which they can run."""
        return self._in_order(_reached(self._needs, names))

    def _in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=self._place.__getitem__))


def _places(needs: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return task -> its place in an order in which all can run. Raises: DeclarationError on a cycle."""
    places: dict[str, int] = {}
    begun: set[str] = set()
    for task in needs:
        ahead = [task]
        while ahead:
            name = ahead[-1]
            missing = [other for other in needs.get(name, ()) if other not in places]
            if name in places or not missing:
                places.setdefault(ahead.pop(), len(places))
            elif name in begun:  # and all that it needs was looked at since
                raise DeclarationError("dodo.py", _circle(needs), "break it")
            else:
                begun.add(name)
                ahead += missing
    return places


def _circle(needs: Mapping[str, Iterable[str]]) -> str:
    """Return in words which tasks need each other."""
    import graphlib

    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        return f"the tasks need each other in a circle ({' -> '.join(error.args[1])})"
    return "the tasks need each other in a circle"


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
    names = [task.name for task in tasks]
    needs = {}
    for task in tasks:
        made = sorted(makers[path] for path in map(os.path.normpath, task.file_dep) if path in makers)
        wild = [name for pattern in task.wild_dep for name in fnmatch.filter(names, pattern)]
        needs[task.name] = tuple(dict.fromkeys([*task.task_dep, *task.setup_tasks, *made, *wild]))
    return Graph(needs, stages)
