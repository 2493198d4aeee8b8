"""The checks that a change must pass: `nox` runs all of them, as CI does. `nox -s tests -- -k store` runs a part."""

import shutil
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False  # a Python that is not installed is skipped, also where CI is set

PYTHONS = nox.project.python_versions(nox.project.load_toml())
CONSTRAINTS = ("-c", "constraints.txt")
COVERED_PERCENT = 94  # what the session tests reaches, rounded down: raise it whenever it reaches more
CORPUS = "tests/chaos/test_corpus.py"
DIST = Path("dist")
FOLLOW = "tests/support/console_blocks.py"
PARALLEL = ("-n", "auto", "--dist", "worksteal")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, layout and spelling of all files, also new ones: the hooks of .pre-commit-config.yaml."""
    session.install(*CONSTRAINTS, "pre-commit")
    listed = session.run("git", "ls-files", "-co", "--exclude-standard", external=True, silent=True)
    files = [file for file in str(listed).splitlines() if Path(file).exists()]
    session.run("pre-commit", "run", "--show-diff-on-failure", "--files", *files, log=False)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of redoit with mypy, strictly, and the stubs of doit against doit itself."""
    session.install(*CONSTRAINTS, "mypy", "-e", ".")
    session.run("mypy")
    session.run("stubtest", "doit", "--ignore-missing-stub", "--mypy-config-file", "pyproject.toml")


@nox.session
def imports(session: nox.Session) -> None:
    """Check the import contracts: packages import one way, and the kernel imports no other package."""
    session.install(*CONSTRAINTS, "import-linter", "-e", ".")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site in docs/_build/html; a dead internal link or a page without an entry is an error."""
    session.install(*CONSTRAINTS, "-e", ".[docs]")
    session.run(
        "sphinx-build",
        "-q",
        "--fail-on-warning",
        "--keep-going",
        "--fresh-env",
        "docs",
        "docs/_build/html",
        *session.posargs,
    )


@nox.session
def tests(session: nox.Session) -> None:
    """Test each module, and the commands and promises of redoit in real doit processes; hold the floor of coverage."""
    session.install(*CONSTRAINTS, "-e", ".[mnist,test]")
    coverage = ("--cov=redoit", "--cov=steps", f"--cov-fail-under={COVERED_PERCENT}")
    session.run("pytest", *PARALLEL, *(session.posargs or coverage))


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Test modules and commands on the other supported versions of Python, as far as they are installed."""
    if session.python == "{}.{}".format(*sys.version_info):
        session.skip(f"the session tests uses Python {session.python}")
    session.install(*CONSTRAINTS, "-e", ".[mnist,test]")
    session.run("pytest", *PARALLEL, *(session.posargs or ["tests/unit", "tests/integration"]))


@nox.session
def chaos(session: nox.Session) -> None:
    """Attack what redoit promises, a few rounds each; `-- --full` for all, `-- --examples 2000 -k clean_build`."""
    session.install(*CONSTRAINTS, "-e", ".[mnist,test]")
    session.run("pytest", "-s", "tests/chaos", "--ignore", CORPUS, *session.posargs)


@nox.session
def corpus(session: nox.Session) -> None:
    """Edit popular packages as a project's own code, three a few times; `-- --full` all of them, a thousand times."""
    session.install(*CONSTRAINTS, "pip", "-e", ".[test]")
    session.run("pytest", "-s", "-rs", CORPUS, *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz the readers of IDX files and of traces, guided by coverage; `-- -max_total_time=600` for longer."""
    if sys.version_info >= (3, 14):
        session.skip("atheris has no package for this Python; see: nox -s tests -- -k changed_files --full")
    session.install(*CONSTRAINTS, "atheris", "-e", ".[mnist,test]")
    for name in ("idx", "traces"):
        session.run("python", f"tests/adversarial/fuzz/fuzz_{name}.py", *(session.posargs or ["-max_total_time=15"]))


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the pipeline, open its pages in Debian's chromium or any Chromium on PATH, and follow the documentation."""
    session.install(*CONSTRAINTS, "-e", ".[mnist,test,docs]")
    session.run("pytest", "-rs", "-n", "auto", "--dist", "loadfile", "tests/e2e", *session.posargs)


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the source archive and the wheel into dist/, and check what is in them."""
    session.install(*CONSTRAINTS, "build", "check-wheel-contents", "twine")
    shutil.rmtree(DIST, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(DIST))
    session.run("twine", "check", "--strict", *map(str, DIST.iterdir()))
    session.run("check-wheel-contents", str(DIST))


@nox.session(requires=["build"], reuse_venv=False)
def package(session: nox.Session) -> None:
    """Follow the pages for a project of one's own and for the quick start, with the wheel in an empty environment."""
    (wheel,) = DIST.glob("*.whl")
    session.install(*CONSTRAINTS, str(wheel))
    session.run("python", FOLLOW, "docs/own-project.md")
    session.install(*CONSTRAINTS, f"{wheel}[mnist]")
    session.run("python", FOLLOW, "README.md", "dodo.py", "pyproject.toml", "steps")


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Show the three modes of ZenML's caching example: `-- default`, `invalidate`, `disable [STAGE | all]`."""
    session.install(*CONSTRAINTS, "-e", ".[mnist]")
    session.run("python", "bench/modes.py", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure time and memory against goals: `-- --rows scale`, `--runs 9`, `--quick`, `--json FILE`."""
    session.install(*CONSTRAINTS, "-e", ".[mnist]")
    session.run("python", "-m", "bench", *session.posargs)
