"""Variables of the environment that a step asks for, and that nobody declared; and such that only a child is given."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import os
import string
import subprocess
import sys

from steps.witness import executed

{comment}
NAME = "ORACLE_SCALE"
SCRIPT = "import os; print(os.environ.get('ORACLE_SCALE'))"


def printed(*line, **how):
    return subprocess.run(line, **how, capture_output=True, text=True, check=True).stdout.strip()


def run(source, made):
    executed(made.name)
    found = {found}
    made.write_text(source.read_text() + str(found))
"""
BY_NAME = {
    "get": "os.environ.get(NAME)",
    "getenv": "os.getenv(NAME)",
    "in": "NAME in os.environ and os.environ[NAME]",
    "bytes": "os.environb.get(NAME.encode())",
    "expandvars": 'os.path.expandvars("$ORACLE_SCALE")',
    "template": 'string.Template("$ORACLE_SCALE").safe_substitute(os.environ)',
    "format": '"{ORACLE_SCALE}".format_map({NAME: "none"} | {NAME: os.environ.get(NAME, "")})',
    "script": 'printed(sys.executable, "-c", SCRIPT)',
}
WHOLE = {  # what is asked for by these are all variables
    "dict": "dict(os.environ).get(NAME)",
    "items": "[value for name, value in os.environ.items() if name == NAME]",
    "copy": "os.environ.copy().get(NAME)",
    "unpacked": "{**os.environ}.get(NAME)",
    "or": "(os.environ | {}).get(NAME)",
}
FOR_CHILD = {  # copies that no result depends on
    "env": 'subprocess.check_output(["echo", "one"], env=dict(os.environ))',
    "env and more": 'subprocess.check_output(["echo", "one"], env={**os.environ, "MORE": "1"})',
    "env changed": 'subprocess.check_output(["echo", "one"], env=os.environ | {"MORE": "1"})',
    "env of python": 'subprocess.check_output([sys.executable, "-c", "print(1)"], env=os.environ.copy())',
}
WAYS = {**BY_NAME, **WHOLE, **FOR_CHILD}


def _part(chosen: Chosen) -> Part:
    way, scale = chosen["way"], chosen["scale"]
    files = {
        "steps/asking.py": STEP.replace("{found}", WAYS[way]).replace("{comment}", chosen["comment"]),
        "asking.txt": "asking ",
    }
    variables = {"ORACLE_UNRELATED": f"{chosen['unrelated']}", **({"ORACLE_SCALE": scale} if scale else {})}
    arguments = ', environ=["ORACLE_SCALE"]' if chosen["declared"] else ""
    inputs, outputs = {"source": "asking.txt"}, {"made": "data/asking.txt"}
    tasks = (Step("asking", "steps.asking", inputs, outputs, arguments=arguments),)
    counts = scale if way not in FOR_CHILD or chosen["declared"] else ""
    needs = way, chosen["declared"], counts, chosen["unrelated"] if way in WHOLE else 0
    return Part(files, tasks, needs, variables=variables)


VARIABLES = Variation(
    "variables",
    {
        "way": tuple(WAYS),
        "scale": ("1", "2", "", "3"),
        "unrelated": DIGITS,
        "declared": (False, True),
        "comment": ("", "# a comment"),
    },
    _part,
)
