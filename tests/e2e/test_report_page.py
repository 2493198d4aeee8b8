"""The report in a browser: it shows everything, is self-contained and accessible."""

from collections.abc import Callable
from pathlib import Path

import pytest
from accessibility import faint, nameless, overflow
from playwright.sync_api import Page, expect
from reports import paths_of, write

from steps import dataset, digits, idx, importer, normalizer, report

Show = Callable[..., Page]
EVIL = "</title><img src=x onerror=alert(1)>"


def report_on(folder: Path, source: str) -> Path:
    """Return the report on made-up results for the embedded digits."""
    files = [folder / f"{name}.gz" for name in dataset.FILES.values()]
    for path, content in zip(files, digits.contents().values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        idx.write(path, content)
    importer.run(*files, folder / "raw.h5")
    normalizer.run(folder / "raw.h5", folder / "digits.h5")
    images, labels = normalizer.read_part(folder / "digits.h5", "test")
    results = write(folder, images[..., 0], labels, wrong=30, epochs=4, source=source)
    report.run(*paths_of(results, folder / "made"))
    return folder / "made/report.html"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report."""
    return report_on(tmp_path_factory.mktemp("report"), "scikit-learn digits")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1300])
def test_all_can_be_read(show: Show, made: Path, width: int, dark: bool) -> None:
    """All pictures are there, texts have contrast, nothing is wider than the window, light and dark."""
    page = show(made, width=width, dark=dark)
    for title in ("Sample digits", "Learning curves", "Class by class", "Worst mistakes"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    assert page.evaluate("[...document.images].filter((each) => !each.complete || !each.naturalWidth).length") == 0
    assert page.evaluate("document.images.length") > 25
    assert (faint(page), nameless(page), overflow(page)) == ([], [], 0)


def test_by_keyboard_alone(show: Show, made: Path) -> None:
    """What is folded away opens by keyboard."""
    page = show(made)
    summary = page.locator("summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.evaluate("each => each.open")


def test_a_hostile_name_stays_text(show: Show, tmp_path: Path) -> None:
    """Markup in the name of the data set is shown as it is written."""
    page = show(report_on(tmp_path, EVIL))
    assert EVIL in page.locator("h1").inner_text()
    assert page.locator("img[src='x']").count() == 0


def test_on_paper(show: Show, made: Path) -> None:
    """It prints."""
    page = show(made, dark=True)
    page.emulate_media(media="print")
    assert len(page.pdf()) > 10_000
