"""A campaign: many random rounds of one attack, each of which can be repeated from what was printed."""

import random
import time
from collections.abc import Callable


class Campaign:
    """The rounds of one test. In the suite there are few of them; `--full` and `--examples` ask for more."""

    def __init__(self, name: str, seed: int, *, full: bool, examples: int | None, only: int | None) -> None:
        self.name = name
        self.seed = seed
        self._full = full
        self._examples = examples
        self._only = only

    def count(self, few: int, full: int) -> int:
        """Return how many rounds there are to be: `few` in the suite, `full` at full length."""
        return self._examples if self._examples is not None else full if self._full else few

    def run(self, attack: Callable[[random.Random], object], *, few: int, full: int) -> None:
        """Attack as often as it is to be, each time with a source of random choices of its own; print the figures."""
        numbers = range(self.count(few, full)) if self._only is None else [self._only]
        began = time.monotonic()
        for number in numbers:
            try:
                attack(random.Random(f"{self.name} {self.seed} {number}"))
            except BaseException as error:
                error.add_note(f"repeat it with: -k '{self.name}' --seed {self.seed} --round {number}")
                raise
        print(f"{self.name}: {len(numbers)} rounds held, seed {self.seed}, {time.monotonic() - began:.0f}s")
