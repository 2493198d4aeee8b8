"""Use click: commands made by decorators, called with arguments of the source."""

import click
from click.testing import CliRunner
from steps.witness import executed


@click.group()
def main():
    """Do what is asked."""


@main.command()
@click.option("--count", default=1, type=click.IntRange(1, 5), show_default=True, help="How often.")
@click.option("--shout/--whisper", default=False)
@click.argument("name")
def hello(count, shout, name):
    """Greet NAME."""
    for _ in range(count):
        click.echo(name.upper() if shout else name)


def run(source, made):
    """Call the commands, and write what they print."""
    executed(made.name)
    lines = source.read_text().splitlines()
    results = [CliRunner().invoke(main, line.split(), prog_name="main") for line in lines]
    made.write_text("\n".join(f"{result.exit_code} {result.output}" for result in results))
