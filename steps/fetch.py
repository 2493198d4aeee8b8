"""Step 1: get the four gzipped IDX files of a data set: MNIST, the digits of scikit-learn, or your own.

All four are fetched and checked before anything is written.
"""

import sys
from pathlib import Path

from steps import dataset, idx

MIRRORS = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
]
SUFFIXES = (".gz", "")  # of a file in a folder, in order of preference


def run(
    train_images: Path,
    train_labels: Path,
    test_images: Path,
    test_labels: Path,
    *,
    source: str = "auto",
    mirrors: list[str] = MIRRORS,
    timeout: float = 3.0,
) -> dict[str, float]:
    """Fetch a data set as four gzipped IDX files; return how many images there are.

    source: auto (MNIST, or the embedded digits when offline), mnist, digits, or a folder with IDX files
    mirrors: addresses that have MNIST's files, tried in this order
    timeout: seconds in which a mirror must answer
    """
    if source in ("auto", "mnist"):
        contents = mnist(mirrors, timeout, fallback=source == "auto")
    elif source == "digits":
        contents = digits("source is digits")
    else:
        contents = folder(Path(source).expanduser())
    paths = [train_images, train_labels, test_images, test_labels]
    for role, path in zip(dataset.FILES, paths, strict=True):
        idx.write(path, contents[role])
    train_count = len(idx.decoded(contents["train_labels"]))
    test_count = len(idx.decoded(contents["test_labels"]))
    print(f"Fetched {dataset.name(contents)}: {train_count:,} training and {test_count:,} test images.")
    return {"train_images": train_count, "test_images": test_count}


def mnist(mirrors: list[str], timeout: float, *, fallback: bool) -> dict[str, bytes]:
    """Return the contents of MNIST by role, or of the digits if no mirror can be reached and `fallback` allows it.

    There is no fallback if a mirror answers and what it sends is wrong, because then the network is not missing.

    Raises: ValueError, naming the fault of each mirror.
    """
    from steps import download  # imported only here, because requests and pooch take long to import

    if not (mirrors and timeout > 0):
        raise ValueError(f"mirrors, timeout: found {mirrors} and {timeout:g}, expected an address and more than 0 s")
    contents, faults = download.contents(mirrors, timeout)
    if len(contents) == len(dataset.FILES):
        return contents
    found = "; ".join(f"{fault.mirror}: {fault.text}" for fault in faults)
    if fallback and not any(fault.answered for fault in faults):
        return digits(f"no mirror can be reached ({found})")
    raise ValueError(f"MNIST: found no mirror that delivers it ({found}), expected one; try later, or --source digits")


def digits(reason: str) -> dict[str, bytes]:
    """Return the contents of scikit-learn's digits by role, and warn on standard error that they are not MNIST."""
    from steps import digits as embedded  # imported only here, because scikit-learn takes long to import

    print(f"NOT MNIST: these are the 1,797 digits of scikit-learn, scaled to 28x28: {reason}", file=sys.stderr)
    return embedded.contents()


def folder(path: Path) -> dict[str, bytes]:
    """Return the contents of the IDX files in a folder by role; a gzipped file is preferred to a plain one.

    Raises: FileNotFoundError for a missing folder or file; ValueError for files that are not a data set.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"source: no folder '{path}', expected auto, mnist, digits or a folder; check the name")
    paths = {}
    for role, name in dataset.FILES.items():
        found = [path / f"{name}{suffix}" for suffix in SUFFIXES if (path / f"{name}{suffix}").is_file()]
        if not found:
            raise FileNotFoundError(f"{path}: found no '{name}', expected it, gzipped (.gz) or not; check the folder")
        paths[role] = found[0]
    return dataset.read(paths)
