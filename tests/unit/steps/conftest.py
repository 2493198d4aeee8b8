"""Real data sets, as files: the embedded digits, and MNIST if it is next to the repository."""

from pathlib import Path

import pytest

from steps import dataset, digits, idx, importer

MNIST = Path(__file__).parents[4] / "shared" / "mnist"


def four_files(folder: Path) -> list[Path]:
    """Return the paths of the four files of a data set, in the order in which steps take them."""
    return [folder / f"{name}.gz" for name in dataset.FILES.values()]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Talk to servers on this machine directly."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="session")
def paths_in():
    """Return `four_files`."""
    return four_files


@pytest.fixture
def outputs(tmp_path):
    """Return the paths of four files to be written, in a folder that exists."""
    (tmp_path / "mnist").mkdir()
    return four_files(tmp_path / "mnist")


@pytest.fixture(scope="session")
def mnist():
    """Return the folder with the real MNIST."""
    if not MNIST.is_dir():
        pytest.skip("needs MNIST's four files in ../shared/mnist")
    return MNIST


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory):
    """Return a folder with the embedded digits as gzipped IDX files."""
    folder = tmp_path_factory.mktemp("digits")
    for path, content in zip(four_files(folder), digits.contents().values(), strict=True):
        idx.write(path, content)
    return folder


@pytest.fixture(scope="session")
def raw(tmp_path_factory, digits_folder):
    """Return the digits as raw.h5."""
    path = tmp_path_factory.mktemp("raw") / "raw.h5"
    importer.run(*four_files(digits_folder), path)
    return path
