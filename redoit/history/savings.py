"""How much time was saved so far, in `.redoit/saved`; it may be lost without harm."""

from pathlib import Path
from typing import Any, NamedTuple

from redoit.state.sealed_cache import SealedCache
from redoit.storage.serialize import natural, seconds_from_json


class Savings(NamedTuple):
    """How often a result was kept or restored, and how many seconds that saved."""

    seconds: float = 0.0
    kept: int = 0
    restored: int = 0


def read_savings(root: Path) -> Savings:
    """Return what was saved so far; nothing if that was lost or is not as it was written."""
    return _cache(root).content


def add_savings(root: Path, seconds: float, kept: int, restored: int) -> None:
    """Add what a run saved."""
    cache = _cache(root)
    before = cache.content
    cache.content = Savings(before.seconds + seconds, before.kept + kept, before.restored + restored)
    cache.changed = True
    cache.save()


def _cache(root: Path) -> SealedCache[Savings]:
    return SealedCache(root / "saved", _parse, Savings, Savings._asdict)


def _parse(fields: Any) -> Savings:
    seconds = seconds_from_json(fields["seconds"] + 0.0)  # a text is no number
    return Savings(seconds, natural(fields["kept"]), natural(fields["restored"]))
