"""The documentation site in a real browser: each page fits its window, and asks for nothing beyond its files."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from accessibility import overflow
from playwright.sync_api import Page

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built as `nox -s docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-q", "--fail-on-warning", "-d", str(folder / ".doctrees")]
    subprocess.run([sys.executable, "-m", "sphinx", *options, str(DOCS), str(folder)], check=True)
    return folder


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1300, False)], ids=["narrow, dark", "wide, light"])
def test_each_page_fits_its_window(show: Callable[..., Page], site: Path, width: int, dark: bool) -> None:
    """No page is wider than its window, complains, or asks for a file of the network."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    assert [page.name for page in pages if overflow(show(page, width=width, dark=dark))] == []
