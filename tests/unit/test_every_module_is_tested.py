"""The tests mirror the code: the test of a module is where its name says."""

from collections.abc import Iterable
from pathlib import Path, PurePath

ROOT = Path(__file__).parents[2]
UNIT = PurePath("tests/unit")
EXEMPT: dict[PurePath, str] = {}  # module -> why it has no test file of its own


def modules(package: str) -> list[PurePath]:
    """Return the modules of a package and of those in it, without `__init__`."""
    paths = (path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in paths if path.name != "__init__.py")


def absent(paths: Iterable[PurePath]) -> list[str]:
    """Return the names of those files that do not exist."""
    return [path.as_posix() for path in paths if not (ROOT / path).is_file()]


def place_of_test(module: PurePath, package: PurePath) -> PurePath:
    """Return where the test of a module is. `package`: the folder that `tests/unit` mirrors."""
    return UNIT / module.parent.relative_to(package) / f"test_{module.name}"


def test_each_module_of_redoit_has_its_test_file() -> None:
    """`redoit/PACKAGE/MODULE.py` is tested by `tests/unit/PACKAGE/test_MODULE.py`, save what is exempt."""
    tested = [module for module in modules("redoit") if module not in EXEMPT]
    assert len(tested) > 60
    missing = absent(place_of_test(module, PurePath("redoit")) for module in tested)
    assert not missing, f"expected {', '.join(missing)}"


def test_each_step_has_its_test_file() -> None:
    """`steps/MODULE.py` is tested by `tests/unit/steps/test_MODULE.py`."""
    steps = modules("steps")
    assert len(steps) > 10
    missing = absent(place_of_test(module, PurePath()) for module in steps)
    assert not missing, f"expected {', '.join(missing)}"


def test_each_helper_is_in_the_index() -> None:
    """`tests/support/README.md` names each module of its folder, or the folder that it is in."""
    index = (ROOT / "tests/support/README.md").read_text()
    helpers = [module.relative_to("tests/support") for module in modules("tests/support")]
    alone = [
        each for each in helpers if not any(f"`{part}/`" in index for part in each.parts[:-1] if part != "variations")
    ]
    names = {each.stem for each in alone} - {"sitecustomize"}
    assert [name for name in sorted(names) if f"`{name}`" not in index] == []


def test_what_is_exempt_exists_and_has_no_test_file() -> None:
    """An exemption ends with its module, or as soon as the module has a test file."""
    assert absent(EXEMPT) == []
    tests = [place_of_test(module, PurePath("redoit")) for module in EXEMPT]
    assert absent(tests) == [path.as_posix() for path in tests]
