"""Call a step by hand, as a script does: `python traced.py STEP SOURCE MADE [TRACE]`, in the folder of its project.

With a fourth argument, file, first line and name of each code object of the project that it executed are written there.
"""

import importlib
import json
import os
import sys
import threading
from pathlib import Path

sys.path[0] = root = os.getcwd()
sys.argv, (step, source, made, *trace) = [sys.argv[1]], sys.argv[1:]
seen: set[tuple[str, int, str]] = set()


def called(frame, _event, _argument):
    """Note a call."""
    code = frame.f_code
    seen.add((code.co_filename, code.co_firstlineno, code.co_name))


if trace:
    threading.settrace(called)
    sys.settrace(called)
importlib.import_module(step).run(Path(source), Path(made))
sys.settrace(None)
if trace:
    found = [(os.path.relpath(file, root), line, name) for file, line, name in seen if file.startswith(root + os.sep)]
    Path(trace[0]).write_text(json.dumps(sorted(found)))
