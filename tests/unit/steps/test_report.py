"""The report: what it shows, that equal results have equal bytes, and what it makes of odd and of wrong inputs."""

import base64
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import h5py
import matplotlib as mpl
import numpy as np
import pytest
from reports import PLOTS, evaluated, paths_of, write

from steps import artifacts, normalizer, plots, report

ROOT = Path(report.__file__).parents[1]
RUN = """
import json, sys
from pathlib import Path
from steps import report
report.run(*map(Path, sys.argv[1:]))
print(json.dumps(sorted(sys.modules)))
"""
RC = """
font.size: 30
font.family: cursive
text.color: red
axes.xmargin: 0.4
savefig.dpi: 33
savefig.transparent: True
savefig.bbox: tight
svg.fonttype: path
image.origin: lower
lines.markersize: 20
"""
VOID = {"meta", "img"}


class Page(HTMLParser):
    """The elements of a page, and the text of each kind. Fails if elements do not close in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        """Close an element."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note a text for all that it is in."""
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, tag: str) -> list[str]:
        """Return what the elements of a kind say, in one line each."""
        return [" ".join(text.split()) for text in self.texts.get(tag, [])]


@pytest.fixture(scope="module")
def digits(tmp_path_factory, raw):
    """Return the images and labels of the embedded test digits."""
    path = tmp_path_factory.mktemp("digits") / "normalized.h5"
    normalizer.run(raw, path)
    images, labels = normalizer.read_part(path, "test")
    return images[..., 0], labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    """Return a folder with the results of 4 epochs and 30 mistakes in 360 digits."""
    return write(tmp_path_factory.mktemp("results"), *digits, wrong=30, epochs=4, source="scikit-learn digits")


@pytest.fixture(scope="module")
def made(tmp_path_factory, folder):
    """Return a folder with the report on them."""
    made = tmp_path_factory.mktemp("report")
    assert report.run(*paths_of(folder, made)) == {"mistakes": 30, "accuracy": 330 / 360}
    return made


@pytest.fixture
def copy(tmp_path, folder):
    """Return a folder with a copy of the results, to be spoilt."""
    for name in ("history", "evaluation", "normalized"):
        (tmp_path / f"{name}.h5").write_bytes((folder / f"{name}.h5").read_bytes())
    return tmp_path


def test_page_shows_accuracy_curves_confusion_scores_and_mistakes(made):
    """Each part is there, and each accuracy names the data set."""
    page = Page(made / "report.html")
    assert page.said("h2") == ["Sample digits", "Learning curves", "Class by class", "Worst mistakes"]
    assert page.said("h1") == ["Handwritten digits: scikit-learn digits 91.67 % of the test images recognised"]
    assert page.said("title") == ["91.67 % on scikit-learn digits"]
    told = page.said("p") + page.said("dl") + page.said("caption") + [image["alt"] for image in page.all("img")]
    accuracies = [text for text in told if "ccuracy" in text or "recognised" in text]
    assert len(accuracies) == 4
    assert all("scikit-learn digits" in text for text in accuracies)
    assert "Accuracy on scikit-learn digits" in (made / "accuracy.svg").read_text()


def test_worst_mistakes_come_with_image_label_prediction_and_confidence(digits, made):
    """The page shows the 25 wrong predictions of which the model was surest, the surest first."""
    images, labels = digits
    page = Page(made / "report.html")
    shown = [image for image in page.all("img") if image["alt"].startswith("Test image ")]
    told = [re.fullmatch(r"Test image (\d+): an? (\d) that was taken for an? (\d)", image["alt"]) for image in shown]
    numbers = [int(found[1]) for found in told]
    assert numbers == list(range(29, 4, -1))
    assert [int(found[2]) for found in told] == labels[numbers].tolist()
    assert [int(found[3]) for found in told] == ((labels[numbers] + 1) % 10).tolist()
    confidence = evaluated(labels, 30).max(axis=1)[numbers]
    said = [text.rpartition("Confidence")[2].strip() for text in page.said("figcaption")]
    assert said == [f"{100 * share:.2f} %" for share in confidence]
    first = base64.b64decode(shown[0]["src"].partition(",")[2])
    (made / "first.png").write_bytes(first)
    pixels = mpl.image.imread(made / "first.png")[..., 0]
    np.testing.assert_allclose(pixels, 1 - images[29], atol=0.01)


def test_page_needs_nothing_but_itself_and_can_be_read_without_seeing(made):
    """No address leads out of the page; images have texts, tables have captions, and their heads say of what."""
    text = (made / "report.html").read_text()
    page = Page(made / "report.html")
    assert not re.findall(r"https?:|//\w|url\(|@import|<script|<link", re.sub(r'src="data:[^"]*"', "", text))
    assert all(image["src"].startswith("data:image/") and image["alt"] for image in page.all("img"))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("caption")) == len(page.all("table")) == 3
    assert all(head["scope"] in ("row", "col") for head in page.all("th"))
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_plots_have_a_colour_for_dark_pages_for_each_that_they_use(made):
    """What an SVG is drawn with in the light, its own rules replace in the dark."""
    for name in ("accuracy.svg", "loss.svg", "confusion.svg"):
        text = (made / name).read_text()
        ET.fromstring(text)  # it is XML
        drawn = re.findall(r"(fill|stroke): (#[0-9a-f]+)", " ".join(re.findall(r'style="([^"]*)"', text)))
        assert drawn
        assert {colour for _, colour in drawn} <= set(plots.COLOURS)
        assert all(f'[style*="{what}: {colour}"]' in text for what, colour in drawn)


def test_another_configuration_of_matplotlib_changes_no_byte(tmp_path, folder, made):
    """A process with a matplotlibrc, another home, locale and hash seed writes the same; it imports nothing heavy."""
    (tmp_path / "matplotlibrc").write_text(RC)
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(tmp_path), "HOME": str(tmp_path),
        "MPLBACKEND": "svg", "LC_ALL": "C", "PYTHONHASHSEED": "3", "TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": "1",
    }  # fmt: skip
    command = [sys.executable, "-c", RUN, *paths_of(folder, tmp_path / "made")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    for name in ("report.html", *PLOTS):
        assert (tmp_path / "made" / name).read_bytes() == (made / name).read_bytes(), name
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    assert not imported & {"tensorflow", "keras", "sklearn", "matplotlib.pyplot"}


def test_files_tell_neither_when_nor_with_what_they_were_made(made):
    """No date and no version is in what was written: an upgrade that draws alike writes alike."""
    for name in ("report.html", *PLOTS):
        content = (made / name).read_bytes()
        assert not re.search(rb"dc:date|20\d\d-\d\d-\d\d|tEXt|tIME", content), name
        assert mpl.__version__.encode() not in content, name


@pytest.mark.parametrize("epochs", [1, 2, 31, 1000])
def test_any_number_of_epochs_gives_curves(tmp_path, digits, epochs):
    """A single epoch is a visible mark; a thousand are a line."""
    folder = write(tmp_path, *digits, wrong=3, epochs=epochs, source="some")
    report.run(*paths_of(folder, tmp_path / "made"))
    text = (tmp_path / "made/loss.svg").read_text()
    assert text.count("<use ") == (2 * epochs + 2 if epochs <= plots.MAX_MARKED_EPOCHS else 0)  # and two in the legend
    page = Page(tmp_path / "made/report.html")
    assert f"After {epochs:,} epoch{'s' * (epochs > 1)}," in " ".join(page.said("p"))


def test_perfect_model_has_no_mistakes_to_show(tmp_path, digits):
    """Without a mistake the page says so, and the plot as well."""
    folder = write(tmp_path, *digits, wrong=0, epochs=2, source="some")
    assert report.run(*paths_of(folder, tmp_path / "made")) == {"mistakes": 0, "accuracy": 1}
    page = Page(tmp_path / "made/report.html")
    assert "100.00 % of the test images recognised" in page.said("h1")[0]
    assert "None: each of the 360 test images of some was recognised." in page.said("p")
    assert page.all("ol") == []


@pytest.mark.parametrize("wrong", [0, 1])
def test_single_image_makes_a_report(tmp_path, digits, wrong):
    """Nine classes without an image, and one with one, right or wrong."""
    images, labels = digits
    folder = write(tmp_path, images[:1], labels[:1], wrong=wrong, epochs=1, source="some")
    report.run(*paths_of(folder, tmp_path / "made"))
    assert ("once." in Page(tmp_path / "made/report.html").said("p")[0]) == bool(wrong)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        '" onerror="x',
        "{{ 7 * 7 }}{% x %}",
        "$x^2$ & -->",
        "]]>&amp;",
        "数字 😀",
        "x" * 200,
    ],
)
def test_any_name_of_the_data_set_is_text(tmp_path, digits, source):
    """Markup, templates and formulas in the name appear as they are written, in the page and in the plots."""
    folder = write(tmp_path, *digits, wrong=3, epochs=2, source=source)
    report.run(*paths_of(folder, tmp_path / "made"))
    page = Page(tmp_path / "made/report.html")
    assert page.said("title") == [f"99.17 % on {source}"]
    assert page.all("script") == []
    assert {name for image in page.all("img") for name in image} == {"class", "src", "alt", "width", "height"}
    for name in ("accuracy.svg", "confusion.svg"):
        texts = [item.text for item in ET.parse(tmp_path / "made" / name).iter("{http://www.w3.org/2000/svg}text")]
        assert any(text.endswith(source[:20]) or source[:20] in text for text in texts if text)


def test_worst_are_the_surest_of_the_wrong():
    """Right predictions are never among them, and among equals the earlier comes first."""
    labels = np.array([0, 1, 2, 3, 4], np.uint8)
    predicted = np.array([0, 2, 3, 4, 4], np.uint8)
    confidence = np.array([1, 0.5, 0.9, 0.5, 1], np.float32)
    assert report.worst_of(labels, predicted, confidence, 9).tolist() == [2, 1, 3]
    assert report.worst_of(labels, predicted, confidence, 2).tolist() == [2, 1]
    assert report.worst_of(labels, labels, confidence, 2).tolist() == []


def test_share_below_all_is_never_shown_as_all():
    """99.999 % is not 100 %."""
    shown = [report.percent(share).replace("\N{NO-BREAK SPACE}", " ") for share in (0.12345, 0.9999, 0.99999, 1.0)]
    assert shown == ["12.35 %", "99.99 %", "> 99.99 %", "100.00 %"]


def spoilt(name, place, value):
    """Return what puts a value into a dataset of a file."""

    def spoil(folder):
        with h5py.File(folder / f"{name}.h5", "r+") as file:
            field, where = place
            rows = file[field][...]
            rows[where] = value
            file[field][...] = rows

    return spoil


def replaced(name, field, change):
    """Return what replaces a dataset of a file."""

    def replace(folder):
        path = folder / f"{name}.h5"
        with h5py.File(path) as file:
            attributes = dict(file.attrs)
            arrays = {}
            file.visititems(lambda key, item: arrays.update({key: item[...]}) if hasattr(item, "shape") else None)
        arrays[field] = change(arrays[field])
        with artifacts.writing(path, **attributes) as file:
            for key, values in arrays.items():
                artifacts.write_array(file, key, values)

    return replace


BAD = {
    "no file": (lambda folder: (folder / "history.h5").unlink(), "no such file"),
    "no HDF5": (lambda folder: (folder / "evaluation.h5").write_bytes(b"x"), "found a damaged or foreign file"),
    "epochs": (replaced("history", "loss", lambda rows: rows[:2]), "found .* epochs, expected as many of each"),
    "nan loss": (spoilt("history", ("loss", 0), np.nan), "in 'loss', expected finite numbers"),
    "infinite loss": (spoilt("history", ("val_loss", 0), np.inf), "in 'val_loss', expected finite numbers"),
    "accuracy": (spoilt("history", ("accuracy", 0), 1.5), "in 'accuracy', expected shares from 0 to 1"),
    "type": (replaced("history", "loss", lambda rows: rows.astype(np.float32)), "found float32"),
    "label": (spoilt("evaluation", ("labels", 0), 10), "found label 10, expected 0 to 9"),
    "labels": (replaced("evaluation", "labels", lambda rows: rows[:9]), "expected one for each of 9 labels"),
    "nan": (spoilt("evaluation", ("probabilities", 0), np.nan), "found rows that are not probabilities"),
    "sum": (spoilt("evaluation", ("probabilities", 0), 0.5), "found rows that are not probabilities"),
    "negative": (spoilt("evaluation", ("probabilities", (0, 0)), -1), "found rows that are not probabilities"),
    "predicted": (spoilt("evaluation", ("predicted", 0), 99), "found predictions that are not the most probable"),
    "confusion": (spoilt("evaluation", ("confusion", (0, 0)), 7), "found a 'confusion' that"),
    "scores": (spoilt("evaluation", ("f1", 0), np.nan), "in 'f1', expected 10 numbers from 0 to 1"),
    "few scores": (replaced("evaluation", "recall", lambda rows: rows[:3]), "in 'recall', expected 10 numbers"),
    "other images": (spoilt("normalized", ("test/labels", 0), 9), "that were evaluated"),
    "fewer images": (
        replaced("normalized", "test/labels", lambda rows: rows[:9]),
        "found 9 labels, expected one for each of 360",
    ),
    "intensity": (spoilt("normalized", ("test/images", 0), np.nan), r"not in \[0, 1\]"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_input_is_one_clear_error(copy, case):
    """The error of an invalid or contradictory input names its file, and nothing is written."""
    spoil, message = BAD[case]
    spoil(copy)
    with pytest.raises((ValueError, FileNotFoundError), match=rf"\.h5.*{message}.*") as caught:
        report.run(*paths_of(copy, copy / "made"))
    assert "\n" not in str(caught.value)
    assert list((copy / "made").iterdir()) == []


def test_evaluation_of_another_data_set_is_an_error(copy):
    """A report never shows the images of one data set with the accuracy on another."""
    with h5py.File(copy / "normalized.h5", "r+") as file:
        file.attrs["source"] = "MNIST"
    with pytest.raises(ValueError, match="found 360 test images of 'MNIST', expected the 360 of 'scikit-learn digits'"):
        report.run(*paths_of(copy, copy / "made"))


@pytest.mark.parametrize("settings", [{"worst": 0}, {"per_class": 0}, {"worst": 501}, {"per_class": -1}])
def test_settings_have_bounds(copy, settings):
    """A number of images that makes no page is an error."""
    with pytest.raises(ValueError, match=r"(worst|per_class): found -?\d+, expected 1 to 500"):
        report.run(*paths_of(copy, copy / "made"), **settings)


@pytest.mark.parametrize("text", ["{% if %}", "{{ results.nothing }}", "{% include 'other.html' %}", "\udcff"])
def test_template_that_is_none_is_an_error(tmp_path, text):
    """The error of a broken template names it; a template can't include other files."""
    (tmp_path / "page.html").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"page\.html: found .*expected a template of Jinja2"):
        report.page_from(tmp_path / "page.html", {"results": object()})
