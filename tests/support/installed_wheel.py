"""Runs redoit as a user has it, in an environment that holds nothing but its wheel.

`python tests/support/installed_wheel.py small | quick_start`. Imports nothing of the repository: `doit` is a command
beside this Python, and each project is a folder of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOIT = Path(sys.executable).with_name("doit")
SMALL = {
    "dodo.py": '''
from redoit import DOIT_CONFIG, step


def task_count():
    """Count words."""
    return step("steps.count", inputs={"text": "text.txt"}, outputs={"words": "words.json"})


def task_page():
    """Show the most frequent words."""
    return step("steps.page", inputs={"words": "words.json"}, outputs={"page": "page.txt"})
''',
    "steps/count.py": """
import json
from collections import Counter
from pathlib import Path


def run(text: Path, words: Path) -> dict[str, float]:
    found = Counter(text.read_text().split())
    words.write_text(json.dumps(found.most_common()))
    return {"words": len(found)}
""",
    "steps/page.py": """
import json
from pathlib import Path


def run(words: Path, page: Path, *, most: int = 2) -> None:
    page.write_text(" ".join(word for word, _ in json.loads(words.read_text())[:most]))
""",
    "text.txt": "a b a c b a\n",
}


def doit(project: Path, *arguments: str) -> str:
    """Return what doit printed, and show it."""
    print("$ doit", *arguments, flush=True)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([DOIT, *arguments], cwd=project, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    return done.stdout


def holds(fact: bool, text: str) -> None:
    """End with an error unless a fact holds, also where Python leaves asserts out."""
    if not fact:
        sys.exit(f"not so: {text}")


def small(project: Path) -> None:
    """Run the smallest project of a user's own, with nothing installed but redoit."""
    for name, text in SMALL.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    holds("2 run;" in doit(project, "plan"), "both stages would run")
    holds("2 steps: 2 ran in" in doit(project), "both stages ran")
    holds((project / "page.txt").read_text() == "a b", "page.txt has the two most frequent words")
    holds("2 steps: 2 kept in" in doit(project), "the second run executed nothing")
    holds("2 keep" in doit(project, "plan"), "both stages would be kept")
    doit(project, "lineage", "-o", "page.html")
    holds("steps.count" in (project / "page.html").read_text(), "the lineage page shows the step")


def quick_start(project: Path) -> None:
    """Run the pipeline of the repository on the digits that scikit-learn carries, twice."""
    shutil.copytree(ROOT / "steps", project / "steps", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(ROOT / name, project)
    holds("6 steps: 6 ran in" in doit(project, "fetch.source=digits"), "all stages ran")
    holds((project / "data/report.html").exists(), "there is a report")
    holds("6 steps: 6 kept in" in doit(project, "fetch.source=digits"), "the second run executed nothing")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        {"small": small, "quick_start": quick_start}[sys.argv[1]](Path(folder))
