"""Keep, restore or run: from an action, its traces and the outputs in place. Pure.

After *Build Systems à la Carte* (Mokhov, Mitchell, Peyton Jones, 2018), section 5: a verifying trace proves that
what is in place is current, a constructive trace can recreate it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from redoit.model import Action, Policy, Trace
from redoit.reasons import Reason, differences


@dataclass(frozen=True)
class Keep:
    """The outputs in place are those of this trace."""

    trace: Trace


@dataclass(frozen=True)
class Restore:
    """The store can recreate the outputs of this trace. `reasons`: why what is in place is not kept."""

    trace: Trace
    reasons: tuple[Reason, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Run:
    """Nothing proves or recreates the outputs. `earlier`: that result of the stage which comes closest."""

    reasons: tuple[Reason, ...]
    earlier: Trace | None = field(default=None, compare=False)


Decision = Keep | Restore | Run


def decide(
    action: Action,
    traces: Sequence[Trace],
    observed: Mapping[str, str | None],
    *,
    policy: Policy,
    invalidated: Reason | None,
    restorable: Callable[[Trace], bool],
    earlier: Callable[[], Sequence[Trace]],
) -> Decision:
    """Return what to do about a stage. Of executions that made the same bytes, the last one is credited with them.

    `traces`: of this action, the canonical one first, and then as they were made. `observed`: output role -> digest of
    what is in place, None where nothing is. `earlier`: the results that this stage had here, the latest first. They
    only explain, so what is kept does not ask for them.
    """
    if invalidated:
        return Run((invalidated,), closest(action, traces or earlier()))
    if policy.volatile:
        return Run((Reason("volatile"),), closest(action, traces or earlier()))
    for trace in reversed(traces):
        if trace.digests == observed:
            return Keep(trace)
    if policy.restorable:
        for canonical in traces:
            if restorable(canonical):
                trace = next(each for each in reversed(traces) if each.digests == canonical.digests)
                return Restore(trace, _why_not_kept(action, trace, observed, earlier()))
    if traces:
        return Run(_lost(traces[0], observed, impure=policy.impure), traces[0])
    near = closest(action, earlier())
    return Run((near and tuple(differences(action, near.action))) or (Reason("first"),), near)


def closest(action: Action, traces: Sequence[Trace]) -> Trace | None:
    """Return the trace whose action differs least, the first of those."""
    return min(traces, key=lambda trace: len(differences(action, trace.action)), default=None)


def _why_not_kept(
    action: Action, trace: Trace, observed: Mapping[str, str | None], earlier: Sequence[Trace]
) -> tuple[Reason, ...]:
    """Return what differs from the latest result, and what was done to its outputs since."""
    latest = next(iter(earlier), trace)
    found = [*differences(action, latest.action), *_touched(latest.digests, observed)]
    return tuple(found or _touched(trace.digests, observed))  # of another result of the same action


def _touched(digests: Mapping[str, str], observed: Mapping[str, str | None]) -> list[Reason]:
    return [
        Reason(
            "output changed" if observed.get(role) else "output missing", role, digests.get(role), observed.get(role)
        )
        for role in sorted({*digests, *observed})
        if observed.get(role) != digests.get(role)
    ]


def _lost(trace: Trace, observed: Mapping[str, str | None], *, impure: bool) -> tuple[Reason, ...]:
    touched = _touched(trace.digests, observed)
    return tuple(touched if impure else (reason._replace(kind="output lost") for reason in touched))
