"""Clean builds: the steps called one after the other in a new folder, by a plain script. They define what is right."""

import importlib
import os
import random
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from forked_doit import ended, forked
from pipelines import World


class Builds:
    """Clean builds, each made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, dict[str, str]] = {}

    def outputs(self, world: World, k: Mapping[str, int]) -> dict[str, str]:
        """Return path -> text of every output. `k`: stage -> setting on the command line."""
        files = world.files()
        name = repr((sorted(files.items()), sorted(k.items())))
        if name not in self._made:
            folder = self._folder / f"clean{len(self._made)}"
            root = folder / "project"
            write(root, files)
            number = forked(lambda: self._build(root, world, k), folder / "out")
            assert ended(number) == 0, (folder / "out").read_text()
            paths = [path for stage in world.shape.stages for path in stage.outputs.values()]
            self._made[name] = {path: (root / path).read_text() for path in paths}
            shutil.rmtree(folder)
        return self._made[name]

    def _build(self, root: Path, world: World, k: Mapping[str, int]) -> int:
        os.chdir(root)
        os.mkdir("data")
        sys.path.insert(0, str(root))
        sys.dont_write_bytecode = True
        for stage in world.shape.stages:
            run = importlib.import_module(f"steps.{stage.step.name}").run
            paths = {role: Path(path) for role, path in {**stage.inputs, **stage.outputs}.items()}
            run(**paths, k=k.get(stage.name, world.k(stage)))
        return 0


def write(root: Path, files: Mapping[str, str], rng: random.Random | None = None) -> None:
    """Write the files that differ; with a source of random choices, some in place, and some with their earlier time."""
    for name, text in files.items():
        path = root / name
        if path.exists() and path.read_text() == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat() if path.exists() else None
        new = path if rng and rng.random() < 0.5 else path.with_name(f"{path.name}.new")
        new.write_text(text)
        if rng and before and rng.random() < 0.5:
            os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        new.replace(path)
