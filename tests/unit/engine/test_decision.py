"""Keep, restore or run: one row for each case of the table."""

import pytest
from examples import action, artifact, trace

from redoit.engine.decision import decide
from redoit.model import Decision, Keep, Policy, Reason, Restore, Run, Setting, Trace

FIRST = trace(started=1.0)
SECOND = trace(started=2.0, manifest={"model": artifact(b"other"), "history": artifact(b"")})
EARLIER = trace(action=action(settings=(Setting("epochs", "int", 4), *action().settings[1:])))
NOTHING: dict[str, str | None] = {"model": None, "history": None}
IN_PLACE: dict[str, str | None] = {**FIRST.digests}
OTHER: dict[str, str | None] = {**SECOND.digests}
FOREIGN: dict[str, str | None] = {**FIRST.digests, "model": "f" * 64}
HALF: dict[str, str | None] = {**FIRST.digests, "model": None}
FORGOTTEN = Reason("forgotten")
GONE = tuple(Reason("output missing", role, FIRST.digests[role]) for role in ("history", "model"))
LOST = tuple(Reason("output lost", reason.subject, reason.old) for reason in GONE)
ALIEN = Reason("output changed", "model", FIRST.digests["model"], "f" * 64)
NEVER, VOLATILE = Run((Reason("first"),)), Run((Reason("volatile"),))
USUAL = Policy()


def decided(
    traces: tuple[Trace, ...],
    observed: dict[str, str | None],
    policy: Policy = USUAL,
    *,
    invalidated: Reason | None = None,
    blobs: tuple[Trace, ...] = (FIRST, SECOND),
    superseded: bool = False,
    earlier: tuple[Trace, ...] = (),
) -> Decision:
    """Return the decision where the store has the blobs of some traces."""
    return decide(
        action(),
        traces,
        observed,
        policy=policy,
        superseded=superseded,
        invalidated=invalidated,
        restorable=lambda one: one in blobs,
        earlier=lambda: earlier,
    )


IMPURE, RUNS_ALWAYS = Policy(impure=True), Policy(volatile=True)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (decided((), NOTHING), NEVER),
        (decided((), IN_PLACE), NEVER),
        (decided((), IN_PLACE, earlier=(FIRST,)), NEVER),
        (decided((FIRST,), IN_PLACE), Keep(FIRST)),
        (decided((FIRST,), IN_PLACE, blobs=()), Keep(FIRST)),
        (decided((FIRST, SECOND), IN_PLACE), Keep(FIRST)),
        (decided((FIRST, SECOND), OTHER), Keep(SECOND)),
        (decided((FIRST,), NOTHING), Restore(FIRST)),
        (decided((FIRST,), HALF), Restore(FIRST)),
        (decided((FIRST,), FOREIGN), Restore(FIRST)),
        (decided((FIRST, SECOND), FOREIGN), Restore(SECOND)),
        (decided((SECOND, FIRST), FOREIGN), Restore(FIRST)),
        (decided((FIRST, SECOND), FOREIGN, blobs=(FIRST,)), Restore(FIRST)),
        (decided((FIRST,), NOTHING, blobs=()), Run(LOST)),
        (decided((FIRST,), HALF, blobs=()), Run(LOST[1:])),
        (decided((FIRST,), IN_PLACE, IMPURE), Keep(FIRST)),
        (decided((FIRST,), NOTHING, IMPURE), Run(GONE)),
        (decided((FIRST,), FOREIGN, IMPURE), Run((ALIEN,))),
        (decided((), NOTHING, IMPURE), NEVER),
        (decided((FIRST,), IN_PLACE, RUNS_ALWAYS), VOLATILE),
        (decided((FIRST,), NOTHING, RUNS_ALWAYS), VOLATILE),
        (decided((FIRST,), IN_PLACE, invalidated=FORGOTTEN), Run((FORGOTTEN,))),
        (decided((FIRST,), NOTHING, invalidated=FORGOTTEN), Run((FORGOTTEN,))),
        (decided((FIRST,), IN_PLACE, RUNS_ALWAYS, invalidated=FORGOTTEN), Run((FORGOTTEN,))),
        (decided((), NOTHING, IMPURE, invalidated=FORGOTTEN), Run((FORGOTTEN,))),
        (decided((), IN_PLACE, superseded=True), Run((Reason("superseded"),))),
        (decided((), IN_PLACE, superseded=True, earlier=(EARLIER,)), Run((Reason("superseded"),))),
        (decided((FIRST,), IN_PLACE, superseded=True), Keep(FIRST)),
        (decided((), IN_PLACE, earlier=(EARLIER,)), Run((Reason("setting", "epochs", 4, 5),))),
    ],
)
def test_decision(found: Decision, expected: Decision) -> None:
    """An invalidation goes before volatile, before keep, before restore, before run; of two traces the newest wins."""
    assert found == expected


def test_an_output_more_or_less_is_not_kept() -> None:
    """Outputs are kept only if they are all of the trace's and no others."""
    assert decided((FIRST,), {"model": IN_PLACE["model"]}) == Restore(FIRST)
    assert decided((FIRST,), {**IN_PLACE, "extra": "e" * 64}) == Restore(FIRST)


def test_a_run_always_has_a_reason() -> None:
    """Whatever leads to a run, it is said."""
    for traces in ((), (FIRST,), (SECOND, FIRST)):
        for observed in (NOTHING, HALF, FOREIGN):
            for policy in (Policy(), IMPURE, RUNS_ALWAYS):
                for earlier in ((), (FIRST,), (EARLIER, FIRST)):
                    found = decided(traces, observed, policy, blobs=(), earlier=earlier)
                    assert isinstance(found, Run)
                    assert found.reasons


FAR = trace(action=action(settings=(), uses={}))


@pytest.mark.parametrize(
    ("earlier", "observed", "reasons"),
    [
        ((FIRST,), NOTHING, GONE),
        ((FIRST,), FOREIGN, (ALIEN,)),
        ((EARLIER,), {**EARLIER.digests}, (Reason("setting", "epochs", 4, 5),)),
        ((EARLIER, FIRST), FOREIGN, (Reason("setting", "epochs", 4, 5), ALIEN)),
        ((), HALF, GONE[1:]),
    ],
)
def test_a_restore_says_why_nothing_is_kept(
    earlier: tuple[Trace, ...], observed: dict[str, str | None], reasons: tuple[Reason, ...]
) -> None:
    """The decision names what changed since the latest result, also in its outputs."""
    first = trace(started=1.0, manifest={"model": artifact(b"x"), "history": artifact(b"y")})
    held = (first,) if observed == EARLIER.digests else (FIRST,)  # else what is in place would be kept
    found = decided(held, observed, blobs=held, earlier=earlier)
    assert isinstance(found, Restore)
    assert found.reasons == reasons


def test_the_last_of_equal_results_is_credited() -> None:
    """Of executions that made the same bytes the last one is named, kept or restored."""
    again, other = trace(started=3.0), SECOND
    found = decided((FIRST, other, again), IN_PLACE)
    assert isinstance(found, Keep)
    assert found.trace is again
    found = decided((FIRST, other, again), NOTHING, blobs=(FIRST, other, again))
    assert isinstance(found, Restore)
    assert found.trace is again


def test_a_run_is_explained_by_the_closest_result() -> None:
    """Of the results that a stage had, the one that differs least explains, and of equals the latest."""
    for earlier, nearest in (((FAR, EARLIER), EARLIER), ((EARLIER, FAR), EARLIER), ((FAR, FAR), FAR)):
        found = decided((), NOTHING, earlier=earlier)
        assert isinstance(found, Run)
        assert found.earlier is nearest
    assert decided((), NOTHING, earlier=(FAR, EARLIER)) == Run((Reason("setting", "epochs", 4, 5),))


def test_what_is_kept_asks_for_no_explanation() -> None:
    """A run with nothing to do reads no earlier results."""

    def unwanted() -> tuple[Trace, ...]:
        raise AssertionError

    found = decide(
        action(), (FIRST,), IN_PLACE, policy=USUAL, invalidated=None, restorable=lambda _: True, earlier=unwanted
    )
    assert found == Keep(FIRST)
