"""A running stage on the live display: its name, its elapsed time, its unfinished output."""

import time
from dataclasses import dataclass, field

from redoit.terminal.rows import Rows, prefixed


@dataclass
class StageRow:
    """A running stage. `estimate`: expected seconds, if known; `parallel`: other stages may run at the same time."""

    name: str
    estimate: float | None
    rows: Rows
    parallel: bool = False
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Seconds since it started."""
        return time.perf_counter() - self.started

    def lines(self, rows: list[str]) -> str:
        """Return finished rows as lines, prefixed with the stage's name when others run as well."""
        return prefixed(self.name, rows) if self.parallel else "".join(f"{row}\n" for row in rows)
