"""Decides to keep, restore or run a stage, from its action, traces and the outputs in place. Pure.

After *Build Systems à la Carte* (Mokhov, Mitchell, Peyton Jones, 2018), section 5: a verifying trace proves that the
outputs in place are up to date, a constructive trace can recreate them.
"""

from collections.abc import Callable, Mapping, Sequence

from redoit.model import Action, Decision, Keep, Policy, Reason, Restore, Run, Trace
from redoit.reasons import differences


def decide(
    action: Action,
    traces: Sequence[Trace],
    in_place: Mapping[str, str | None],
    *,
    policy: Policy,
    superseded: bool = False,
    invalidated: Reason | None,
    restorable: Callable[[Trace], bool],
    changes: Callable[[Trace], tuple[Reason, ...]] = lambda _trace: (),
    earlier: Callable[[], Sequence[Trace]],
) -> Decision:
    """Return what to do about a stage: keep the newest trace that is in place, else restore the newest that can be.

    `traces`: of this action, oldest first, those that count. `superseded`: there are others, which do not. `in_place`:
    output role -> digest of the content there, None if there is none. `changes`: returns how what a trace observed has
    changed; one that differs does not count. `earlier`: returns the traces that this stage had here, newest first. They
    only explain a run or a restore.
    """
    forced = invalidated or (Reason("volatile") if policy.volatile else None)
    if forced:
        return Run((forced,), closest(action, traces or earlier()))
    observed = [(changes(trace), trace) for trace in reversed(traces)]
    holding = [trace for changed, trace in observed if not changed]
    for trace in holding:
        if trace.digests == in_place:
            return Keep(trace)
    for trace in holding if policy.restorable else ():
        if restorable(trace):
            return Restore(trace, _why_not_kept(action, trace, in_place, earlier(), changes))
    if holding:
        return Run(_lost(holding[0], in_place, policy), holding[0])
    if observed:
        return Run(*min(observed, key=lambda row: len(row[0])))
    near = closest(action, earlier())
    if superseded:
        return Run((Reason("superseded"),), near)
    return Run((near and (*differences(action, near.action), *changes(near))) or (Reason("first"),), near)


def closest(action: Action, traces: Sequence[Trace]) -> Trace | None:
    """Return the trace whose action differs least, the first of several."""
    return min(traces, key=lambda trace: len(differences(action, trace.action)), default=None)


def _why_not_kept(
    action: Action,
    trace: Trace,
    in_place: Mapping[str, str | None],
    earlier: Sequence[Trace],
    changes: Callable[[Trace], tuple[Reason, ...]],
) -> tuple[Reason, ...]:
    """Return how the action and the outputs in place differ from the latest trace."""
    latest = next(iter(earlier), trace)
    reasons = [*differences(action, latest.action), *changes(latest), *_output_changes(latest.digests, in_place)]
    return tuple(reasons or _output_changes(trace.digests, in_place))  # of another trace of the same action


def _lost(trace: Trace, in_place: Mapping[str, str | None], policy: Policy) -> tuple[Reason, ...]:
    """Return which outputs are neither in place nor in the store, which has none of an impure stage."""
    missing = _output_changes(trace.digests, in_place)
    return tuple(missing if policy.impure else [reason._replace(kind="output lost") for reason in missing])


def _output_changes(digests: Mapping[str, str], in_place: Mapping[str, str | None]) -> list[Reason]:
    return [
        Reason(
            "output changed" if in_place.get(role) else "output missing", role, digests.get(role), in_place.get(role)
        )
        for role in sorted({*digests, *in_place})
        if in_place.get(role) != digests.get(role)
    ]
