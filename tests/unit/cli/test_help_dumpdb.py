"""`doit help` and `doit dumpdb`."""

import pytest
from commands import call
from projects import Pipeline


def test_help_on_a_stage_names_its_options(chain: Pipeline) -> None:
    """The help on a stage has its first line and its settings, that on a command the defaults that stages have."""
    result = call(chain.root, "help", "make")
    assert (result.code, result.lines[0], result.err) == (0, "make  Scale the numbers of the source.", "")
    assert "--times=ARG" in result.out
    on_run = call(chain.root, "help", "run")
    assert "[default: dbm; redoit with stages]" in " ".join(on_run.out.split())
    assert call(chain.root, "run", "--help").out == on_run.out


def test_help_needs_no_dodo_for_what_is_doits(chain: Pipeline) -> None:
    """Help on commands and fields is there where dodo.py is broken; that on a task says what is broken."""
    chain.write(
        "dodo.py", "from redoit import step\ndef task_make(): return step('steps.make', inputs=3, outputs={})\n"
    )
    assert "reset-dep" in call(chain.root, "help").out
    assert "file_dep" in call(chain.root, "help", "task").out
    error = "ERROR: stage of steps.make: found 3, expected role -> path; write {'role': 'path'}\n"
    assert call(chain.root, "help", "make") == (3, "", error)


@pytest.mark.parametrize("backend", ["redoit", "sqlite3", "json", "dbm"])
def test_the_database_is_dumped_whatever_it_is(fresh: Pipeline, backend: str) -> None:
    """What doit remembers of ordinary tasks is shown, from the database that is in use."""
    fresh.write("dodo.py", fresh.read("dodo.py") + "\n\ndef task_own():\n    return {'actions': ['true']}\n")
    option = f"--backend={backend}"
    assert fresh.doit("run", option, "own", "make").code == 0
    shown = fresh.doit("dumpdb", option)
    assert (shown.code, shown.out.startswith("own -> {"), shown.out.count("->")) == (0, True, 1)
