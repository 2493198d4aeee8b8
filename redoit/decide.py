"""Keep, restore or run: from an action, its traces and the outputs in place. Pure.

After *Build Systems à la Carte* (Mokhov, Mitchell, Peyton Jones, 2018), section 5: a verifying trace proves that
what is in place is current, a constructive trace can recreate it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from redoit.reasons import Reason, differences
from redoit.records import Action, Policy, Trace


@dataclass(frozen=True)
class Keep:
    """The outputs in place are those of this trace."""

    trace: Trace


@dataclass(frozen=True)
class Restore:
    """The store can recreate the outputs of this trace."""

    trace: Trace


@dataclass(frozen=True)
class Run:
    """Nothing proves or recreates the outputs."""

    reasons: tuple[Reason, ...]


Decision = Keep | Restore | Run


def decide(
    action: Action,
    traces: Sequence[Trace],
    observed: Mapping[str, str | None],
    *,
    policy: Policy,
    distrust: Reason | None,
    restorable: Callable[[Trace], bool],
    latest: Trace | None,
) -> Decision:
    """Return what to do about a stage.

    `traces`: of this action, the canonical one first. `observed`: output role -> digest of what is in place, None
    where nothing is. `latest`: the trace of this stage's earlier result, which only explains.
    """
    if distrust:
        return Run((distrust,))
    if policy.volatile:
        return Run((Reason("volatile"),))
    for trace in traces:
        if trace.digests == observed:
            return Keep(trace)
    if policy.restorable:
        for trace in traces:
            if restorable(trace):
                return Restore(trace)
    return Run(_why(action, traces, observed, impure=policy.impure, latest=latest))


def _why(
    action: Action,
    traces: Sequence[Trace],
    observed: Mapping[str, str | None],
    *,
    impure: bool,
    latest: Trace | None,
) -> tuple[Reason, ...]:
    if traces:
        digests = traces[0].digests
        differing = [role for role in sorted(digests) if observed.get(role) != digests[role]]
        if not impure:
            return tuple(Reason("output lost", role) for role in differing)
        return tuple(Reason("output changed" if observed.get(role) else "output missing", role) for role in differing)
    if latest is None:
        return (Reason("first"),)
    return tuple(differences(action, latest.action)) or (Reason("first"),)
