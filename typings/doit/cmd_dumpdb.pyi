# What the command `dumpdb` reads.

from collections.abc import Iterable

def dbm_iter(db: object) -> Iterable[tuple[bytes, bytes]]: ...
