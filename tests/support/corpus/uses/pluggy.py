"""Use pluggy: plug-ins that are all the modules of a folder, called by way of hooks."""

import importlib
import pkgutil

import own_plugins
import pluggy
from own_plugins.specification import Specification
from steps.witness import executed


def run(source, made):
    """Write what the plug-ins make of the numbers of the source."""
    executed(made.name)
    manager = pluggy.PluginManager("corpus")
    manager.add_hookspecs(Specification)
    for found in pkgutil.iter_modules(own_plugins.__path__):
        if found.name != "specification":
            manager.register(importlib.import_module(f"own_plugins.{found.name}"), found.name)
    numbers = [int(word) for word in source.read_text().split()]
    results = [manager.hook.change(number=number) for number in numbers]
    made.write_text(
        f"{results} {manager.hook.first(number=3)} {sorted(name for name, _ in manager.list_name_plugin())}"
    )
