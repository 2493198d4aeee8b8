"""Thousands of files that were changed at random: each gives a result or one clear error, within limits."""

import gzip
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from campaigns import Campaign
from hostile_files import Workers, changed, idx_files, model, model_config, reworded
from workspaces import some_trace, whole_workspace

from redoit.digest import of_bytes
from redoit.storage.serialize import canonical_json, trace_to_bytes

PYPROJECT = b"""
[tool.redoit]
cache = true
strict = false
store = "../store"

[tool.doit.tasks.train]
epochs = 2
"""


def attack_idx(rng: random.Random, workers: Workers, folder: Path) -> None:
    """Change an IDX file, also one that is gzipped afterwards."""
    data = changed(rng.choice(idx_files()), rng)
    write(workers, "idx", folder / "images.gz", gzip.compress(data) if rng.random() < 0.2 else data)


def altered(value: object, rng: random.Random) -> object:
    """Return a configuration in which one value, somewhere, is another."""
    if type(value) in (int, float, str) and rng.random() < 0.5:
        return value * 2
    strange = [None, True, -1, 0, 2**40, 1e300, "", "os", "builtins", [], {}, [[]], {"class_name": "Lambda"}, "x" * 999]
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(sorted(value))
        return {**value, name: altered(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        return [*value[:place], altered(value[place], rng), *value[place + 1 :]]
    return rng.choice(strange)


def attack_archive(rng: random.Random, workers: Workers, folder: Path) -> None:
    """Change an archive that a step wrote, or the configuration in it, whose checksum is then right."""
    way = rng.randrange(3)
    if way == 0:
        data = changed(model(), rng)
    elif way == 1:
        data = model(reworded(json.dumps(model_config()).encode(), rng))
    else:
        data = model(altered(model_config(), rng))
    write(workers, "archive", folder / "model.keras", data)


def attack_trace(rng: random.Random, workers: Workers, folder: Path) -> None:
    """Change a trace, perhaps so that it is canonical JSON all the same, and give it its right name."""
    data = trace_to_bytes(some_trace())
    fields = altered(json.loads(data), rng)
    data = canonical_json(fields) if rng.random() < 0.5 else reworded(data, rng)
    write(workers, "trace", folder / some_trace().action.key / "trace.json", data)


def attack_blob(rng: random.Random, workers: Workers, folder: Path) -> None:
    """Change a blob, and leave it its name."""
    data = rng.randbytes(500)
    write(workers, "blob", folder / of_bytes(data), changed(data, rng))


def attack_state(rng: random.Random, workers: Workers, folder: Path) -> None:
    """Change a file of `.redoit/`; a sealed one is sealed again or not."""
    workspace = whole_workspace(folder / "project")
    path = workspace.root / rng.choice(["format", "latest/train", "invalidations/train", "stat-cache", "installed"])
    seal, newline, text = path.read_bytes().partition(b"\n")
    if newline and rng.random() < 0.8:
        text = reworded(text, rng)
        path.write_bytes(of_bytes(text).encode() + b"\n" + text)
    else:
        path.write_bytes(reworded(seal + newline + text, rng))
    workers.check("state", folder / "project")


def attack_project(rng: random.Random, workers: Workers, folder: Path) -> None:
    """Change a pyproject.toml."""
    write(workers, "project", folder / "pyproject.toml", reworded(PYPROJECT, rng))


ATTACKS: list[Callable[[random.Random, Workers, Path], None]] = [
    *[attack_idx, attack_idx, attack_archive, attack_archive],
    *[attack_trace, attack_trace, attack_blob, attack_state, attack_state, attack_project],
]


def write(workers: Workers, kind: str, path: Path, data: bytes) -> None:
    """Write a hostile file and have it read."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    workers.check(kind, path)


def test_changed_files_give_a_result_or_a_clear_error(campaign: Campaign, workers: Workers) -> None:
    """A changed file of any kind ends in a result or a documented error in one line, and touches nothing else."""

    def attack(rng: random.Random) -> None:
        folder = workers.folder / "round"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        rng.choice(ATTACKS)(rng, workers, folder)

    campaign.run(attack, few=100, full=2000)
