"""doit without redoit: the interpreter and packages of this environment, without redoit.

redoit's plug-ins take the place of doit's own commands wherever it is installed. So bare doit runs in a virtual
environment whose packages are links to ours, without redoit: doit's start searches all installed packages, so both
sides search equally many.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

FAMILY = ("redoit", "_editable_impl_redoit", "__editable__.redoit", "__editable___redoit")


def interpreter(folder: Path) -> Path:
    """Make the environment in a folder if it is not there, and return its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    _link(Path(sysconfig.get_paths()["purelib"]), next(folder.glob("lib/python3*/site-packages")))
    return python


def _link(packages: Path, links: Path) -> None:
    """Let one folder of packages have what another has, but redoit."""
    wanted = {entry.name for entry in packages.iterdir() if not entry.name.startswith(FAMILY)}
    for link in links.iterdir():
        if link.is_symlink() and link.name not in wanted:
            link.unlink()
    for name in wanted:
        if not os.path.lexists(links / name):
            (links / name).symlink_to(packages / name)
