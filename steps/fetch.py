"""Step 1: get the four gzipped IDX files of a data set: MNIST, or the embedded default, or your own.

Everything is fetched and checked before the first byte is written.
"""

import sys
from pathlib import Path

from steps import dataset, idx

MIRRORS = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
]
SPELLINGS = ("{}.gz", "{}")  # of a file's name in a folder


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
        contents = digits("as you asked")
    else:
        contents = folder(Path(source).expanduser())
    paths = [train_images, train_labels, test_images, test_labels]
    for role, path in zip(dataset.FILES, paths, strict=True):
        idx.write(path, contents[role])
    counts = {part: len(idx.decoded(contents[f"{part}_labels"])) for part in ("train", "test")}
    print(f"Fetched {dataset.name(contents)}: {counts['train']:,} training and {counts['test']:,} test images.")
    return {"train_images": counts["train"], "test_images": counts["test"]}


def mnist(mirrors: list[str], timeout: float, *, fallback: bool) -> dict[str, bytes]:
    """Return MNIST's contents, by role, or the embedded digits' if no mirror can be reached and `fallback` allows it.

    A mirror that answers with something wrong is a fault, and not a missing network: then there is no falling back.

    Raises: ValueError, naming the fault of each mirror.
    """
    from steps import download  # here, so that only who downloads waits for requests and pooch

    if not (mirrors and timeout > 0):
        raise ValueError(f"mirrors, timeout: found {mirrors} and {timeout:g}, expected an address and more than 0 s")
    contents, faults = download.contents(mirrors, timeout)
    if len(contents) == len(dataset.FILES):
        return contents
    found = "; ".join(f"{fault.mirror}: {fault.text}" for fault in faults)
    if fallback and not any(fault.answered for fault in faults):
        return digits(f"no mirror can be reached ({found})")
    raise ValueError(f"MNIST: found no mirror that delivers it ({found}), expected one; try later, or --source digits")


def digits(why: str) -> dict[str, bytes]:
    """Return the embedded digits' contents, by role, and say loudly that they are not MNIST."""
    from steps import digits as embedded  # here, so that only who needs them waits for scikit-learn

    print(f"NOT MNIST: these are the 1,797 digits of scikit-learn, scaled to 28x28: {why}", file=sys.stderr)
    return embedded.contents()


def folder(path: Path) -> dict[str, bytes]:
    """Return the contents of the IDX files in a folder, by role; gzipped ones come first.

    Raises: FileNotFoundError for a missing folder or file; ValueError for files that are no data set.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"source: no folder '{path}', expected auto, mnist, digits or a folder; check the name")
    paths = {}
    for role, name in dataset.FILES.items():
        spellings = [path / spelling.format(name) for spelling in SPELLINGS]
        found = [spelling for spelling in spellings if spelling.is_file()]
        if not found:
            raise FileNotFoundError(f"{path}: found no '{name}', expected it, gzipped (.gz) or not; check the folder")
        paths[role] = found[0]
    return dataset.read(paths)
