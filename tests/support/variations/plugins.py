"""Plug-ins: modules that are imported for their effect on a registry, and found in several ways."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

REGISTRY = """
FOUND = {}
LISTED = []


def register(made):
    FOUND[made.__name__] = made
    return made


class Base:
    def __init_subclass__(cls, **named):
        super().__init_subclass__(**named)
        FOUND[cls.__name__] = cls
"""
CLASS = "class {name}{bases}:\n    def value(self):\n        return {body}\n"
REGISTERS = {  # how a class of a plug-in comes into the registry
    "decorator": "\n\n@register\n" + CLASS.replace("{bases}", ""),
    "subclass": "\n\n" + CLASS.replace("{bases}", "(Base)"),
    "append": "\n\n" + CLASS.replace("{bases}", "") + "\n\nLISTED.append({name})\n",
    "update": "\n\n" + CLASS.replace("{bases}", "") + '\n\nFOUND.update({{"{name}": {name}}})\n',
    "item": "\n\n" + CLASS.replace("{bases}", "") + '\n\nFOUND["{name}"] = {name}\n',
}
LOOP = "\nfor name in {names}:\n    importlib.import_module(f'{{__name__}}.{{name}}')\n"
WALK = "\nfor found in pkgutil.iter_modules(__path__):\n    importlib.import_module(f'{__name__}.{found.name}')\n"
COMPUTED = ("computed", "walk")
STEP = """
from {package} import registry
import {imported}
from steps.witness import executed


def run(source, made):
    executed(made.name)
    found = [*registry.FOUND.values(), *registry.LISTED]
    made.write_text(source.read_text() + " ".join(f"{{each.__name__}}{{each().value()}}" for each in found))
"""


def _imports(way: str, package: str, names: list[str]) -> str:
    """Return what imports the plug-ins, in a module of their package."""
    return {
        "from": f"from . import {', '.join(names)}\n",
        "from each": "".join(f"from . import {name}\n" for name in names),
        "absolute": "".join(f"import {package}.{name}\n" for name in names),
        "renamed": "".join(f"from {package} import {name} as _{name}\n" for name in names),
        "effect": f"from . import {', '.join(names)}\n",
        "computed": "import importlib\n" + LOOP.format(names=names),
        "walk": "import importlib\nimport pkgutil\n" + WALK,
    }[way]


def _part(chosen: Chosen) -> Part:
    package, way = chosen["package"], chosen["found"]
    folder = package.replace(".", "/")
    names = ["first", *(["second"] if chosen["second"] else [])]
    names = names[:: chosen["order"]]
    shape = REGISTERS[chosen["registers"]]
    head = f"{chosen['comment']}\nfrom .registry import FOUND, LISTED, Base, register\n"
    classes = [shape.format(name=name, body=chosen["first body"]) for name in ("One", "Two")]
    files = {
        f"{folder}/registry.py": REGISTRY,
        f"{folder}/first.py": head + "".join(classes[:: -1 if chosen["turned"] else 1]),
        f"{folder}/__init__.py": "" if way == "effect" else _imports(way, package, names),
        f"{folder}/everything.py": _imports(way, package, names) if way == "effect" else "",
        "steps/plugged.py": STEP.format(package=package, imported=package + ".everything" * (way == "effect")),
        "plugged.txt": "plugged ",
        "spare.py": f"SPARE = {chosen['spare']}\n",
    }
    if chosen["second"]:
        files[f"{folder}/second.py"] = head + shape.format(name="Three", body=chosen["second body"])
    tasks = (Step("plugged", "steps.plugged", {"source": "plugged.txt"}, {"made": "data/plugged.txt"}),)
    needs = tuple(value for name, value in chosen.items() if name not in ("comment", "spare"))
    return Part(files, tasks, needs, loose=way in COMPUTED)


PLUGINS = Variation(
    "plugins",
    {
        "package": ("plugins", "steps.plugins"),
        "found": ("from", "from each", "absolute", "renamed", "effect", *COMPUTED),
        "registers": tuple(REGISTERS),
        "first body": DIGITS,
        "second": (True, False),
        "second body": DIGITS,
        "order": (1, -1),
        "turned": (False, True),
        "comment": ("", "# a comment"),
        "spare": DIGITS,
    },
    _part,
)
