"""One stage, built again and again: what is executed, what is recorded, and what stays as it was."""

import contextlib
import dataclasses
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pytest
from examples import artifact, named, write

from redoit.engine.engine import Engine, RunOptions
from redoit.errors import StepError
from redoit.execution.executor import StepCall, StepResult
from redoit.execution.records import Touched
from redoit.model import Keep, Outcome, Policy, Reason, Restore, Run, Stage, Status
from redoit.plugin.checkout import make_engine
from redoit.reasons import sentence
from redoit.state.stat_cache import identity

STAGE = Stage("make", "steps.make", {"source": "source.txt"}, {"made": "data/made.txt"})
IMPURE = STAGE._replace(policy=Policy(impure=True))
FIRST, FORGOTTEN = Reason("first"), Reason("forgotten")
MADE = Path("data/made.txt")


class Steps:
    """Executes steps in this process: each writes a text, if any, after something has happened; counts them."""

    def __init__(self) -> None:
        self.text: str | None = "made"
        self.result = StepResult({"count": 2.0})
        self.during: Callable[[], object] = lambda: None
        self.calls: list[StepCall] = []

    def __call__(
        self, call: StepCall, log: Path, _stdout: TextIO | None, _stderr: TextIO | None, _later_stages: Any
    ) -> StepResult:
        """Execute a step."""
        self.calls.append(call)
        log.parent.mkdir(exist_ok=True)
        log.write_text("printed\n")
        if self.text is not None:
            Path(call.paths["made"]).write_text(self.text)
        self.during()
        return self.result


def read(*names: str) -> Touched:
    """Return what an execution touched that read some files."""
    paths = [str(Path(name).resolve()) for name in names]
    for path in paths:
        Path(path).touch()
    return Touched(tuple(("read", path, *map(str, identity(path) or ())) for path in paths))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, steps__make="def run(source, made):\n    pass\n")
    (tmp_path / "source.txt").write_text("source")
    return tmp_path


@pytest.fixture
def steps() -> Steps:
    """Return what executes the steps."""
    return Steps()


@pytest.fixture
def engine(steps: Steps) -> Engine:
    """Return an engine for the project."""
    return opened(steps)


def opened(steps: Steps, *, strict: bool = False) -> Engine:
    """Return another engine for the project."""
    made = make_engine(Path(), execute=steps, strict=strict)
    made.workspace.open()
    return made


def files(folder: Path) -> dict[Path, bytes]:
    """Return path -> bytes of all files below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def status(outcome: Outcome) -> tuple[Status, tuple[Reason, ...]]:
    """Return what was done, and why."""
    return outcome.status, outcome.reasons


def test_a_stage_runs_is_kept_and_is_restored(engine: Engine, steps: Steps) -> None:
    """A stage runs once; then its output is kept, and restored where it is lost; a decision says so beforehand."""
    lost = Reason("output missing", "made", named("made"))
    assert engine.decide(STAGE, ()) == Run((FIRST,))
    built = engine.build(STAGE, ())
    assert status(built) == (Status.RAN, (FIRST,))
    assert engine.decide(STAGE, ()) == Keep(built.trace)
    assert status(engine.build(STAGE, ())) == (Status.KEPT, ())
    MADE.unlink()
    assert engine.decide(STAGE, ()) == Restore(built.trace)
    assert status(engine.build(STAGE, ())) == (Status.RESTORED, (lost,))
    assert (MADE.read_text(), len(steps.calls)) == ("made", 1)


def test_a_trace_tells_what_was_run(engine: Engine) -> None:
    """The trace of a run has its action, outputs, metrics and log, and the store has the bytes of all it names."""
    engine.build(STAGE, ())
    found = engine.workspace.latest(STAGE)
    assert found is not None
    assert found.action == engine.inspector.action_from_cache(STAGE, ())
    assert (found.stage, found.manifest, found.metrics) == ("make", {"made": artifact(b"made")}, {"count": 2.0})
    store = engine.workspace.store
    assert [store.get(name) for name in (found.digests["made"], found.log)] == [b"made", b"printed\n"]
    assert all(store.get(name) for name in found.action.code.values())


def test_what_is_in_place_is_remembered_when_it_is_kept(engine: Engine) -> None:
    """A decision to keep records the trace again where that record is lost, and returns blobs that the store lost."""
    trace = engine.build(STAGE, ()).trace
    for folder in ("latest", "blobs"):
        shutil.rmtree(engine.workspace.root / folder)
    again = opened(Steps())
    assert again.decide(STAGE, ()) == Keep(trace)
    assert again.workspace.latest(STAGE) == trace
    assert again.workspace.store.get(trace.digests["made"]) == b"made"


def test_a_dry_run_changes_nothing(engine: Engine, project: Path) -> None:
    """A dry run gives the decision for files as they will be, and writes nothing, whatever it decides."""
    trace = engine.build(STAGE, ()).trace
    before = files(project)
    assert engine.dry_run(STAGE, (), None, {}) == Keep(trace)
    decision = engine.dry_run(STAGE, (), None, {"source.txt": named("other")})
    assert decision == Run((Reason("input", "source", named("source"), named("other")),))
    assert engine.dry_run(STAGE, (), FORGOTTEN, {}) == Run((FORGOTTEN,))
    assert files(project) == before


def test_a_corrupt_blob_is_not_restored(engine: Engine, steps: Steps) -> None:
    """Where the blob of a lost output is corrupt, a dry run knows, and the stage runs."""
    engine.build(STAGE, ())
    MADE.unlink()
    engine.workspace.store.blob_path(named("made")).write_bytes(b"wrog")
    decision = engine.dry_run(STAGE, (), None, {})
    assert isinstance(decision, Run)
    assert status(engine.build(STAGE, ())) == (Status.RAN, (Reason("output lost", "made"),))
    assert (MADE.read_text(), len(steps.calls)) == ("made", 2)


@pytest.mark.parametrize("failure", ["failed", "wrote nothing"])
def test_a_failed_step_leaves_all_as_it_was(engine: Engine, steps: Steps, failure: str) -> None:
    """A step that fails, or breaks its promise, replaces no output, leaves no staging folder and records nothing."""
    engine.build(STAGE, ())
    traces = files(engine.workspace.root / "traces")
    steps.text = None if failure == "wrote nothing" else "half"

    def fail() -> None:
        if failure == "failed":
            raise StepError("step make", failure)

    steps.during = fail
    with pytest.raises(StepError, match=failure):
        engine.build(STAGE, (), invalidated=FORGOTTEN, dependents=lambda: ("sort",))
    assert files(MADE.parent) == {MADE: b"made"}
    assert files(engine.workspace.root / "traces") == traces
    assert engine.decide(STAGE, ()) == Run((FORGOTTEN,))


def test_an_invalidated_stage_runs_and_so_will_its_dependents(engine: Engine, steps: Steps) -> None:
    """An invalidation holds until the stage has succeeded; those of its dependents until they have."""
    engine.build(STAGE, ())
    assert status(engine.build(STAGE, (), invalidated=FORGOTTEN, dependents=lambda: ("sort",)))[1] == (FORGOTTEN,)
    assert status(engine.build(STAGE, ())) == (Status.KEPT, ())
    waiting = engine.workspace.invalidations.get("sort")
    assert waiting is not None
    assert (waiting.reason.kind, waiting.reason.subject, len(steps.calls)) == ("upstream", "make", 2)


CHANGES: dict[str, tuple[str, Callable[[], object], bool]] = {
    "input": ("source.txt", lambda: Path("source.txt").write_text("other"), False),
    "no input": ("source.txt changed (not there", lambda: Path("source.txt").unlink(), False),
    "code": ("steps.make:run", lambda: Path("steps/make.py").write_text("def run(source, made):\n    1\n"), False),
    "settings": ("its settings", lambda: None, True),
}


@pytest.mark.parametrize(("words", "change", "edited"), CHANGES.values(), ids=CHANGES)
def test_what_changed_meanwhile_is_not_recorded(
    engine: Engine, steps: Steps, words: str, change: Callable[[], object], edited: bool
) -> None:
    """A stage that was changed while its step ran has its output in place, a warning, and no trace."""
    steps.during = change
    built = engine.build(STAGE, (), RunOptions(settings_edited=lambda: edited))
    (warning,) = built.warnings
    assert (words in warning, built.trace.name) == (True, "")
    assert warning.endswith(" while it ran: its outputs are in place but not recorded, so it runs again next time")
    assert MADE.read_text() == "made"
    assert engine.workspace.latest(STAGE) is None


@pytest.mark.parametrize(("stage", "number"), [(STAGE, 1), (IMPURE, 0)], ids=["pure", "impure"])
def test_another_output_of_an_equal_action_is_a_warning(
    engine: Engine, steps: Steps, stage: Stage, number: int
) -> None:
    """A stage that makes other bytes of the same action is not reproducible, unless it is declared to be impure."""
    engine.build(stage, ())
    steps.text = "other"
    warnings = engine.build(stage, (), invalidated=FORGOTTEN).warnings
    line = "not reproducible: data/made.txt differs from an earlier run of the same action; both are stored"
    assert warnings == (line,) * number


def test_what_a_step_did_besides_is_a_warning(engine: Engine, steps: Steps) -> None:
    """An undeclared input makes a warning, before those of the execution."""
    steps.result = StepResult({}, read("extra.txt", "source.txt"), ("killed",))
    undeclared, killed = engine.build(STAGE, ()).warnings
    assert undeclared.startswith("undeclared input extra.txt: ")
    assert killed == "killed"


def test_an_undeclared_input_is_an_error_if_that_is_wanted(steps: Steps) -> None:
    """A strict engine refuses the outputs of a step that read an undeclared input; an impure stage may."""
    steps.result = StepResult({}, read("extra.txt"))
    engine = opened(steps, strict=True)
    with pytest.raises(StepError, match=r"step steps\.make: undeclared input extra\.txt: .*; its log is "):
        engine.build(STAGE, ())
    assert not MADE.exists()
    assert engine.build(IMPURE, ()).warnings == ()


def test_the_source_of_all_code_that_a_trace_names_is_stored(engine: Engine, steps: Steps, project: Path) -> None:
    """What is executed may make more of a text count: the texts of the action and of the observations are all there."""
    write(
        project,
        steps__make="from steps import helper\ndef run(source, made):\n    helper.help()\n",
        steps__helper='def help():\n    """Help."""\n',
        steps__odd="import inspect\nfrom steps.helper import help\nprint(inspect.getsource(help))\n",
    )
    executed = ("code", str(project / "steps/odd.py"), "<module>", "1", "")
    steps.result = StepResult({}, Touched((executed,)))
    trace = engine.build(STAGE, ()).trace
    observed = {row.name: row.digest for row in trace.observations if row.kind == "code"}
    assert observed["steps.helper:*"] not in trace.action.code.values()
    for content in [*trace.action.code.values(), *observed.values()]:
        assert engine.workspace.store.get(content or "") is not None


def test_an_impure_stage_is_kept_and_never_restored(engine: Engine, steps: Steps) -> None:
    """The output of an impure stage is kept while it is there; it is not stored, and lost it is made again."""
    engine.build(IMPURE, ())
    assert engine.build(IMPURE, ()).status == Status.KEPT
    MADE.unlink()
    assert status(engine.build(IMPURE, ())) == (Status.RAN, (Reason("output missing", "made", named("made")),))
    assert not (engine.workspace.root / "traces").exists()
    assert not engine.workspace.private.exists(artifact(b"made"))
    assert len(steps.calls) == 2


def test_a_staged_output_is_canonical_and_goes_nowhere(engine: Engine, steps: Steps, project: Path) -> None:
    """Run in staging, a step's output is rewritten and handed over; then it is removed, and nothing else changed."""
    MADE.parent.mkdir()
    MADE.write_text("in place")
    before = files(project)
    canonicalizing = dataclasses.replace(engine, canonicalize=lambda path: path.write_text("canonical"))
    with canonicalizing.run_in_staging(STAGE, (), project / "log", RunOptions(time_limit=7.0)) as (
        paths,
        result,
        linked,
    ):
        call = StepCall("steps.make", {**STAGE.inputs, "made": str(paths["made"])}, (), 7.0, "make")
        record = str(project / ".redoit/observed/log")
        given = {"record": record, "scope": (str(project),), "declared": ("source.txt", "data/made.txt")}
        assert steps.calls == [dataclasses.replace(call, **given)]
        assert {role: path.read_text() for role, path in paths.items()} == {"made": "canonical"}
        assert (result.metrics, linked) == (steps.result.metrics, set())
    assert files(project) == {**before, project / "log": b"printed\n"}


def test_an_input_that_its_output_is_linked_to_has_not_changed(engine: Engine, steps: Steps, project: Path) -> None:
    """A step that links its output to its input has changed nothing; one that then writes through it has."""

    def link(text: str = "") -> None:
        made = Path(steps.calls[-1].paths["made"])
        made.unlink()
        made.hardlink_to(project / "source.txt")
        if text:
            made.write_text(text)

    steps.during = link
    built = engine.build(STAGE, ())
    assert (built.warnings, engine.decide(STAGE, ())) == ((), Keep(built.trace))
    steps.during = lambda: link("edited")
    (warning,) = engine.build(STAGE, (), invalidated=FORGOTTEN).warnings
    assert "while it ran" in warning


def test_an_input_that_the_replaced_output_was_linked_to_has_not_changed(engine: Engine, project: Path) -> None:
    """To replace an output that is another name of an input changes nothing of the input."""
    MADE.parent.mkdir(exist_ok=True)
    MADE.hardlink_to(project / "source.txt")
    built = engine.build(STAGE, ())
    assert engine.decide(STAGE, ()) == Keep(built.trace)


def test_what_nobody_made_survives_a_run_and_a_restore(engine: Engine) -> None:
    """An output that was there before the first run, and one that was edited, are set aside, and a warning says so."""
    MADE.parent.mkdir()
    MADE.write_text("earlier")
    for text in ("earlier", "edited"):
        MADE.write_text(text)
        outcome = engine.build(STAGE, ())
        assert len(outcome.warnings) == 1
        assert Path(outcome.warnings[0].rpartition(" ")[2]).read_text() == text
    assert outcome.status == Status.RESTORED


@pytest.mark.parametrize("mode", [0o755, 0o600])
def test_permissions_survive_a_restore(engine: Engine, steps: Steps, mode: int) -> None:
    """A restored output has the permissions that its step gave it."""
    steps.during = lambda: Path(steps.calls[-1].paths["made"]).chmod(mode)
    engine.build(STAGE, ())
    assert MADE.stat().st_mode & 0o777 == mode
    MADE.unlink()
    assert engine.build(STAGE, ()).status == Status.RESTORED
    assert MADE.stat().st_mode & 0o777 == mode


def of_source(engine: Engine, text: str, reason: Reason | None = None, stage: Stage = STAGE) -> Outcome:
    """Build the stage with that content of its source, in a new process."""
    Path("source.txt").write_text(text)
    return opened_with(engine).build(stage, (), invalidated=reason)


def opened_with(engine: Engine, store: Path | None = None, root: Path = Path()) -> Engine:
    """Return another engine that executes the same steps."""
    made = make_engine(root, store, execute=engine.execute)
    made.workspace.open()
    return made


@pytest.mark.parametrize("kind", ["forgotten", "uncached", "always"])
@pytest.mark.parametrize("text", ["made", "made again"])
def test_what_was_forced_supersedes_all_earlier_traces(engine: Engine, steps: Steps, kind: str, text: str) -> None:
    """After a forced run no earlier trace counts, of this source or of another, also if it made the same bytes."""
    of_source(engine, "one")
    of_source(engine, "two")
    steps.text = text
    assert of_source(engine, "two", Reason(kind)).status == Status.RAN
    assert status(of_source(engine, "one")) == (Status.RAN, (Reason("superseded"),))
    assert [of_source(engine, text).status for text in ("two", "one")] == [Status.KEPT, Status.KEPT]
    assert len(steps.calls) == 4


def test_what_was_superseded_stays_so_without_a_clock(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither clocks that step back, nor new times of files, nor a lost `latest/` or trace index let a trace count."""
    of_source(engine, "one")
    monkeypatch.setattr(time, "time", lambda: 1.0)
    of_source(engine, "two", FORGOTTEN)
    for path in Path(".redoit/traces").rglob("*.json"):
        os.utime(path)
    shutil.rmtree(".redoit/latest")
    Path(".redoit/trace-index").unlink(missing_ok=True)
    assert of_source(engine, "one").status == Status.RAN


@pytest.mark.parametrize("lost", ["sequence", "traces"])
def test_what_a_lost_count_means(engine: Engine, lost: str) -> None:
    """Without the count of the store, or without its traces, what was superseded stays so, and new traces count."""
    of_source(engine, "one")
    of_source(engine, "two", FORGOTTEN)
    path = Path(".redoit", lost)
    path.unlink() if path.is_file() else shutil.rmtree(path)
    assert [of_source(engine, "one", reason).status for reason in (None, FORGOTTEN, None)] == [
        Status.RAN,
        Status.RAN,
        Status.KEPT,
    ]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"below": -1}', b'{"below": "1"}', b"[1]", b"\xff"])
def test_what_supersedes_and_can_not_be_read_supersedes_all(engine: Engine, data: bytes) -> None:
    """Where it can't be read which traces count, none does, until the stage has run."""
    of_source(engine, "one", FORGOTTEN)
    Path(".redoit/superseded/make").write_bytes(data)
    Path(".redoit/trace-index").unlink(missing_ok=True)
    assert [of_source(engine, "one").status for _ in range(2)] == [Status.RAN, Status.KEPT]


def test_a_crash_before_the_trace_lets_no_earlier_one_count(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is superseded is on the disk before the new trace: if that is not written, the stage runs again."""
    of_source(engine, "one")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(engine.workspace.store), "append", crash)
        with pytest.raises(KeyboardInterrupt):
            of_source(engine, "one", FORGOTTEN)
    shutil.rmtree(".redoit/invalidations")
    assert of_source(engine, "one").status == Status.RAN


def test_another_stage_and_another_checkout_keep_theirs(engine: Engine, tmp_path: Path) -> None:
    """A forced run supersedes for its own stage and in its own checkout, whoever shares the store and the action."""
    store = tmp_path / "store"
    twin = STAGE._replace(name="twin")
    here = opened_with(engine, store)
    first = here.build(STAGE, ()).trace
    assert here.build(twin, ()).status == Status.KEPT
    assert here.build(STAGE, (), invalidated=FORGOTTEN).status == Status.RAN
    (tmp_path / "there/steps").mkdir(parents=True)
    for name in ("source.txt", "steps/make.py"):
        shutil.copy(name, tmp_path / "there" / name)
    MADE.unlink()
    assert opened_with(engine, store).build(twin, ()).status == Status.RESTORED
    with contextlib.chdir(tmp_path / "there"):
        there = opened_with(engine, store)
        restored = there.build(STAGE, ())
        assert (restored.status, restored.trace.action) == (Status.RESTORED, first.action)


def test_the_newest_trace_is_restored(engine: Engine, steps: Steps) -> None:
    """Of results of one action the one recorded last is restored; any of them is kept where it is in place."""
    for steps.text in ("first", "second"):
        MADE.unlink(missing_ok=True)
        shutil.rmtree(".redoit/blobs", ignore_errors=True)
        engine.build(STAGE, ())
    shutil.rmtree(".redoit/blobs")
    for text in ("first", "second"):
        MADE.write_text(text)
        assert opened_with(engine).build(STAGE, ()).status == Status.KEPT  # which puts its blob back
    MADE.unlink()
    assert opened_with(engine).build(STAGE, ()).status == Status.RESTORED
    assert MADE.read_text() == "second"


def test_an_output_that_lost_its_executable_bit_is_not_kept(engine: Engine, steps: Steps) -> None:
    """An output that is no longer executable is another one; other bits of its mode do not count."""
    steps.during = lambda: Path(steps.calls[-1].paths["made"]).chmod(0o755)
    engine.build(STAGE, ())
    MADE.chmod(0o700)
    assert isinstance(opened_with(engine).decide(STAGE, ()), Keep)
    MADE.chmod(0o644)
    assert isinstance(opened_with(engine).decide(STAGE, ()), Restore)


def test_an_input_that_becomes_executable_has_changed(engine: Engine) -> None:
    """Whether an input may be executed is part of its content, of a file that is used as well."""
    stage = STAGE._replace(uses=("steps/make.py",))
    engine.build(stage, ())
    for path, kind in (("source.txt", "input"), ("steps/make.py", "uses")):
        Path(path).chmod(0o755)
        decision = opened_with(engine).decide(stage, ())
        assert isinstance(decision, Run)
        assert [reason.kind for reason in decision.reasons] == [kind]
        opened_with(engine).build(stage, ())


def test_a_declaration_that_moves_is_another_action(engine: Engine) -> None:
    """Another step, or an input or output at another path, is said in plain words."""
    engine.build(STAGE, ())
    shutil.copy("steps/make.py", "steps/other.py")
    shutil.copy("source.txt", "other.txt")
    moved = STAGE._replace(step="steps.other", inputs={"source": "other.txt"}, outputs={"made": "data/made.md"})
    decision = opened_with(engine).decide(moved, ())
    assert isinstance(decision, Run)
    words = [sentence([reason]) for reason in decision.reasons if not reason.kind.startswith("code")]
    assert words == [
        "step steps.make:run -> steps.other:run",
        "input source now at other.txt",
        "output made now at data/made.md",
    ]


def test_a_variable_that_is_not_set_counts(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A declared variable has its value, or is absent, which is another thing than the text."""
    stage = STAGE._replace(environ=("SCALE",))
    monkeypatch.delenv("SCALE", raising=False)
    keys = {engine.inspector.action_from_cache(STAGE, ()).key, engine.inspector.action_from_cache(stage, ()).key}
    for text in ("", "absent", "None"):
        monkeypatch.setenv("SCALE", text)
        keys.add(engine.inspector.action_from_cache(stage, ()).key)
    assert len(keys) == 5


def test_preloaded_modules_count_for_a_step_that_imports_all_of_them(steps: Steps) -> None:
    """What is imported before a step is in its action and its call, for a step that may import all of it."""
    usual, preloading, other = (
        make_engine(Path(), execute=steps, preload=preload).inspector.action_from_cache(STAGE, ())
        for preload in ((), ("steps.make",), ("steps.make", "steps.other"))
    )
    assert preloading.environment.preloaded == ("steps.make",)
    assert usual.key == other.key != preloading.key
    make_engine(Path(), execute=steps, preload=("steps.make",)).build(STAGE, ())
    assert steps.calls[-1].preload == ("steps.make",)


def test_a_checkout_keeps_what_gc_elsewhere_removed(engine: Engine, tmp_path: Path) -> None:
    """If a shared store loses all, the stage is kept by the checkout's own copy, and the store has it again."""
    store = tmp_path / "store"
    built = opened_with(engine, store).build(STAGE, ())
    shutil.rmtree(store)
    again = opened_with(engine, store)
    assert again.decide(STAGE, ()) == Keep(built.trace)
    assert again.workspace.store.verify(built.trace.manifest["made"])
    assert again.workspace.store.traces(built.trace.action.key) == [built.trace]
    shutil.rmtree(store)
    MADE.write_text("edited")
    assert isinstance(opened_with(engine, store).decide(STAGE, ()), Run)
