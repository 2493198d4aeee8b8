"""The checkout in the working directory: its engine by its options, and the session of one command."""

import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from examples import trace, write
from in_process import STAGES, TIMES, called, settings_of

from redoit.execution.executor import StepCall, StepResult
from redoit.history.run_log import StageRecord
from redoit.model import Keep, Outcome, Reason, Stage, Status
from redoit.plugin.checkout import Session, code_of, engine, make_engine, run_log
from redoit.plugin.graph import Graph
from redoit.source.project import Project

KEPT = Outcome(Status.KEPT, trace(seconds=12.5), 0.5)
RAN = Outcome(Status.RAN, trace(seconds=2.0), 2.5, (Reason("first"),))


def session_of_chain(*selected: str) -> Session:
    """Return a session of which the user selected some tasks of the chain."""
    session = Session()
    needs = {"make": [], "sort": ["make"], "side": ["make"], "join": ["sort", "side"], "plain": ["join"]}
    session.graph = Graph(needs, STAGES)
    session.selected = lambda: selected
    return session


def test_the_engine_of_a_checkout_is_made_once(chain_folder: Path) -> None:
    """All parts of a command share one engine, of the working directory, with a store of its own."""
    assert engine() is engine()
    assert engine().workspace.root == Path(".redoit")
    assert not engine().workspace.shares_store
    assert engine().inspector.snapshot.signature("steps.make").roles == ("source", "made")


def test_the_store_of_a_checkout_may_be_elsewhere(
    chain_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option `store` names the folder of the store, also from the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (chain_folder / "pyproject.toml").write_text('[tool.redoit]\nstore = "~/store"\n')
    assert engine().workspace.store.root == tmp_path / "store"
    assert engine().workspace.shares_store


def test_source_is_read_with_enumerations(chain_folder: Path) -> None:
    """The code of a step includes enumerations that only its settings name."""
    write(chain_folder, steps__modes="import enum\n\n\nclass Mode(enum.Enum):\n    FAST = 1\n")
    project = Project(chain_folder)
    without = [part.name for part in code_of(project, "steps.side", (), True).parts]
    named = [part.name for part in code_of(project, "steps.side", [("steps.modes", "Mode")], True).parts]
    assert "steps.modes:Mode" in set(named) - set(without)


def test_a_step_runs_in_a_process_of_its_own(chain_folder: Path) -> None:
    """Without another way to run steps, an engine runs each in another process, and can be closed before and after."""
    write(chain_folder, steps__one="import os\n\n\ndef run(made): made.write_text(str(os.getpid()))\n")
    made = make_engine(Path())
    made.close()
    made.workspace.open()
    outcome = made.build(Stage("one", "steps.one", {}, {"made": "made"}), ())
    made.close()
    assert outcome.status is Status.RAN
    assert Path("made").read_text().isdecimal()
    assert Path("made").read_text() != str(os.getpid())


def test_outputs_are_rewritten_without_clocks(chain_folder: Path) -> None:
    """An output of a format whose bytes hold the time of day is stored without it."""

    def archived(call: StepCall, log: Path, *_others: Any) -> StepResult:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        with zipfile.ZipFile(call.paths["made"], "w") as archive:
            archive.writestr(zipfile.ZipInfo("a.npy", (2026, 1, 2, 3, 4, 6)), b"a")
        return StepResult({})

    made = make_engine(Path(), execute=archived)
    made.workspace.open()
    made.build(STAGES["make"]._replace(outputs={"made": "data/made.npz"}), settings_of("make", TIMES))
    with zipfile.ZipFile("data/made.npz") as archive:
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def test_a_session_notes_the_outcome_of_a_stage() -> None:
    """The record of a stage names its action, its trace if that was recorded, both durations and the reasons."""
    session = Session()
    session.end("train", RAN)
    session.end("test", RAN._replace(trace=replace(RAN.trace, name="its name")))
    found = [
        StageRecord(Status.RAN, RAN.trace.action.key, name, 2.5, 2.0, (Reason("first"),)) for name in ("", "its name")
    ]
    assert session.records == dict(zip(("train", "test"), found, strict=True))


def test_a_run_records_what_it_did_not_reach(chain_folder: Path) -> None:
    """Selected stages, and those that they need, are "not run" if the run did not reach them; no ordinary task is."""
    engine().workspace.open()
    session = session_of_chain("side", "plain")
    session.end("make", KEPT)
    session.end("sort", RAN)
    session.record()
    [run] = run_log().newest()
    statuses = {name: record.status for name, record in run.stages.items()}
    assert statuses == {"make": "kept", "sort": "ran", "side": "not run", "join": "not run"}
    assert (run.saved, run.complete) == (12.0, True)


def test_an_interrupted_run_is_recorded_as_that(chain_folder: Path) -> None:
    """A run that the user stopped is not complete."""
    engine().workspace.open()
    session = session_of_chain("make")
    session.interrupted = True
    session.end("make", RAN)
    session.record()
    assert [run.complete for run in run_log().newest()] == [False]


def test_a_run_without_stages_leaves_no_record(chain_folder: Path) -> None:
    """A run of ordinary tasks alone is not in the run log."""
    engine().workspace.open()
    session = session_of_chain()
    session.record()
    assert not run_log().folder.exists()


def test_what_runs_steps_can_be_given(chain_folder: Path) -> None:
    """An engine runs steps with the function that it is given, and keeps what that made."""
    made = make_engine(Path(), execute=called)
    made.workspace.open()
    outcome = made.build(STAGES["make"], settings_of("make", TIMES))
    assert (outcome.status, outcome.trace.metrics) == (Status.RAN, {"count": 3.0})
    assert isinstance(made.decide(STAGES["make"], settings_of("make", TIMES)), Keep)
