"""The three modes of ZenML's caching example: this pipeline runs twice in a temporary folder, and a table compares.

nox -s demo -- default                  the second run changes nothing
nox -s demo -- invalidate               the second run trains for fewer epochs
nox -s demo -- disable [STAGE | all]    the second run does not trust a stage (the normalizer), or any
nox -s demo -- default --source DIR     with the MNIST files in a folder, or `digits`, `mnist`, `auto`
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).parents[1]
MODES = ("default", "invalidate", "disable")


def main(arguments: list[str]) -> int:
    """Show one mode, or all of them."""
    parser = argparse.ArgumentParser(prog="nox -s demo --", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("mode", nargs="?", choices=(*MODES, "every"), default="every")
    parser.add_argument("stage", nargs="?", default="normalizer", help="that is disabled, or `all` [normalizer]")
    parser.add_argument("--source", default="auto", help="of the data: a folder, digits, mnist or auto [auto]")
    given = parser.parse_args(arguments)
    source = str(Path(given.source).absolute()) if Path(given.source).is_dir() else given.source
    for mode in MODES if given.mode == "every" else (given.mode,):
        with tempfile.TemporaryDirectory() as folder:
            code = shown(Path(folder), mode, given.stage, source)
        if code:
            return code
    return 0


def shown(root: Path, mode: str, stage: str, source: str) -> int:
    """Run the pipeline twice in a folder, show how the runs compare, and return the exit status."""
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, root)
    shutil.copytree(REPOSITORY / "steps", root / "steps", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "doit.cfg").write_text(f"[task:fetch]\nsource = {source}\n")
    second = {
        "default": [[]],
        "invalidate": [["train.epochs=2"]],
        "disable": [["-a"]] if stage == "all" else [["forget", stage], []],
    }
    for command in ([], *second[mode]):
        print(f"$ doit {' '.join(command)}".rstrip(), flush=True)
        code = subprocess.run([sys.executable, "-m", "doit", *command], cwd=root, check=False).returncode
        if code:
            return code
        print()
    lineage = subprocess.run(
        [sys.executable, "-m", "doit", "lineage", "--json"], cwd=root, check=True, capture_output=True
    )
    runs = sorted(json.loads(lineage.stdout)["runs"], key=lambda run: run["started"])
    title = f"{mode}: doit, then {' && '.join(' '.join(['doit', *command]) for command in second[mode])}"
    Console(width=None if sys.stdout.isatty() else 100).print(table_of(title, *runs[-2:]))
    return 0


def table_of(title: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Table:
    """Return two runs side by side, stage by stage: seconds of each, outcome and ratio."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in (("stage", "left"), ("first run", "right"), ("second run", "right"), ("outcome", "left")):
        table.add_column(name, justify=justify)
    table.add_column("ratio", justify="right")
    for name, before in first["stages"].items():
        now = second["stages"][name]
        table.add_row(name, *_row(before["seconds"], now["seconds"], now["verdict"]))
    table.add_section()
    table.add_row("all", *_row(first["seconds"], second["seconds"], ""))
    return table


def _row(before: float, now: float, outcome: str) -> tuple[str, str, str, str]:
    return f"{before:.3f} s", f"{now:.3f} s", outcome, f"{before / now:,.1f}x"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
