"""Use jinja2: templates that it compiles to code, with filters, tests, macros and an extension."""

from jinja2 import DictLoader, Environment, UndefinedError
from steps.witness import executed

LAYOUT = "<title>{% block title %}none{% endblock %}</title>{% block body %}{% endblock %}"


def run(source, made):
    """Render the template that the source holds."""
    executed(made.name)
    loader = DictLoader({"layout": LAYOUT, "page": source.read_text(), "bad": "{{ nothing.at.all }}"})
    environment = Environment(loader=loader, autoescape=True, extensions=["jinja2.ext.loopcontrols"], trim_blocks=True)
    page = environment.get_template("page").render(rows=[3, 1, 2, 5], name="<Ada>")
    try:
        environment.get_template("bad").render()
    except UndefinedError as error:
        page += f"\n{error}"
    made.write_text(page)
