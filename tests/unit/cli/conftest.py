"""The chain, built in this process, for the commands to show and change."""

import shutil
from pathlib import Path

import pytest
from in_process import TIMES, build
from projects import ALL, CHAIN, Pipeline


@pytest.fixture(scope="session")
def chain_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the chain once, without a process."""
    pipeline = Pipeline(tmp_path_factory.mktemp("chain") / "project")
    for name, text in CHAIN.items():
        pipeline.write(name, text)
    assert build(pipeline.root, TIMES) == ALL
    return pipeline.root


@pytest.fixture
def chain(chain_template: Path, tmp_path: Path) -> Pipeline:
    """Return the chain, with the result of each stage in place and in the store."""
    shutil.copytree(chain_template, tmp_path / "project")
    return Pipeline(tmp_path / "project")
