"""The page of `doit lineage` in a browser: runs, panels, comparison, keyboard, and that hostile names stay text."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from accessibility import faint, nameless, overflow
from playwright.sync_api import Page, expect
from projects import CHAIN, Pipeline

from redoit.history.run_log import RunLog, RunRecord, StageRecord
from redoit.model import Artifact, Status
from redoit.state.workspace import Workspace

Show = Callable[..., Page]
SECOND = "doit make.times=4"
EVIL = "</script><img src=x onerror=alert(1)>"
NAMED = EVIL.replace("=", "")  # doit takes no = in a name
EVIL_DODO = """
from redoit import DOIT_CONFIG, step

EVIL = {evil!r}


def task_make():
    for name in (EVIL, "{{{{7*7}}}}", "a\\u2028b", "&lt;b&gt;"):
        yield step("steps.make", name=name, inputs={{}}, outputs={{"made": f"data/{{name.replace('/', '')}}"}})
"""
EVIL_STEP = """
from pathlib import Path

EVIL = {evil!r}


def run(made: Path, *, label: str = EVIL) -> dict[str, float]:
    print(EVIL)
    made.write_text(label)
    return {{EVIL: 1.0}}
"""
WIDE_DODO = """
from redoit import DOIT_CONFIG, step


def task_s():
    for number in range(200):
        before = sorted({max(0, number - 1 - number * 7 % 23), max(0, number - 9)})
        inputs = {"one": f"data/{before[0]}_table.txt", "two": f"data/{before[-1]}_table.txt"}
        if number < 9:
            inputs = {"one": "source.txt", "two": "source.txt"}
        name = {0: "a_stage_with_a_rather_long_name_", 1: "WMWMWMWMWMWMWMWMW"}.get(number % 9, "stage_")
        outputs = {"made": f"data/{number}_table.txt"}
        yield step("steps.copy", name=f"{name}{number}", inputs=inputs, outputs=outputs)
"""
COPY = """
from pathlib import Path


def run(one: Path, two: Path, made: Path) -> dict[str, float]:
    made.write_text(one.read_text()[-20:] + made.name)
    return {"size": len(two.read_text())}
"""


def project(root: Path, files: dict[str, str]) -> Pipeline:
    """Return a project of these files."""
    pipeline = Pipeline(root / "project")
    for name, text in {"steps/__init__.py": "", **files}.items():
        pipeline.write(name, text)
    return pipeline


def page_of(pipeline: Pipeline) -> Path:
    """Write the page of a project, and return it."""
    result = pipeline.doit("lineage")
    assert (result.code, result.err) == (0, "")
    return pipeline.path("data/lineage.html")


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Return the chain after five runs: first, another setting, the way back, another constant, a step that fails."""
    pipeline = project(tmp_path_factory.mktemp("story"), CHAIN)
    for arguments in ((), ("make.times=4",), ()):
        assert pipeline.doit(*arguments).code == 0
    pipeline.edit("steps/constants.py", "FACTOR = 2", "FACTOR = 3")
    assert pipeline.doit().code == 0
    pipeline.edit("steps/sort.py", "ordered.write_text", "raise ValueError('no luck')\n    ordered.write_text")
    assert pipeline.doit("make.times=5").code != 0
    return pipeline


@pytest.fixture(scope="session")
def told(story: Pipeline) -> Path:
    """Return its page."""
    return page_of(story)


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of 200 stages."""
    pipeline = project(
        tmp_path_factory.mktemp("wide"), {"dodo.py": WIDE_DODO, "steps/copy.py": COPY, "source.txt": "0"}
    )
    assert pipeline.doit("-n", "2").code == 0
    return page_of(pipeline)


def select(page: Page, run: int, base: int = -1) -> None:
    """Choose a run, the newest being 0, and the one to compare it with."""
    page.get_by_label("Run", exact=True).select_option(str(run))
    page.get_by_label("Compare with").select_option(str(base))


def card(page: Page, stage: str) -> "object":
    """Return a stage in the graph."""
    return page.locator(f".card[aria-label^='Stage {stage}:']")


def row(page: Page, stage: str) -> str:
    """Return what the table says of a stage."""
    return page.locator("#stages tbody tr", has=page.get_by_role("rowheader", name=stage, exact=True)).inner_text()


def test_the_newest_run_is_shown(show: Show, told: Path) -> None:
    """Graph, table and figures show which stages ran, failed and did not run."""
    page = show(told)
    assert page.title() == "Lineage of project"
    assert "1 ran" in page.locator("#run-summary").inner_text() or "2 ran" in page.locator("#run-summary").inner_text()
    expect(card(page, "sort")).to_contain_text("failed")
    expect(card(page, "join")).to_contain_text("not run")
    assert "no luck" in row(page, "sort")
    assert page.locator("#data").count() == 1


def test_a_run_is_selected(show: Show, told: Path) -> None:
    """Selecting a run changes graph, table and figures, and is announced to screen readers."""
    page = show(told)
    select(page, 2)
    expect(page.locator("#run-summary")).to_contain_text("doit")
    assert page.locator("#run-summary").get_attribute("aria-live") == "polite"
    expect(card(page, "make")).to_contain_text("restored")
    assert "restored" in row(page, "join")
    assert "times 4 -> 3" in row(page, "make")
    page.get_by_role("button", name="Previous run").click()
    expect(page.locator("#run-summary")).to_contain_text(SECOND)
    expect(card(page, "make")).to_contain_text("ran")
    page.locator("#timeline [data-run='4']").click()
    assert "never run before" in row(page, "make")
    expect(page.get_by_role("button", name="Previous run")).to_be_disabled()


def test_a_result_names_the_run_that_made_it(show: Show, told: Path) -> None:
    """From a restored result one gets to the run that made it."""
    page = show(told)
    select(page, 2)
    row_of_make = page.locator("#stages tbody tr").first
    row_of_make.get_by_role("button").nth(1).click()
    expect(page.get_by_label("Run", exact=True)).to_have_value("4")
    assert "this run" in row(page, "make")


def test_a_panel(show: Show, told: Path) -> None:
    """A stage's panel has settings, inputs, outputs, code, environment, log and reason; Escape leads back."""
    page = show(told)
    select(page, 1)
    card(page, "make").click()
    panel = page.get_by_role("complementary")
    expect(panel).to_be_focused()
    for title in (
        "Changes since its previous result",
        "Settings",
        "Inputs",
        "Outputs",
        "Metrics",
        "Code",
        "Environment",
        "Log",
    ):
        expect(panel.get_by_role("heading", name=title, exact=True)).to_be_visible()
    text = panel.inner_text()
    assert "code of steps.constants:FACTOR" in text
    assert "- FACTOR = 2" in text
    assert "+ FACTOR = 3" in text
    assert "data/made.txt" in text
    assert "source.txt" in text
    assert "a source" in text
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(card(page, "make")).to_be_focused()
    card(page, "side").click()
    assert "adding up to" in panel.locator(".log").inner_text()
    panel.get_by_role("button", name="make").click()
    expect(panel.get_by_role("heading", level=2)).to_have_text("make")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()


def test_two_runs_are_compared(show: Show, told: Path) -> None:
    """The comparison has settings, code with its lines, inputs and why, stages with other results, metrics."""
    page = show(told)
    select(page, 1, 3)
    compared = page.locator("#compare")
    text = compared.inner_text()
    assert "4 stages differ: 1 setting, 1 part of code, 4 inputs." in text
    cells = compared.locator(".scroll[aria-label='Settings that differ'] tbody tr").first.inner_text().split()
    assert cells == ["make", "times", "4", "3"]
    assert "- FACTOR = 2" in text
    assert "+ FACTOR = 3" in text
    inputs = compared.locator(".scroll[aria-label='Inputs that differ']").inner_text()
    assert "make made other content" in inputs
    metrics = compared.locator(".scroll[aria-label='Metrics that differ']").inner_text()
    assert "total" in metrics
    assert "+30 (+12.5 %)" in metrics
    assert page.locator(".card.differing").count() == 4
    select(page, 2, 4)
    expect(compared).to_contain_text("No difference: every stage has the same result.")
    page.get_by_role("button", name="Clear").click()
    expect(compared).to_be_hidden()


def test_by_keyboard_alone(show: Show, told: Path) -> None:
    """Arrow keys follow the lines, Enter opens, Escape returns, + and 0 zoom, and / finds."""
    page = show(told)
    page.keyboard.press("/")
    expect(page.get_by_label("Find a stage or file")).to_be_focused()
    page.keyboard.type("MAKE")
    page.keyboard.press("Enter")
    expect(card(page, "make")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(card(page, "join")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary")
    expect(panel).to_be_focused()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.classList.contains('card')")
    page.keyboard.press("Home")
    expect(page.locator(".card.source")).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("Read by make")
    page.keyboard.press("Escape")
    before = page.locator("#picture").bounding_box()
    page.keyboard.press("+")
    assert page.locator("#picture").bounding_box()["width"] > before["width"]
    page.keyboard.press("0")
    assert page.locator("#picture").bounding_box()["width"] <= page.locator("#canvas").bounding_box()["width"]
    assert page.locator(".card[tabindex='0']").count() == 1


def test_what_is_not_found(show: Show, told: Path) -> None:
    """A search without a result is said."""
    page = show(told)
    page.get_by_label("Find a stage or file").fill("nowhere")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_have_text("No stage or file matches nowhere")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1300])
def test_all_can_be_read(show: Show, told: Path, width: int, dark: bool) -> None:
    """Every text has enough contrast and each control a name, light and dark, and no page is wider than its window."""
    page = show(told, width=width, dark=dark)
    assert (faint(page), nameless(page), overflow(page)) == ([], [], 0)
    select(page, 1, 3)
    assert (faint(page), nameless(page), overflow(page)) == ([], [], 0)
    page.locator("#stages").get_by_role("button", name="sort", exact=True).click()
    assert (faint(page), nameless(page)) == ([], [])


def test_without_scripts(show: Show, told: Path) -> None:
    """Graph and newest run are there all the same, and no control that would do nothing."""
    page = show(told, script=False)
    assert page.locator(".card").count() == 5
    assert "no luck" in page.locator("#stages").inner_text()
    assert [each for each in page.locator("button, select, input").all() if each.is_visible()] == []


def test_on_paper(show: Show, told: Path) -> None:
    """A print has the graph and the tables, and no controls."""
    page = show(told, dark=True)
    page.emulate_media(media="print")
    for name in ("#choices", "#search", "#fit", "#graph-help"):
        expect(page.locator(name)).to_be_hidden()
    expect(page.locator("#picture")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf()) > 10_000


def test_hostile_names_stay_text(show: Show, tmp_path: Path) -> None:
    """Markup in the names of stages, files, settings and metrics, in logs and in errors is shown as it is written."""
    pipeline = project(
        tmp_path, {"dodo.py": EVIL_DODO.format(evil=NAMED), "steps/make.py": EVIL_STEP.format(evil=EVIL)}
    )
    assert pipeline.doit().code == 0
    pipeline.edit("steps/make.py", "print(EVIL)", "raise ValueError(EVIL)")
    assert pipeline.doit("-c").code != 0
    page = show(page_of(pipeline))
    assert page.locator("img").count() == 0
    assert NAMED in page.locator("#stages").inner_text()
    for number in range(4):
        select(page, 1, 0)
        page.locator("#stages tbody th").nth(number).get_by_role("button").click()
        assert EVIL in page.get_by_role("complementary").inner_text()
        page.keyboard.press("Escape")
    select(page, 0)
    page.locator("#stages tbody th").first.get_by_role("button").click()
    assert f"ValueError: {EVIL}" in page.get_by_role("complementary").inner_text()
    assert page.locator("img, b:has-text('gt'), script:not(#data)").count() == 1
    assert "49" not in [text.strip() for text in page.locator("#stages th").all_inner_texts()]


def test_what_is_lost_is_said(show: Show, story: Pipeline, tmp_path: Path) -> None:
    """Traces that are gone, and a stage that is no longer declared, are named as such."""
    shutil.copytree(story.root, tmp_path / "project")
    pipeline = Pipeline(tmp_path / "project")
    shutil.rmtree(pipeline.path(".redoit/traces"))
    pipeline.edit("dodo.py", "def task_join", "def _join")
    page = show(page_of(pipeline))
    select(page, 1)
    assert "its trace was removed from the store" in row(page, "make")
    card(page, "make").click()
    expect(page.get_by_role("complementary")).to_contain_text("was removed from the store")
    page.keyboard.press("Escape")
    page.locator("#stages").get_by_role("button", name="join").click()
    expect(page.get_by_role("complementary")).to_contain_text("no longer declared")
    select(page, 1, 3)
    expect(page.locator("#compared")).to_contain_text("a trace was removed from the store")


def test_results_without_runs(show: Show, story: Pipeline, tmp_path: Path) -> None:
    """Without a run log, results are shown, and that their runs are not recorded."""
    shutil.copytree(story.root, tmp_path / "project")
    pipeline = Pipeline(tmp_path / "project")
    shutil.rmtree(pipeline.path(".redoit/runs"))
    page = show(page_of(pipeline))
    expect(page.locator("#run-summary")).to_contain_text("No run is recorded")
    card(page, "make").click()
    expect(page.get_by_role("complementary")).to_contain_text("Its latest result")
    page.keyboard.press("Escape")
    pipeline.doit()
    page = show(page_of(pipeline))
    assert "its run is not recorded" in page.locator("#stages").inner_text() or "ran" in row(page, "make")


def test_older_runs(show: Show, story: Pipeline, tmp_path: Path) -> None:
    """Runs that are not shown are counted, and a result of one of them says so."""
    shutil.copytree(story.root, tmp_path / "project")
    pipeline = Pipeline(tmp_path / "project")
    pipeline.doit("side", "make.times=3")
    pipeline.doit("side", "make.times=3")
    pipeline.doit("lineage", "--runs", "1")
    page = show(pipeline.path("data/lineage.html"))
    expect(page.locator("#older")).to_contain_text("6 older runs not shown")
    assert "a run older than those shown" in row(page, "side")
    assert "not selected" in row(page, "join")


def test_figures_that_can_not_be(show: Show, story: Pipeline, tmp_path: Path) -> None:
    """Extreme numbers are shown as far as possible."""
    shutil.copytree(story.root, tmp_path / "project")
    pipeline = Pipeline(tmp_path / "project")
    workspace = Workspace(pipeline.root)
    record = next(RunLog(workspace.root).newest()).stages["make"]
    trace = workspace.store.trace_or_none(record.key, record.trace)
    assert trace
    for number, value in enumerate((1e308, -1e308, float("nan"), float("inf"), 0.0, 5e-324)):
        manifest = {role: Artifact(one.digest, 10**400) for role, one in trace.manifest.items()}
        odd = replace(trace, metrics={"count": value, "inf": float("inf"), "__proto__": 1.0}, manifest=manifest)
        name = workspace.store.append(replace(odd, seconds=-1e9, started=-1e9, name=""))
        stages = {"make": StageRecord(Status.RAN, record.key, name, -5.0, -1e10), "__proto__": StageRecord(Status.KEPT)}
        RunLog(workspace.root).append(RunRecord("doit", 3e9 + number, -1.0, stages, -9.0))
    page = show(page_of(pipeline))
    for run in range(6):
        select(page, run, run + 1)
        card(page, "make").click()
        expect(page.get_by_role("complementary")).to_contain_text("9.0 PB")
        page.keyboard.press("Escape")
    assert pipeline.doit("lineage", "data/made.txt").code == 0


def test_two_hundred_stages(show: Show, wide: Path) -> None:
    """No card lies on another, each label is within its card, all can be seen at once, and a search leads there."""
    page = show(wide)
    boxes = page.evaluate(
        "[...document.querySelectorAll('.card .frame')].map((each) => each.getBoundingClientRect())"
        ".map((box) => [box.left, box.top, box.right, box.bottom])"
    )
    assert len(boxes) == 201
    for number, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    outside = page.evaluate(
        "[...document.querySelectorAll('.card text')].map((each) => [each.getBBox(), each.textContent])"
        ".filter(([box, text]) => box.x + box.width > 203)"
    )
    assert outside == []
    page.get_by_role("button", name="Fit").click()
    picture, canvas = page.locator("#picture").bounding_box(), page.locator("#canvas").bounding_box()
    assert picture["width"] <= canvas["width"]
    assert picture["height"] <= canvas["height"]
    page.get_by_label("Find a stage or file").fill("data/173_table.txt")
    page.keyboard.press("Enter")
    expect(card(page, "s:stage_173")).to_be_focused()
    expect(card(page, "s:stage_173")).to_be_in_viewport()
    assert overflow(page) == 0


LARGE_DODO = """
from redoit import DOIT_CONFIG, step


def task_s():
    for number in range(600):
        inputs = {"one": "source.txt", "two": "source.txt"}
        yield step("steps.copy", name=str(number), inputs=inputs, outputs={"made": f"data/{number}"})
"""


def test_a_large_pipeline(show: Show, tmp_path: Path) -> None:
    """A page of many stages shows those that changed most recently, says so, and counts all."""
    pipeline = project(tmp_path, {"dodo.py": LARGE_DODO, "steps/copy.py": COPY, "source.txt": "1"})
    assert pipeline.doit("plan").code == 0
    workspace = Workspace(pipeline.root)
    workspace.open()
    kept = {f"s:{number}": StageRecord(Status.KEPT, "a" * 64, "b" * 64) for number in range(600)}
    RunLog(workspace.root).append(RunRecord("doit first", 1.0, 1.0, kept))
    RunLog(workspace.root).append(
        RunRecord("doit second", 2.0, 1.0, {**kept, "s:599": StageRecord(Status.FAILED, error="no luck")})
    )
    page = show(page_of(pipeline))
    expect(page.locator("#partial")).to_contain_text("This page has 500 of 600 stages")
    expect(page.locator(".card.stage")).to_have_count(500)
    expect(page.locator("#run-summary")).to_contain_text("599 kept 1 failed")
    expect(card(page, "s:599")).to_have_class("card stage failed")
    select(page, 1, 0)
    expect(page.locator("#run-summary")).to_contain_text("600 kept")
