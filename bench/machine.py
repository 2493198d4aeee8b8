"""What a figure depends on besides the code: machine, versions, date."""

import datetime as dt
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

PACKAGES = ("doit", "redoit", "blake3", "tensorflow", "keras", "h5py", "numpy")
TOOLS = {"make": "--version", "ninja": "--version", "b3sum": "--version"}
REPOSITORY = Path(__file__).parents[1]


def described(folder: Path, command: str) -> dict[str, str]:
    """Return machine, versions and date by name. `folder`: where files were measured."""
    return {
        "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory()} of memory",
        "files": f"{_file_system(folder)}, {platform.system()} {platform.release()}",
        "load before": ", ".join(f"{load:.1f}" for load in os.getloadavg()),
        "versions": ", ".join([f"Python {platform.python_version()}", *_versions()]),
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "command": command,
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    inside = [(mount[1], mount[2]) for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(inside, key=lambda each: len(each[0]))[1] if inside else "unknown"


def _versions() -> list[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    for tool, option in TOOLS.items():
        if shutil.which(tool):
            done = subprocess.run([tool, option], capture_output=True, text=True, check=False)
            version = re.search(r"\d+\.[\d.]+", done.stdout)
            found.append(f"{tool} {version[0] if version else 'unknown'}")
    return found


def _commit() -> str:
    git = ["git", "-C", str(REPOSITORY)]
    done = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    if done.returncode:
        return "unknown"
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False).stdout
    return done.stdout.strip() + (" with changes" if changed.strip() else "")
