"""What reads files of each kind, and the exceptions that it documents. A reader imports what it needs, once.

Readers of state get a folder with a whole `.redoit/`, in which one file is hostile.
"""

import difflib  # noqa: F401 - imported by a message that names the nearest setting
import os
import sysconfig
from collections.abc import Callable
from pathlib import Path

Reader = tuple[Callable[[Path], object], tuple[type[Exception], ...]]


def idx() -> Reader:
    """Return the reader of IDX files."""
    from steps import idx

    return lambda path: idx.decoded(idx.read(path)).shape, (ValueError, FileNotFoundError)


def archive() -> Reader:
    """Return what takes clocks out of archives, in a copy."""
    from redoit.formats import canonicalize

    return canonicalize.canonicalize, ()


def trace() -> Reader:
    """Return the reader of traces, which gets one by itself and puts it under its right name into a store."""
    from redoit.digest import of_bytes
    from redoit.errors import CorruptError, RedoitError
    from redoit.storage.serialize import MALFORMED, trace_from_bytes, trace_to_bytes
    from redoit.storage.store import Store

    def read(path: Path) -> object:
        data = path.read_bytes()
        store = Store(path.parent / "store")
        key = path.parent.name
        place = store.trace_path(key, of_bytes(data))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        held = store.traces(key)
        try:
            trace = trace_from_bytes("some.json", data)
        except MALFORMED as error:  # which only this call may raise
            raise CorruptError("some.json", "not a trace", "remove it") from error
        assert trace_to_bytes(trace) == data
        return [trace.action.key, len(held)]

    return read, (RedoitError,)


def blob() -> Reader:
    """Return the reader of blobs, whose names are those of their files."""
    from redoit.errors import RedoitError
    from redoit.model import Artifact
    from redoit.storage.store import Store

    def read(path: Path) -> object:
        store = Store(path.parent)
        place = store.blob_path(path.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
        artifact = Artifact(path.name, path.stat().st_size)
        store.restore(artifact, path.parent / "restored")
        return len(store.get(path.name))

    return read, (RedoitError,)


def place() -> Reader:
    """Return the reader of a blob that is in its place already; the path is its name beside the store's folders."""
    from redoit.errors import RedoitError
    from redoit.storage.store import Store

    return lambda path: len(Store(path.parent).get(path.name)), (RedoitError,)


def state() -> Reader:
    """Return the reader of everything below `.redoit/`; the path is that of the project."""
    from workspaces import large_run

    from redoit.errors import RedoitError
    from redoit.gc.checkouts import gc_roots, register
    from redoit.history.run_log import RunLog
    from redoit.model import Stage
    from redoit.reasons import sentence
    from redoit.source.project import Project
    from redoit.state.workspace import Workspace

    site = sysconfig.get_path("platlib")

    def read(path: Path) -> object:
        workspace = Workspace(path)
        workspace.open()
        register(workspace)
        stage = Stage("train", "steps.train", {}, {"model": "data/model"})
        mark = workspace.invalidations.get("train")
        line = sentence([mark.reason]) if mark else ""
        assert line.isprintable(), line
        workspace.stat_cache.digest(path / "input")
        workspace.source_cache.lookup("steps.train", Project(path))
        latest = workspace.latest(stage)
        if latest:
            workspace.trace_index.up_to_date("train", workspace.store, latest.action, latest.digests)
            workspace.trace_index.add("other", latest)
        workspace.save_caches()
        versions = workspace.installed.owners(site, "blake3/__init__.py")
        assert all(isinstance(version, str) for version in versions.values()), versions
        runs = [run.expanded() for run in RunLog(workspace.root).newest()]
        lines = [reason for run in runs for record in run.stages.values() for reason in record.reasons]
        assert sentence(lines).isprintable(), lines
        RunLog(workspace.root).append(large_run())
        return [workspace.latest(stage) is None, line, len(gc_roots(workspace))]

    return read, (RedoitError,)


def project() -> Reader:
    """Return the reader of `[tool.redoit]`; the path is that of pyproject.toml."""
    from redoit.errors import RedoitError
    from redoit.plugin import configuration

    def read(path: Path) -> object:
        os.chdir(path.parent)
        return configuration.options()

    return read, (RedoitError,)


READERS = {reader.__name__: reader for reader in (idx, archive, trace, blob, place, state, project)}
