"""Measures time and memory of redoit against goals and other programs, and shows the figures.

nox -s bench                             everything but the peers
nox -s bench -- --rows scale,bytes       some groups of rows
nox -s bench -- --against all            the peers, too: each is installed under .bench
nox -s bench -- --quick --runs 2         smaller, to try it out: figures mean little
nox -s bench -- --json FILE --markdown docs/explanation/performance.md
nox -s bench -- --show FILE FILE --markdown docs/explanation/performance.md     what was measured before, group by group
"""

import argparse
import importlib
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench import machine, table
from bench.bench import KEPT, Bench
from bench.peers_rows import MODULES
from bench.processes import WrongError
from bench.rows import Row

MEASURED = ("pipeline", "scale", "bytes", "memory", "parallel", "observing", "peers")
GROUPS = {**{name: f"{name}_rows" for name in MEASURED}, "queries": "query_rows"}


def main(arguments: list[str]) -> int:
    """Measure, and show. Return 1 after a wrong result; a missed goal is no failure."""
    given = parsed(arguments)
    if given.show:
        publish([table.read_json(Path(name)) for name in given.show], given.markdown)
        return 0
    KEPT.mkdir(exist_ok=True)
    parent = Path(given.folder) if given.folder else KEPT
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix="run-"))
    about = machine.described(folder, shlex.join(["nox", "-s", "bench", "--", *map(nameless, arguments)]))
    bench = Bench(folder, given.runs, given.quick, given.profile, given.mount, given.against)
    try:
        found, wrong = measured(bench, {name: partial(rows, name) for name in given.rows})
    finally:
        shutil.rmtree(folder)
    if given.json:
        table.write_json(Path(given.json), found, about, wrong)
    publish([(found, about)], "" if wrong else given.markdown)
    for text in wrong:
        print(f"WRONG {text}", file=sys.stderr)
    return 1 if wrong else 0


def nameless(argument: str) -> str:
    """Return an argument as it may be published: an absolute path without its folder."""
    return Path(argument).name if argument.startswith("/") else argument


def publish(parts: Sequence[tuple[list[Row], dict[str, str]]], page: str) -> None:
    """Print the results of one or more measurements, and write them to a page if one is named."""
    for found, about in parts:
        table.show(found, about)
    if page:
        texts = [table.markdown(found, about) for found, about in parts]
        table.write_figures(Path(page), "\n".join(texts))


def rows(group: str, bench: Bench) -> list[Row]:
    """Measure a group of rows; its module is imported only then."""
    found: list[Row] = importlib.import_module(f"bench.{GROUPS[group]}").rows(bench)
    return found


def measured(bench: Bench, groups: Mapping[str, Callable[[Bench], list[Row]]]) -> tuple[list[Row], list[str]]:
    """Return the rows of some groups, and of each group that did what it should not, what that was."""
    found: list[Row] = []
    wrong: list[str] = []
    for name, measure in groups.items():
        bench.say(f"{name} ...")
        try:
            found += measure(bench)
        except WrongError as error:
            bench.say(f"wrong: {error}")
            wrong.append(f"{name}: {error}")
    return found, wrong


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return what the command line says."""
    head, _, tail = (__doc__ or "").partition("\n\n")
    kind = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=head, epilog=tail, formatter_class=kind)
    parser.add_argument("--rows", type=chosen, default=list(GROUPS), help=f"groups, with commas: {', '.join(GROUPS)}")
    parser.add_argument("--against", type=peers, default=[], help=f"peers: {', '.join(MODULES)}, or all of them")
    parser.add_argument("--runs", type=int, default=5, help="that count, after one that does not [5]")
    parser.add_argument("--quick", action="store_true", help="smaller: to try it out")
    parser.add_argument("--profile", action="store_true", help="show where the time of a large no-op goes")
    parser.add_argument("--mount", action="store_true", help="as root: make a file system with reflinks for the while")
    parser.add_argument("--folder", help="where projects are made while they are measured [.bench]")
    parser.add_argument("--json", help="a file for all that was measured")
    parser.add_argument("--show", nargs="+", metavar="JSON", help="measure nothing; show what was measured before")
    parser.add_argument(
        "--markdown", default="", help="a page; the table goes between its comments `figures` and `end of figures`"
    )
    given = parser.parse_args(arguments)
    if given.against and "peers" not in given.rows:
        given.rows.append("peers")
    return given


def peers(text: str) -> list[str]:
    """Return the names of peers. Raises: ArgumentTypeError."""
    names = list(MODULES) if text == "all" else text.split(",")
    for name in names:
        if name not in MODULES:
            raise argparse.ArgumentTypeError(f"found '{name}', expected some of {', '.join(MODULES)}, or all")
    return names


def chosen(text: str) -> list[str]:
    """Return the names of groups. Raises: ArgumentTypeError."""
    names = text.split(",")
    for name in names:
        if name not in GROUPS:
            raise argparse.ArgumentTypeError(f"found '{name}', expected some of {', '.join(GROUPS)}")
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
