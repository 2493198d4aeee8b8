"""The graph of tasks: who depends on whom."""

import itertools

import pytest

from redoit.errors import DeclarationError
from redoit.plugin.graph import Graph


def test_dependents_come_in_an_order_in_which_they_can_run() -> None:
    """All stages that need a task are named once, each behind what it needs itself."""
    graph = Graph({"b": ["a"], "d": ["c", "b"], "c": ["b"], "a": [], "e": ["a"]}, stages={"a", "b", "c", "d"})
    assert graph.dependents("a") == ("b", "c", "d")
    assert graph.dependents("d") == ()


def test_a_task_that_is_no_stage_leads_on_but_is_not_named() -> None:
    """Distrust passes through an ordinary task to the stages behind it."""
    graph = Graph({"plain": ["a"], "b": ["plain"]}, stages={"a", "b"})
    assert graph.dependents("a") == ("b",)


def test_a_circle_is_refused() -> None:
    """Tasks that need each other are named in the error."""
    with pytest.raises(DeclarationError, match=r"found a cycle of dependencies \((a -> b -> a|b -> a -> b)\)"):
        Graph({"a": ["b"], "b": ["a"]})


def test_ten_thousand_stages_in_a_row() -> None:
    """A long chain takes no more than its length."""
    names = [str(number) for number in range(10_000)]
    graph = Graph({name: [before] for before, name in itertools.pairwise(names)}, stages=set(names))
    assert graph.dependents("0") == tuple(names[1:])


def test_a_task_that_is_created_while_doit_runs_is_left_out() -> None:
    """A selected task that the graph does not know, as `create_after` makes them, hides none of the others."""
    graph = Graph({"b": ["a"], "a": []}, stages={"a", "b"})
    assert graph.needed(["late:1", "b"]) == ("a", "b")
    assert graph.needed(["late:1"]) == ()
