"""Steps that misbehave, with the error that a user must see. Each writes to `made`, if at all."""

from typing import NamedTuple


class Bad(NamedTuple):
    """A step's body, what its error must say (None: it succeeds), and its time limit in seconds."""

    body: str
    told: str | None
    limit: float | None = None


FAILS = {
    "exits": Bad("sys.exit(0)", "exit(0)"),
    "exits_oddly": Bad("sys.exit({1: [2]})", "exit({1: [2]})"),
    "leaves": Bad("os._exit(0)", "exited with status 0"),
    "leaves_with_3": Bad("made.write_text('x'); os._exit(3)", "exited with status 3"),
    "becomes_another": Bad("os.execv(shutil.which('true'), ['true'])", "exited with status 0"),
    "segfaults": Bad("ctypes.string_at(0)", "SIGSEGV"),
    "aborts": Bad("os.abort()", "SIGABRT"),
    "is_killed": Bad("made.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "has_no_memory": Bad("resource.setrlimit(resource.RLIMIT_AS, (1 << 30,) * 2); bytearray(1 << 40)", "MemoryError"),
    "is_too_deep": Bad("f = lambda: f(); f()", "RecursionError"),
    "hangs": Bad("time.sleep(600)", "time limit", 0.7),
    "ignores_signals": Bad(
        "[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]; time.sleep(600)",
        "time limit",
        0.7,
    ),
    "stops_itself": Bad("os.kill(os.getpid(), signal.SIGSTOP)", "time limit", 0.7),
    "keeps_a_thread": Bad(
        "made.write_text('x'); threading.Thread(target=time.sleep, args=(600,)).start()", "time limit", 0.7
    ),
    "writes_nothing": Bad("pass", "wrote nothing as 'made'"),
    "writes_elsewhere": Bad("Path('data/elsewhere').write_text('x')", "wrote nothing as 'made'"),
    "writes_past_its_place": Bad("Path('data', made.name + '2').write_text('x')", "wrote nothing as 'made'"),
    "removes_its_place": Bad("shutil.rmtree(made.parent)", "wrote nothing as 'made'"),
    "links_its_place_out": Bad(
        "os.makedirs('../out', exist_ok=True); shutil.rmtree(made.parent)\n"
        "    made.parent.symlink_to(os.path.abspath('../out')); made.write_text('x')",
        "wrote a link as 'made'",
    ),
    "links_to_nothing": Bad("made.symlink_to('nowhere')", "wrote a link as 'made'"),
    "makes_a_folder": Bad("made.mkdir(); (made / 'x').write_text('x')", "wrote a folder as 'made'"),
    "makes_a_pipe": Bad("os.mkfifo(made)", "wrote no file as 'made'"),
    "makes_a_socket": Bad("os.chdir(made.parent); socket.socket(socket.AF_UNIX).bind(made.name)", "wrote no file"),
    "raises_badly": Bad("raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})()", "step steps.raises_badly"),
    "raises_at_length": Bad("raise RuntimeError('long ' * 1_000_000)", "RuntimeError: long"),
    "raises_many_lines": Bad("raise RuntimeError('one\\n' * 1000 + chr(0xd800))", "RuntimeError: one"),
    "raises_no_exception": Bad("raise KeyboardInterrupt", "interrupted"),
    "goes_away": Bad("os.chdir('/'); made.write_text('x')", "FileNotFoundError"),
    "asks": Bad("made.write_text(input())", "EOFError"),
    "answers_for_itself": Bad(
        "made.write_text('x'); [os.pwrite(int(n), b'[1]', 0) for n in os.listdir('/proc/self/fd')"
        " if 'result' in os.path.realpath(f'/proc/self/fd/{n}')]; os._exit(0)",
        "exited with status 0",
    ),
    "closes_everything": Bad("made.write_text('x'); os.closerange(0, 99)", "exited with status"),
}
SUCCEEDS = {
    "leaves_a_child": Bad("made.write_text('fine'); subprocess.Popen(['sleep', '600'])", None),
    "leaves_a_daemon": Bad("made.write_text('fine'); subprocess.Popen(['sleep', '600'], start_new_session=True)", None),
    "forks_twice": Bad(
        "made.write_text('fine'); child = os.fork()\n"
        "    if child: return os.waitpid(child, 0) and None\n"
        "    os.setsid()\n    if not os.fork(): time.sleep(600)\n    os._exit(0)",
        None,
    ),
    "closes_its_output": Bad("made.write_text('fine'); sys.stdout.close(); os.close(1); os.close(2)", None),
    "prints_bytes": Bad("made.write_text('fine'); sys.stdout.buffer.write(bytes(range(256)) * 9)", None),
    "returns_nan": Bad("made.write_text('fine'); return {'x': float('nan'), 'y': -1e999, 'z': True}", None),
    "returns_many": Bad("made.write_text('fine'); return {str(n): n for n in range(20_000)}", None),
    "links_out": Bad(
        "Path('../fine').write_text('fine'); made.symlink_to(os.path.abspath('../fine'))",
        None,
    ),
    "returns_a_list": Bad("made.write_text('fine'); return [1, 2]", None),
    "returns_no_numbers": Bad("made.write_text('fine'); return {'x': 'y', 'none': None, 'many': 10**400}", None),
    "reads_nothing": Bad("made.write_text('fine' + sys.stdin.read())", None),
    "starts_a_daemon_thread": Bad(
        "made.write_text('fine'); threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", None
    ),
    "goes_away_and_writes": Bad("made = made.absolute(); os.chdir('/'); made.write_text('fine')", None),
    "may_take_for_ever": Bad("made.write_text('fine')", None, 1e300),
    "removes_its_input": Bad("made.write_text('fine'); source.unlink(); source.write_text('given')", None),
}
PRINTS = {
    "lines": "for _ in range({megabytes}): print((99 * 'x' + '\\n') * 10_000, end='')",
    "one line": "for _ in range({megabytes}): print(1_000_000 * 'x', end='')",
    "progress": "for _ in range({megabytes}): print((99 * 'x' + '\\r') * 10_000, end='')",
    "bytes": "for _ in range({megabytes}): sys.stdout.buffer.write(b'\\xff\\xe2' * 500_000)",
}
BAD = {**FAILS, **SUCCEEDS}

IMPORTS = """
import ctypes, os, resource, shutil, signal, socket, subprocess, sys, threading, time
from pathlib import Path

from steps import shared


def run(source: Path, made: Path):
    with open("../executed", "a") as witness:
        witness.write("{name}\\n")
    {body}
"""
STAGE = """

def task_{name}():
    outputs = {{"made": "data/{name}.txt"}}
    return step("steps.{name}", inputs={{"source": "{source}"}}, outputs=outputs, time_limit={limit})
"""
GOOD = Bad("made.write_text('fine')", None)


def files(bad: dict[str, Bad]) -> dict[str, str]:
    """Return the files of a project: a good stage, bad ones, a dependent of each that fails, and a good one."""
    found = {"source.txt": "given", "steps/__init__.py": "", "steps/shared.py": ""}
    dodo = "from redoit import DOIT_CONFIG, step\n"
    for name, one in {"first": GOOD, **bad, "last": GOOD}.items():
        found[f"steps/{name}.py"] = IMPORTS.format(name=name, body=one.body)
        found[f"source-{name}.txt"] = "given"
        dodo += STAGE.format(name=name, source=f"source-{name}.txt", limit=one.limit)
        if one.told:
            found[f"data/{name}.txt"] = "earlier"
            found[f"steps/after_{name}.py"] = IMPORTS.format(name=f"after_{name}", body=GOOD.body)
            dodo += STAGE.format(name=f"after_{name}", source=f"data/{name}.txt", limit=None)
    found["dodo.py"] = dodo
    return found
