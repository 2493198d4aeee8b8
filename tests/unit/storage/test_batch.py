"""What is put into a store together appears together."""

import contextlib
from pathlib import Path

import pytest
from examples import artifact, put

from redoit.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / ".redoit")


def files_of(store: Store) -> list[Path]:
    """Return every file of the store's blobs."""
    return [path for path in (store.root / "blobs").rglob("*") if path.is_file()]


def test_a_batch_is_kept_at_its_end(store: Store, tmp_path: Path) -> None:
    """Until the last of several blobs is taken none is in the store, then all are; equal ones are one."""
    (tmp_path / "output").write_bytes(b"one")
    there = put(store, b"there")
    with store.batch() as batch:
        made = [batch.put(b"one"), batch.put_file(tmp_path / "output"), batch.put(b"two"), batch.put(b"there")]
        assert [store.exists(each) for each in made] == [False, False, False, True]
    assert made == [artifact(b"one"), artifact(b"one"), artifact(b"two"), there]
    assert [store.get(each.digest) for each in made] == [b"one", b"one", b"two", b"there"]
    assert len(files_of(store)) == 3


def test_a_batch_that_fails_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """If one of several blobs can't be taken, none is kept, and no temporary file is left."""
    with contextlib.suppress(FileNotFoundError), store.batch() as batch:
        batch.put(b"one")
        batch.put_file(tmp_path / "absent")
    assert files_of(store) == []
