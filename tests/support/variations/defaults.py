"""Settings: defaults of several forms, edited, overridden and adopted. Only the values in force count."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
{imports}
from steps.witness import executed


def run(source, made, *, k: {kind} = {default}, times: int = {times}):
    executed(made.name)
    made.write_text(source.read_text() + repr(k) * times)
"""
FORMS = {  # how a default is written -> a statement, and the default
    "literal": ("", "{value}"),
    "constant": ("K = {value}", "K"),
    "imported": ("from steps.numbers_used import K", "K"),
    "renamed": ("from steps.numbers_used import K as chosen", "chosen"),
}


def _part(chosen: Chosen) -> Part:
    statement, default = FORMS[chosen["form"]]
    kind = chosen["kind"]
    value = repr(kind(chosen["value"]))
    imports, written = statement.format(value=value), default.format(value=value)
    step = STEP.format(imports=imports, default=written, kind=kind.__name__, times=chosen["times"])
    files = {"steps/setting.py": step, "steps/numbers_used.py": f"K = {value}\n", "setting.txt": "setting "}
    files["doit.cfg"] = f"[task:setting]\nk = {chosen['file']}\n" if chosen["file"] else ""
    in_force = kind(chosen["line"] or chosen["file"] or chosen["value"])
    arguments = (f"setting.k={chosen['line']}",) if chosen["line"] else ()
    settings = {"k": in_force, "times": chosen["times"]}
    tasks = (Step("setting", "steps.setting", {"source": "setting.txt"}, {"made": "data/setting.txt"}, settings),)
    return Part(files, tasks, (chosen["form"], kind, in_force, chosen["times"]), arguments=arguments)


DEFAULTS = Variation(
    "defaults",
    {
        "form": tuple(FORMS),
        "kind": (int, float),
        "value": DIGITS,
        "file": (0, *DIGITS),
        "line": (0, *DIGITS),
        "times": DIGITS,
    },
    _part,
)
