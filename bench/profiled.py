"""Tells where the time of one run with nothing to do goes.

    python -m bench.profiled FOLDER [--functions]

Watches the seams between doit and redoit, which costs almost nothing; `--functions` profiles every call instead, which
costs more than the run itself, so that only shares count there.
"""

import cProfile
import functools
import os
import pstats
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any


def watched(owner: Any, name: str, as_what: str, spent: Counter[str]) -> None:
    """Let a method add the time of its calls to what was spent."""
    true: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(true)
    def watching(*given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return true(*given, **named)
        finally:
            spent[as_what] += time.perf_counter() - began

    setattr(owner, name, watching)


def main(root: str, *, functions: bool) -> None:
    """Run doit in a folder, and print what it spent where."""
    os.chdir(root)
    sys.path[0] = root
    spent: Counter[str] = Counter()
    out, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115 - doit takes it when it is imported
    began = time.perf_counter()
    from doit.dependency import Dependency
    from doit.doit_cmd import DoitMain

    spent["imports of doit"] = time.perf_counter() - began
    before = time.perf_counter()
    from redoit.plugin.checkout import Session
    from redoit.plugin.loader import StageLoader
    from redoit.plugin.reporter import StageReporter
    from redoit.plugin.stage_task import StageTask
    from redoit.state.sealed_cache import SealedCache

    spent["imports of redoit"] = time.perf_counter() - before
    watched(StageLoader, "load_tasks", "load tasks", spent)
    watched(StageTask, "__call__", "decide", spent)
    watched(Session, "record", "put on record", spent)
    watched(SealedCache, "save", "save caches", spent)
    watched(StageReporter, "skip_uptodate", "report", spent)
    watched(Dependency, "close", "doit closes its database", spent)
    profile = cProfile.Profile()
    run = functools.partial(DoitMain().run, [])
    begun = time.perf_counter()
    if functions:
        profile.runcall(run)
    else:
        run()
    total = time.perf_counter() - begun
    spent["the rest, mostly doit's own"] = total - sum(value for name, value in spent.items() if "imports" not in name)
    sys.stdout = out
    for name, value in spent.most_common():
        print(f"{value:8.3f} s  {name}")
    print(f"{time.perf_counter() - began:8.3f} s  all, save the start of the interpreter")
    if functions:
        pstats.Stats(profile, stream=out).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main(sys.argv[1], functions="--functions" in sys.argv[2:])
