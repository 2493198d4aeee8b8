"""A doit under strace, which lets a system call fail: also those of BLAKE3, which the shim does not see."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from projects import PATIENCE, Pipeline, Result

CALLS = "openat,read,pread64,write,pwrite64,fsync,fdatasync,ftruncate,rename,mkdir,unlink,unlinkat,rmdir,flock,fcntl"
CALLS += ",ioctl,getdents64,newfstatat,lseek,close"
LINE = re.compile(
    r"(\w+)\((?:(?P<handle>\d+)<(?P<open>[^>]*)>|AT_FDCWD<[^>]*>, \"(?P<at>[^\"]*)\"|\"(?P<path>[^\"]*)\")"
)


def works(folder: Path) -> bool:
    """Tell whether strace is here and may be used."""
    command = ["strace", "-o", str(folder / "try"), "true"]
    return (
        shutil.which("strace") is not None and not subprocess.run(command, capture_output=True, check=False).returncode
    )


def _run(pipeline: Pipeline, options: list[str], arguments: tuple[str, ...]) -> Result:
    pipeline.witness.write_text("")
    done = subprocess.run(
        ["strace", "-qq", *options, sys.executable, "-m", "doit", *arguments],
        cwd=pipeline.root,
        env=pipeline.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return Result(pipeline.executed(), done.returncode, done.stdout, done.stderr)


def calls(pipeline: Pipeline, *arguments: str) -> list[tuple[str, int, str]]:
    """Run doit; return each system call on the project's files that its main thread made: name, number, path."""
    note = pipeline.root.parent / "calls"
    result = _run(pipeline, ["-y", "-o", str(note), "-e", f"trace={CALLS}"], arguments)
    assert "Traceback" not in result.text, result.text
    numbers: Counter[str] = Counter()
    made = []
    for line in note.read_text(errors="replace").splitlines():
        found = LINE.match(line)
        name = line.partition("(")[0]
        numbers[name] += 1
        if found:
            path = found["open"] or found["at"] or found["path"] or ""
            if path.startswith(f"{pipeline.root}/") or (found["handle"] is None and path and not path.startswith("/")):
                made.append((name, numbers[name], path))
    return made


def fail_call(pipeline: Pipeline, name: str, number: int, error: str, *arguments: str) -> Result:
    """Run doit; a system call of its main thread fails with an error, or is the last one before KILL."""
    how = "signal=SIGKILL" if error == "KILL" else f"error={error}"
    note = str(pipeline.root.parent / "calls")
    return _run(pipeline, ["-o", note, "-e", f"trace={name}", "-e", f"inject={name}:{how}:when={number}"], arguments)
