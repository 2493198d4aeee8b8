"""Time limits: a step that runs too long is ended with all that it started, and the rest goes on."""

import pytest
from projects import ALL, Pipeline

LONG = "sleep 60"


@pytest.mark.parametrize("arguments", [(), ("-n2",), ("-n2", "-Pthread")], ids=["serial", "process", "thread"])
def test_a_step_that_takes_too_long(built: Pipeline, arguments: tuple[str, ...]) -> None:
    """It fails in one line, its earlier output stays, and stages that do not need it are made."""
    before = built.read("data/ordered.txt")
    built.write("pyproject.toml", "[tool.doit.tasks.sort]\ntime_limit = 0.5\n")
    result = built.doit("--continue", "make.times=5", *arguments, DURING_sort=LONG)
    assert result.code != 0
    assert "failed. step steps.sort: it ran longer than its time limit of 0.5 s, and was ended; its log" in result.out
    assert {*result.told("finished")} == {"make", "side"}
    assert built.read("data/ordered.txt") == before
    again = built.doit("make.times=5", *arguments)
    assert (again.executed, again.code) == (["sort", "join"], 0)


def test_a_time_limit_is_no_setting_of_the_step(built: Pipeline) -> None:
    """A limit that holds, or is beyond all clocks, changes nothing: what was made is kept."""
    for limit in ("30", "1e300", "inf", "none"):
        result = built.doit("make", "--time-limit", limit)
        assert (result.executed, result.code, result.err) == ([], 0, "")
    for limit in ("1e300", "inf"):
        result = built.doit("-a", f"make.time_limit={limit}")
        assert (result.executed, result.code, result.err) == (ALL, 0, "")
