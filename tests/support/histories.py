"""How hypothesis goes through the histories of an oracle: from a seed, so many of them, whatever time that takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, settings


def of_histories(examples: int, *, shrinks: bool, **more: Any) -> settings:
    """Return settings of hypothesis. `shrinks`: a history that fails is made as short as can be, which takes long."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrinks else (Phase.generate,),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        **more,
    )


@contextmanager
def repeatable(begin: int, examples: int) -> Iterator[None]:
    """Say of a failure how to repeat it."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"repeat it with: --seed {begin} --examples {examples}")
        raise
