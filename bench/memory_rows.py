"""A row about the memory of a step that passes a set through in blocks: the normalizer, on ten times the images."""

import shutil
import sys
from functools import partial
from pathlib import Path

from bench import mnist
from bench.bench import Bench
from bench.processes import Ran, Series, in_turn, ran
from bench.rows import Goal, Row, raw, shown

GROUP = "Memory"
TIMES = 10
BOUNDED = Goal(1.5)
MEGA = 1e6
NORMALIZER = "from pathlib import Path; from steps import normalizer; normalizer.run(Path('{raw}'), Path('{made}'))"
TENFOLD = f'''"""Writes a set with the images of another, {TIMES} times."""

from pathlib import Path

import numpy as np

from steps import artifacts

with artifacts.reading(Path("data/raw.h5")) as source:
    with artifacts.writing(Path("data/tenfold.h5"), **dict(source.attrs)) as target:
        for part in ("train", "test"):
            images, labels = source[f"{{part}}/images"][...], source[f"{{part}}/labels"][...]
            artifacts.write_array(target, f"{{part}}/labels", np.tile(labels, {TIMES}))
            artifacts.create_dataset(target, f"{{part}}/images", ({TIMES} * len(images), *images.shape[1:]), np.uint8)
            for number in range({TIMES}):
                target[f"{{part}}/images"][number * len(images) : (number + 1) * len(images)] = images
'''


def rows(bench: Bench) -> list[Row]:
    """Measure it."""
    root = bench.folder / "memory"
    stages = mnist.checkout(bench, root)
    mnist.make_folders(root, stages)
    mnist.plain(root, "plain.py", mnist.script(stages, {}, ("fetch", "importer")))
    mnist.plain(root, "tenfold.py", TENFOLD)
    bench.say(f"  the normalizer on {TIMES} times {mnist.data_set(quick=bench.quick)}")
    sides = {name: partial(normalized, root, name) for name in ("raw", "tenfold")}
    found = in_turn(sides, max(1, bench.runs // 2), warm=0)
    sizes = {name: (root / f"data/{name}-normalized.h5").stat().st_size for name in sides}
    shutil.rmtree(root)
    return [row(found["raw"], found["tenfold"], sizes)]


def normalized(root: Path, name: str) -> Ran:
    """Run the normalizer on a set, in a process of its own."""
    made = f"data/{name}-normalized.h5"
    return ran([sys.executable, "-c", NORMALIZER.format(raw=f"data/{name}.h5", made=made)], root)


def row(small: Series, large: Series, sizes: dict[str, int]) -> Row:
    """Return how the peaks of memory compare."""
    more = large.peak - small.peak
    larger = sizes["tenfold"] - sizes["raw"]
    return Row(
        GROUP,
        f"normalizer, on a set {TIMES} times as large",
        "the normalizer on the set",
        large.peak / small.peak,
        BOUNDED,
        ours=shown(large.peak / MEGA, "MB"),
        theirs=shown(small.peak / MEGA, "MB"),
        note=f"what it makes grows by {shown(larger / MEGA, 'MB')}, its memory by {shown(more / MEGA, 'MB')}: "
        "images pass in blocks, and labels are held whole",
        raw={"large": raw(large), "small": raw(small), "bytes": sizes},
    )
