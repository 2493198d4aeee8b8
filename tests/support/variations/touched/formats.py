"""Files that are opened by C code, which Python does not see, and that nobody declared."""

import functools
import importlib.util
import io
import sqlite3
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import sqlite3
import zipfile
{imports}
import numpy

from steps.witness import executed


def from_table():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("ATTACH 'bulk/held.sqlite' AS held")
        return connection.execute("SELECT number FROM held.numbers").fetchone()[0]


def from_hdf5():
    with h5py.File("bulk/held.h5", "r") as file:
        return file["numbers"][0]


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + str(int({found})))
"""
WAYS = {  # imports, a number read
    "h5py": ("import h5py", "from_hdf5()"),
    "sqlite": ("", "from_table()"),
    "npy": ("", 'numpy.load("bulk/held.npy")[0]'),
    "npz": ("", 'numpy.load("bulk/held.npz")["numbers"][0]'),
    "zip": ("", 'zipfile.ZipFile("bulk/held.zip").read("number")'),
}
if importlib.util.find_spec("pyarrow"):
    import pyarrow as pa
    from pyarrow import parquet

    WAYS["parquet"] = "import pyarrow.parquet", 'pyarrow.parquet.read_table("bulk/held.parquet")["numbers"][0].as_py()'
SUFFIXES = {"h5py": "h5", **{way: way for way in WAYS if way != "h5py"}}


def _hdf5(number: int) -> bytes:
    with io.BytesIO() as held:
        with h5py.File(held, "w") as file:
            file["numbers"] = [number]
        return held.getvalue()


def _sqlite(number: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "held")
        connection = sqlite3.connect(path)
        connection.executescript(f"CREATE TABLE numbers(number); INSERT INTO numbers VALUES ({number})")
        connection.close()
        return path.read_bytes()


def _zip(number: int) -> bytes:
    with io.BytesIO() as held:
        with zipfile.ZipFile(held, "w") as file:
            file.writestr(zipfile.ZipInfo("number"), f"{number}")
        return held.getvalue()


def _numpy(number: int, *, several: bool) -> bytes:
    with io.BytesIO() as held:
        np.savez(held, numbers=[number]) if several else np.save(held, [number])
        return held.getvalue()


def _parquet(number: int) -> bytes:
    with io.BytesIO() as held:
        parquet.write_table(pa.table({"numbers": [number]}), held)
        return held.getvalue()


@functools.cache
def _content(way: str, number: int) -> bytes:
    """Return a file of a format that holds a number."""
    makers = {"h5py": _hdf5, "sqlite": _sqlite, "zip": _zip, "parquet": _parquet}
    return makers[way](number) if way in makers else _numpy(number, several=way == "npz")


def _part(chosen: Chosen) -> Part:
    way = chosen["way"]
    imports, found = WAYS[way]
    files: dict[str, str | bytes] = {
        "steps/opening.py": STEP.format(imports=imports, found=found),
        "opening.txt": "opening ",
    }
    for name, suffix in SUFFIXES.items():
        files[f"bulk/held.{suffix}"] = _content(name, chosen["number"] if name == way else chosen["others"])
    tasks = (Step("opening", "steps.opening", {"source": "opening.txt"}, {"made": "data/opening.txt"}),)
    return Part(files, tasks, (way, chosen["number"]))


FORMATS = Variation("formats", {"way": tuple(WAYS), "number": DIGITS, "others": DIGITS}, _part)
