"""A stage on the display: how long it has run, and what its step prints."""

import time
from dataclasses import dataclass, field

from redoit.terminal.rows import Rows
from redoit.terminal.screens import named


@dataclass
class StageRow:
    """A stage that runs. `estimate`: seconds that it took last, if that is known; `alone`: no other may run beside."""

    name: str
    estimate: float | None
    rows: Rows
    alone: bool = True
    began: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.perf_counter() - self.began

    def lines(self, rows: list[str]) -> str:
        """Return finished rows as lines; who wrote them is told where that is in doubt."""
        return "".join(f"{row}\n" if self.alone else named(self.name, row) for row in rows)
