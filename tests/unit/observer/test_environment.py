"""Which variables are asked for, by name and by copies."""

from pathlib import Path

import pytest
from observed_process import names, recorded


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project, and have a variable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASKED", "1")


ASKS = [
    "os.environ['ASKED']",
    "os.environ.get('ASKED')",
    "os.getenv('ASKED')",
    "os.getenvb(b'ASKED')",
    "'ASKED' in os.environ",
    "os.environb[b'ASKED']",
    "os.environ.setdefault('ASKED', '2')",
    "os.environ.pop('ASKED')",
    "os.path.expandvars('$ASKED')",
    "string.Template('$ASKED').substitute(os.environ)",
    "'{ASKED}'.format_map(os.environ)",
    "collections.ChainMap({}, os.environ)['ASKED']",
    "threading.Thread(target=os.getenv, args=('ASKED',)).start()",
    "list(map(os.environ.get, ['ASKED']))",
    "eval('os.environ.get(\"ASKED\")')",
]


@pytest.mark.parametrize("line", ASKS)
def test_a_variable_that_is_asked_for(line: str) -> None:
    """A variable that code of the project asks for by name is recorded, however it asks."""
    found = recorded(f"import collections, os, string, threading\n{line}\n")
    assert [record for record in found if record[0] in ("variable", "environment")] == [("variable", "ASKED", "")]


def test_a_variable_that_is_not_set() -> None:
    """A variable that is asked for in vain is recorded as well."""
    assert names("variable", recorded("import os; os.environ.get('UNSET')")) == ["UNSET"]


def test_what_the_process_set_itself_is_not_asked_for() -> None:
    """A variable that the process has set tells nothing of the outside, later; asked for before, it does."""
    body = "import os; os.environ['NEW'] = '1'; os.environ['NEW']; os.environ['ASKED']; os.environ['ASKED'] = '2'"
    assert names("variable", recorded(body)) == ["ASKED"]


def test_a_default_that_a_library_sets(tmp_path: Path) -> None:
    """Who asks for a variable that a library has set, since it was not there, asks for that of the outside."""
    library = tmp_path / "site-packages/dotenv.py"
    library.parent.mkdir()
    library.write_text("import os\nif 'NEW' not in os.environ:\n    os.environ['NEW'] = '1'\n")
    body = f"import os, sys; sys.path.append({str(library.parent)!r}); import dotenv; os.environ['NEW']"
    assert ("variable", "NEW", "") in recorded(body)


COPIES = [
    "dict(os.environ)",
    "os.environ.copy()",
    "list(os.environ)",
    "sorted(os.environ.items())",
    "{**os.environ}",
    "os.environ | {}",
    "for name in os.environ: pass",
    "for name, value in os.environ.items(): str(value)",
    "list(os.environ.values())",
    "dict(os.environb)",
]


@pytest.mark.parametrize("line", COPIES)
def test_a_copy_is_where_it_is_made(line: str) -> None:
    """A copy of all variables is recorded by its line, not as questions for each."""
    found = recorded(f"import os\n\n{line}\n")
    assert [record for record in found if record[0] in ("variable", "environment")] == [
        ("environment", "probe.py", "3")
    ]


def test_who_asks_after_a_copy_asks() -> None:
    """A name that is asked for in the line after a copy, or before it, counts by itself."""
    found = recorded("import os\nos.getenv('FIRST')\ncopy = dict(os.environ)\nos.getenv('ASKED')\n")
    assert names("variable", found) == ["FIRST", "ASKED"]


OWN_ASKS = [
    "subprocess.run(['true'])",
    "shutil.which('true')",
    "shutil.get_terminal_size()",
    "getpass.getuser()",
    "urllib.request.getproxies()",
    "tempfile.mkdtemp()",
    "asyncio.run(asyncio.sleep(0))",
    "argparse.ArgumentParser().format_help()",
    "locale.setlocale(locale.LC_ALL)",
    "zoneinfo.available_timezones()",
    "logging.warning('said')",
    "traceback.print_stack()",
    "concurrent.futures.ProcessPoolExecutor(1).submit(len, '').result()",
]
USUAL = (
    "argparse, asyncio, concurrent.futures, getpass, locale, logging, shutil, subprocess, tempfile, traceback, zoneinfo"
)


@pytest.mark.parametrize("line", OWN_ASKS)
def test_the_standard_library_asks_for_itself(line: str) -> None:
    """What the standard library looks up by names of its own, such as PATH for a program, nobody else asked for."""
    found = recorded(f"import {USUAL}, urllib.request\n{line}\n")
    assert [record for record in found if record[0] in ("variable", "environment")] == []


def test_a_mapping_still_behaves() -> None:
    """What is asked for has its value, and what is missing raises."""
    body = """
        import os
        assert os.environ["ASKED"] == os.environb[b"ASKED"].decode() == dict(os.environ)["ASKED"] == "1"
        os.environ["ASKED"] = "2"
        assert os.getenv("ASKED") == "2"
        del os.environ["ASKED"]
        try:
            os.environ["ASKED"]
        except KeyError as error:
            assert error.args == ("ASKED",) and error.__suppress_context__
        else:
            raise AssertionError
        assert "ASKED" not in list(os.environ)
    """
    recorded(body)
