"""Use PyYAML: constructors and representers in registries, and tags that a metaclass registers."""

import yaml
from steps.witness import executed


class Point(yaml.YAMLObject):
    """A point."""

    yaml_tag = "!point"
    yaml_loader = yaml.SafeLoader

    def __init__(self, x, y):
        self.x, self.y = x, y


def run(source, made):
    """Load the source, and dump it."""
    executed(made.name)
    found = yaml.safe_load(source.read_text())
    point = found.pop("point")
    text = yaml.safe_dump(found, sort_keys=True, default_flow_style=False)
    made.write_text(f"{found}\n{point.x + point.y}\n{text}\n{yaml.dump(point)}")
