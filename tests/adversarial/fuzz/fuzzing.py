"""What the fuzzers share: a folder of valid examples to start from, and atheris's loop.

Options are libFuzzer's: `python tests/adversarial/fuzz/fuzz_idx.py -max_total_time=60`. A finding is a traceback, a
non-zero exit status, and the input in a file `crash-...`, which the fuzzer takes as an argument to repeat it.
"""

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

ONE_LINE = re.compile(r"[^\n]+: [^\n]+; [^\n]+")


def told(error: Exception) -> None:
    """Hold an error against its form: one line, which says what to do."""
    assert ONE_LINE.fullmatch(str(error)), error


def fuzz(attack: Callable[[bytes], None], examples: list[bytes]) -> None:
    """Attack with inputs that reach ever more code, starting from examples."""
    with tempfile.TemporaryDirectory() as folder:
        for number, example in enumerate(examples):
            (Path(folder) / f"example-{number}").write_bytes(example)
        atheris.Setup([*sys.argv, *([] if any("crash-" in given for given in sys.argv) else [folder])], attack)
        atheris.Fuzz()
