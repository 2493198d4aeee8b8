"""Objects unpickled from an input: nothing in the step that uses one names its class."""

import joblib  # noqa: F401 - once for all forks, which would import it each

from variations.base import DIGITS, Chosen, Part, Step, Variation

MODEL = """
from shapes.helper import rebuilt, scaled
from shapes.parent import Parent

FACTOR = {constant}
UNUSED = {unused}
{comment}


class Model(Parent):
    def __init__(self, number):
        self.number = number

    def predict(self):
        return self.number, FACTOR, scaled(), self.lift(), {method}

    def other(self):
        return {other}
{reduce}

def spare():
    return {unused}
"""
REDUCE = "\n    def __reduce__(self):\n        return rebuilt, (type(self), self.number)\n"
HELPER = """
def scaled():
    return {helper}


def rebuilt(kind, number):
    return kind(number + {helper})
"""
PARENT = "class Parent:\n    def lift(self):\n        return {parent}\n"
FIT = """
import base64
import io
{imports}
from shapes.model import Model
from steps.witness import executed


def run(source, made):
    executed(made.name)
    file, held = io.BytesIO(), Model(int(source.read_text()))
    {dumps}
    made.write_text(base64.b64encode(file.getvalue()).decode())
"""
USE = """
import base64
import io
{imports}
from steps.witness import executed


def run(source, made):
    executed(made.name)
    file = io.BytesIO(base64.b64decode(source.read_text()))
    held = {loads}
    made.write_text(str(held.predict()))
"""
OWN = "import pickle\n\n\nclass Own(pickle.Unpickler):\n    def find_class(self, module, name):\n        "
WAYS = {  # imports, how an object is written, how it is read
    "C": ("import pickle", "pickle.dump(held, file)", "pickle.loads(file.read())"),
    "Python": ("import pickle", "pickle.dump(held, file)", "pickle._Unpickler(file).load()"),
    "own class": (f"{OWN}return super().find_class(module, name)\n\n", "pickle.dump(held, file)", "Own(file).load()"),
    "joblib": ("import joblib", "joblib.dump(held, file)", "joblib.load(file)"),
    "numpy": ("import numpy", "numpy.save(file, [held], True)", "numpy.load(file, allow_pickle=True)[0]"),
}


def _part(chosen: Chosen) -> Part:
    imports, dumps, loads = WAYS[chosen["way"]]
    reduce = REDUCE if chosen["reduces"] else ""
    files = {
        "shapes/__init__.py": "",
        "shapes/model.py": MODEL.format(reduce=reduce, **{k: v for k, v in chosen.items() if k != "reduces"}),
        "shapes/helper.py": HELPER.format(**chosen),
        "shapes/parent.py": PARENT.format(**chosen),
        "steps/pickling.py": FIT.format(imports=imports, dumps=dumps),
        "steps/unpickling.py": USE.format(imports=imports, loads=loads),
        "pickled.txt": "5",
    }
    tasks = (
        Step("pickling", "steps.pickling", {"source": "pickled.txt"}, {"made": "data/pickled.txt"}),
        Step("unpickling", "steps.unpickling", {"source": "data/pickled.txt"}, {"made": "data/unpickled.txt"}),
    )
    return Part(files, tasks, tuple(value for name, value in chosen.items() if name not in ("comment", "unused")))


PICKLES = Variation(
    "pickles",
    {
        "way": tuple(WAYS),
        "method": DIGITS,
        "helper": DIGITS,
        "constant": DIGITS,
        "parent": DIGITS,
        "reduces": (False, True),
        "other": DIGITS,
        "unused": DIGITS,
        "comment": ("", "# a comment"),
    },
    _part,
)
