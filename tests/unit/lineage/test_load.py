"""Loading a lineage: for a page of a large pipeline its most active stages, and all runs of them."""

from pathlib import Path

import pytest
from examples import put
from workspaces import TRAIN, some_trace, whole_workspace

from redoit.history.run_log import RunLog, RunRecord, StageRecord
from redoit.lineage.load import load_lineage, most_active
from redoit.model import Stage, Status
from redoit.state.workspace import Workspace

STAGES = [
    Stage(f"s{number}", "steps.s", {"before": f"{number - 1}"} if number else {}, {"made": f"{number}"})
    for number in range(300)
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return a workspace with two runs of many stages: one ran in the first, another failed in the second."""
    made = Workspace(tmp_path)
    made.open()
    kept = {stage.name: StageRecord(Status.KEPT, "a" * 64, "b" * 64) for stage in STAGES}
    ran = {**kept, "s200": StageRecord(Status.RAN, "a" * 64, "c" * 64, 2.0)}
    RunLog(made.root).append(RunRecord("doit", 1.0, 1.0, ran))
    RunLog(made.root).append(
        RunRecord("doit", 2.0, 1.0, {**ran, "s200": kept["s7"], "s100": StageRecord(Status.FAILED, error="no")})
    )
    return made


@pytest.mark.parametrize(
    ("number", "names"),
    [
        (1, ["s100"]),
        (2, ["s100", "s200"]),
        (4, ["s99", "s100", "s199", "s200"]),
        (6, ["s0", "s1", "s99", "s100", "s199", "s200"]),
    ],
)
def test_most_active_stages(workspace: Workspace, number: int, names: list[str]) -> None:
    """What was not kept comes first, the newest runs before older ones, then what that needs; in their order."""
    assert [stage.name for stage in most_active(RunLog(workspace.root), STAGES, number)] == names


def test_a_small_pipeline_is_whole(workspace: Workspace) -> None:
    """Of a pipeline that is not large nothing is left out."""
    assert most_active(RunLog(workspace.root), STAGES, 300) == STAGES


def test_runs_of_some_stages_alone(workspace: Workspace) -> None:
    """All runs are there, with the records of these stages, and the sums of all others."""
    found = load_lineage(workspace, RunLog(workspace.root), STAGES[100:102], only=True)
    assert [dict(run.stages).keys() for run in found.runs] == [{"s100", "s101"}] * 2
    assert [run.stages["s100"].status for run in found.runs] == ["failed", "kept"]
    assert [run.omitted["kept"][0] for run in found.runs] == [298, 297]
    assert found.runs[1].omitted["ran"] == (1, 2.0)
    assert found.origins["c" * 64].started == 1.0


def test_what_is_remembered_of_a_trace_is_shown(tmp_path: Path) -> None:
    """A result is the same whether its trace is read or remembered; and one that the store has lost is none."""
    workspace = whole_workspace(tmp_path)
    put(workspace.store, b"m")
    for look in (Workspace(tmp_path), workspace):
        (found,) = look.earlier(TRAIN, from_index=True)
        assert found == some_trace()
        assert found.action.settings == some_trace().action.settings
        assert [found] == workspace.earlier(TRAIN)
    workspace.store.trace_path(found.action.key, found.name).unlink()
    assert Workspace(tmp_path).earlier(TRAIN, from_index=True) == []
