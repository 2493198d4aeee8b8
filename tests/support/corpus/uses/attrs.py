"""Use attrs: classes made by a decorator, with validators, converters and derived methods."""

import attr
from attr import validators
from steps.witness import executed


@attr.define
class Sample:
    """A line of the source."""

    name: str = attr.field(converter=str.strip, validator=validators.min_len(1))
    weight: float = attr.field(converter=float, validator=validators.ge(0), metadata={"unit": "kg"})
    tags: list = attr.field(factory=list, eq=False)


def run(source, made):
    """Read samples, and write what attrs makes of them."""
    executed(made.name)
    samples = [Sample(*line.split(",")) for line in source.read_text().splitlines()]
    heavier = [attr.evolve(sample, weight=sample.weight * 2) for sample in samples]
    try:
        Sample("", 1)
    except ValueError as error:
        refused = str(error.args[0])
    lines = [*map(repr, sorted(samples, key=lambda sample: sample.name)), *(str(attr.asdict(each)) for each in heavier)]
    made.write_text("\n".join([*lines, refused, str([field.name for field in attr.fields(Sample)])]))
