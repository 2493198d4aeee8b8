"""Puts outputs into the store, and then in place. What no run had made there is set aside first, by a rename."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from redoit import digest
from redoit.errors import DiskError
from redoit.model import Artifact, Part, Stage, Trace
from redoit.state.rescued import location, set_aside
from redoit.state.workspace import Workspace
from redoit.storage import disk
from redoit.storage.store import Store


def put_outputs(
    store: Store, stage: Stage, parts: Iterable[Part], paths: Mapping[str, Path], log: Path
) -> tuple[dict[str, Artifact], str]:
    """Put outputs, their source and the log into a store; return the manifest and the digest of the log."""
    outputs = paths.values() if stage.policy.restorable else ()  # else their digests are enough
    put = store.put([*(part.source for part in parts), *outputs, log])
    artifacts = {role: put.get(path) or _artifact_of(path) for role, path in paths.items()}
    manifest = {role: each._replace(mode=paths[role].stat().st_mode & 0o777) for role, each in artifacts.items()}
    return manifest, put[log].digest


def place_outputs(workspace: Workspace, stage: Stage, paths: Mapping[str, Path], trace: Trace) -> tuple[str, ...]:
    """Move the staged files of a trace onto their targets, whole and fsynced; return warnings of what was set aside.

    Raises: DiskError, and all is then as it was.
    """
    for path in paths.values():
        disk.fsync(path)
    recorded = (trace, *workspace.traces(stage, trace.action.key))
    warnings = rescue(workspace, stage, [stage.outputs[role] for role in paths], recorded)
    for role, path in paths.items():
        path.replace(stage.outputs[role])
    for folder in {Path(stage.outputs[role]).parent for role in paths}:
        disk.fsync(folder)
    return warnings


def not_reproducible(stage: Stage, trace: Trace, earlier: Iterable[Trace]) -> tuple[str, ...]:
    """Return a warning if the same action, which observed the same, made other bytes before."""
    before = next((each for each in earlier if each.observations == trace.observations), None)
    if before is None or not stage.policy.restorable:
        return ()
    old, new = before.digests, trace.digests
    files = ", ".join(stage.outputs[role] for role in sorted(new) if new[role] != old[role])
    text = f"not reproducible: {files} differs from an earlier run of the same action; both are stored"
    return (text,) if files else ()


def rescue(workspace: Workspace, stage: Stage, targets: Iterable[str], traces: Iterable[Trace] = ()) -> tuple[str, ...]:
    """Set aside what neither these traces nor earlier ones of the stage record, all or nothing; return warnings.

    Raises: DiskError.
    """
    moved: dict[Path, Path] = {}
    known = (*traces, *workspace.earlier(stage))
    try:
        for target in map(Path, targets):
            if os.path.lexists(target) and not _is_recorded(workspace, target, known):
                moved[target] = set_aside(target, workspace.root)
    except DiskError:
        for target, place in moved.items():
            location(place).rename(target)
        raise
    return tuple(f"{target} held what no run recorded: it is now {place}" for target, place in moved.items())


def _is_recorded(workspace: Workspace, target: Path, traces: Iterable[Trace]) -> bool:
    """Tell whether traces record the bytes of a file, or the store has them. A link or a folder never is recorded."""
    if target.is_symlink() or (found := workspace.stat_cache.digest(target)) is None:
        return False
    recorded = (made.digest for trace in traces for made in trace.manifest.values())
    # The blob may be of a run that was killed before it recorded its trace.
    return target.stat().st_size == 0 or found in recorded or workspace.store.verify(_artifact_of(target))


def _artifact_of(path: Path) -> Artifact:
    return Artifact(digest.of_file(path), path.stat().st_size)
