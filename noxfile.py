"""What has to hold before a change lands: `nox` runs all of it, as CI does. `nox -s tests -- -k store` runs a part."""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

CONSTRAINTS = ("-c", "constraints.txt")


@nox.session
def lint(session: nox.Session) -> None:
    """Every rule of ruff, save those that pyproject.toml argues against."""
    session.install(*CONSTRAINTS, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """The engine is typed throughout."""
    session.install(*CONSTRAINTS, "mypy", "-e", ".")
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Imports point one way, and each side knows only its own business."""
    session.install(*CONSTRAINTS, "import-linter", "-e", ".")
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """The engine, the steps, and the scenarios in real doit processes."""
    session.install(*CONSTRAINTS, "-e", ".[mnist,test]")
    session.run("pytest", *session.posargs)


@nox.session
def pipeline(session: nox.Session) -> None:
    """The whole pipeline: first run, second run, a changed setting, the way back, a forgotten stage."""
    session.install(*CONSTRAINTS, "-e", ".[mnist,test]")
    session.run("pytest", "-s", "tests/pipeline", *session.posargs)
