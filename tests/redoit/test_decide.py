"""Keep, restore or run: one row for each case of the table."""

import pytest
from examples import action, artifact, trace

from redoit.decide import Decision, Keep, Restore, Run, decide
from redoit.reasons import Reason
from redoit.records import Policy, Setting, Trace

FIRST = trace(started=1.0)
SECOND = trace(started=2.0, manifest={"model": artifact(b"other"), "history": artifact(b"")})
EARLIER = trace(action=action(settings=(Setting("epochs", "int", 4), *action().settings[1:])))
NOTHING: dict[str, str | None] = {"model": None, "history": None}
IN_PLACE: dict[str, str | None] = {**FIRST.digests}
OTHER: dict[str, str | None] = {**SECOND.digests}
FOREIGN: dict[str, str | None] = {**FIRST.digests, "model": "f" * 64}
HALF: dict[str, str | None] = {**FIRST.digests, "model": None}
FORGOTTEN = Reason("forgotten")
NEVER, VOLATILE = Run((Reason("first"),)), Run((Reason("volatile"),))
BOTH = ("history", "model")
USUAL = Policy()


def decided(
    traces: tuple[Trace, ...],
    observed: dict[str, str | None],
    policy: Policy = USUAL,
    *,
    distrust: Reason | None = None,
    blobs: tuple[Trace, ...] = (FIRST, SECOND),
    latest: Trace | None = None,
) -> Decision:
    """Return the decision where the store has the blobs of some traces."""
    return decide(
        action(), traces, observed, policy=policy, distrust=distrust, restorable=lambda one: one in blobs, latest=latest
    )


IMPURE, RUNS_ALWAYS = Policy(impure=True), Policy(volatile=True)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (decided((), NOTHING), NEVER),
        (decided((), IN_PLACE), NEVER),
        (decided((), IN_PLACE, latest=FIRST), NEVER),
        (decided((FIRST,), IN_PLACE), Keep(FIRST)),
        (decided((FIRST,), IN_PLACE, blobs=()), Keep(FIRST)),
        (decided((FIRST, SECOND), IN_PLACE), Keep(FIRST)),
        (decided((FIRST, SECOND), OTHER), Keep(SECOND)),
        (decided((FIRST,), NOTHING), Restore(FIRST)),
        (decided((FIRST,), HALF), Restore(FIRST)),
        (decided((FIRST,), FOREIGN), Restore(FIRST)),
        (decided((FIRST, SECOND), FOREIGN), Restore(FIRST)),
        (decided((SECOND, FIRST), FOREIGN), Restore(SECOND)),
        (decided((FIRST, SECOND), FOREIGN, blobs=(SECOND,)), Restore(SECOND)),
        (decided((FIRST,), NOTHING, blobs=()), Run(tuple(Reason("output lost", role) for role in BOTH))),
        (decided((FIRST,), HALF, blobs=()), Run((Reason("output lost", "model"),))),
        (decided((FIRST,), IN_PLACE, IMPURE), Keep(FIRST)),
        (decided((FIRST,), NOTHING, IMPURE), Run(tuple(Reason("output missing", role) for role in BOTH))),
        (decided((FIRST,), FOREIGN, IMPURE), Run((Reason("output changed", "model"),))),
        (decided((), NOTHING, IMPURE), NEVER),
        (decided((FIRST,), IN_PLACE, RUNS_ALWAYS), VOLATILE),
        (decided((FIRST,), NOTHING, RUNS_ALWAYS), VOLATILE),
        (decided((FIRST,), IN_PLACE, distrust=FORGOTTEN), Run((FORGOTTEN,))),
        (decided((FIRST,), NOTHING, distrust=FORGOTTEN), Run((FORGOTTEN,))),
        (decided((FIRST,), IN_PLACE, RUNS_ALWAYS, distrust=FORGOTTEN), Run((FORGOTTEN,))),
        (decided((), NOTHING, IMPURE, distrust=FORGOTTEN), Run((FORGOTTEN,))),
        (decided((), IN_PLACE, latest=EARLIER), Run((Reason("setting", "epochs", 4, 5),))),
    ],
)
def test_verdict(found: Decision, expected: Decision) -> None:
    """Distrust goes before volatile, before keep, before restore, before run; of two traces the canonical one wins."""
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
                for latest in (None, FIRST, EARLIER):
                    found = decided(traces, observed, policy, blobs=(), latest=latest)
                    assert isinstance(found, Run)
                    assert found.reasons
