"""The chain, built in this process, for the commands to show and change."""

from pathlib import Path

import pytest
from in_process import TIMES, build
from projects import ALL, CHAIN, Pipeline


@pytest.fixture(scope="session")
def chain_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Build the chain once, without a process; return path -> content of its files."""
    pipeline = Pipeline(tmp_path_factory.mktemp("chain") / "project")
    for name, text in CHAIN.items():
        pipeline.write(name, text)
    assert build(pipeline.root, TIMES) == ALL
    files = (path for path in pipeline.root.rglob("*") if path.is_file())
    return {str(path.relative_to(pipeline.root)): path.read_bytes() for path in files}


@pytest.fixture
def chain(chain_files: dict[str, bytes], tmp_path: Path) -> Pipeline:
    """Return the chain, with the result of each stage in place and in the store."""
    for name, content in chain_files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Pipeline(tmp_path / "project")
