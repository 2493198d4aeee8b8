"""The packages: each pure Python, of a style of its own, with what three steps do with it.

`uses/NAME.py` is a step that uses the package NAME. A second step unpickles an object of it, a third makes an object of
a class that a file names; of both they call methods by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Package:
    """A package. `name`: of its step; `requirements`: what pip installs.

    `text`: the source of its step; `pickled`: an expression whose value is pickled; `configured`: module and class,
    with its arguments; `deeds` and `more_deeds`: methods, with arguments, called of the one and of the other;
    `plugins`: files of plug-ins; `drops`: files that are not needed; `own`: files beside it. One that is large takes
    long to read, and is edited less often.
    """

    name: str
    requirements: tuple[str, ...]
    text: str
    pickled: tuple[str, str]
    deeds: tuple[Any, ...]
    configured: tuple[str, Mapping[str, Any]]
    more_deeds: tuple[Any, ...]
    plugins: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    is_large: bool = False
    own: Mapping[str, str] = field(default_factory=dict)


SHOUTING = '''"""An extension of Markdown, found by an entry point."""

from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor

MARK = "!"


def unused():
    return "unused"


class Louder(Postprocessor):
    def run(self, text):
        return text.upper() + MARK * 2


class Shouting(Extension):
    def extendMarkdown(self, md):
        md.postprocessors.register(Louder(md), "louder", 1)
'''
SPECIFICATION = '''"""What a plug-in may do."""

import pluggy

hookspec = pluggy.HookspecMarker("corpus")


class Specification:
    @hookspec
    def change(self, number):
        """Change a number."""

    @hookspec(firstresult=True)
    def first(self, number):
        """Change a number, whoever is first."""
'''
DOUBLES = '''"""A plug-in."""

import pluggy

hookimpl = pluggy.HookimplMarker("corpus")
FACTOR = 2


def unused(number):
    return number - 1


@hookimpl
def change(number):
    return number * FACTOR
'''
ADDS = '''"""Another plug-in."""

import pluggy

hookimpl = pluggy.HookimplMarker("corpus")


@hookimpl(tryfirst=True)
def change(number):
    return number + 10


@hookimpl
def first(number):
    return f"first {number}"
'''
PAGE = """{% extends "layout" %}{% macro row(n) %}<li>{{ n }}{% endmacro %}
{% block title %}{{ name | upper }}{% endblock %}
{% block body %}{% for n in rows | sort if n is odd %}{% if n > 4 %}{% break %}{% endif %}
{{ loop.index }}/{{ loop.length }} {{ row(n) }} {{ n is divisibleby 3 }}
{% else %}none{% endfor %}{{ rows | map("string") | join(", ") }} {{ name | replace("A", "E") | title }}
{{ "%05.1f" | format(2.345) }} {{ rows | sum }} {{ [1, 2, 3] | batch(2) | list }}{% endblock %}
"""
RST = """Title
=====

Some *emphasis*, ``code`` and a link_.

.. _link: page.html

.. note:: A note.

.. list-table::

   * - a
     - b

1. one
2. two

:Field: value
"""
MARKDOWN = """# Head

Some *emphasis*, `code`, ~~gone~~ and [a link](page.html "title").[^1]

- [x] one
- two

| a | b |
|---|--:|
| 1 | 2 |

> quoted

[^1]: A note.
"""
YAML = """base: &base {a: 1, b: [1.5, yes, null, "x"]}
more: {<<: *base, c: 2024-01-02}
text: |
  two
  lines
point: !point {x: 1, y: 2}
"""
PACKAGES = [
    Package(
        "attrs",
        ("attrs==26.1.0",),
        " ada ,1.5\nbob,2\n",
        ("attr", "attr.Factory(list)"),
        (("__repr__", ()), ("__eq__", (3,))),
        ("attr.validators:in_", {"options": [1, 2]}),
        (("__call__", (None, None, 1)), ("__repr__", ())),
    ),
    Package(
        "babel",
        ("babel==2.19.0",),
        "de fr en_GB\n",
        ("babel", "babel.Locale('de', 'DE')"),
        (("get_display_name", ("en",)), ("get_territory_name", ("fr",)), ("__str__", ())),
        ("babel.core:Locale", {"language": "fr"}),
        (("get_language_name", ("de",)), ("__repr__", ())),
        drops=("babel/locale-data/[!defr]*.dat", "babel/messages"),
    ),
    Package(
        "click",
        ("click==8.5.1",),
        "--help\nhello --help\nhello --count 2 --shout ada\nhello --count 9 bob\nnothing\n",
        ("click", "click.Choice(['red', 'green'], case_sensitive=False)"),
        (("convert", ("RED", None, None)), ("__repr__", ())),
        ("click.types:IntRange", {"min": 1, "max": 5, "clamp": True}),
        (("convert", ("7", None, None)), ("__repr__", ())),
    ),
    Package(
        "dateutil",
        ("python-dateutil==4.0.0",),
        "2024-03-01\n5 June, 10:30pm\nThu Sep 25 2003 10:36:28 UTC\n",
        ("dateutil.relativedelta", "dateutil.relativedelta.relativedelta(months=14, days=2.5)"),
        (("__repr__", ()), ("normalized", ()), ("__neg__", ())),
        ("dateutil.relativedelta:relativedelta", {"years": 1, "hours": 50}),
        (("__repr__", ()), ("__bool__", ())),
    ),
    Package(
        "docutils",
        ("docutils==0.22.4",),
        RST,
        ("docutils.nodes", "docutils.nodes.paragraph('', '', docutils.nodes.emphasis('', 'text'))"),
        (("astext", ()), ("pformat", ())),
        ("docutils.writers.pseudoxml:Writer", {}),
        (("supports", ("pseudoxml",)), ("get_transforms", ())),
        plugins=("docutils/writers/*", "docutils/parsers/rst/directives/*", "docutils/languages/*"),
        drops=("docutils/writers/odf_odt", "docutils/writers/s5_html", "docutils/writers/latex2e"),
        is_large=True,
    ),
    Package(
        "jinja2",
        ("jinja2==3.1.6", "markupsafe==3.0.4"),
        PAGE,
        ("jinja2.nodes", "jinja2.nodes.Add(jinja2.nodes.Const(1), jinja2.nodes.Name('a', 'load'))"),
        (("__repr__", ()), ("find_all", (object,)), ("__eq__", (1,))),
        ("jinja2.loaders:DictLoader", {"mapping": {"b": "text", "a": "{{ x }}"}}),
        (("list_templates", ()), ("mapping.__len__", ())),
        is_large=True,
    ),
    Package(
        "markdown",
        ("markdown==3.11.3",),
        MARKDOWN,
        ("markdown.util", "markdown.util.AtomicString('text')"),
        (("upper", ()), ("__class__.__name__.__str__", ())),
        ("markdown.extensions.toc:TocExtension", {"title": "Contents"}),
        (("getConfigs", ()), ("getConfig", ("title",))),
        plugins=("markdown/extensions/*", "own_extension.py"),
        own={
            "own_extension.py": SHOUTING,
            "own-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 1.0\n",
            "own-1.0.dist-info/entry_points.txt": "[markdown.extensions]\nshouting = own_extension:Shouting\n"
            "tables = markdown.extensions.tables:TableExtension\ntoc = markdown.extensions.toc:TocExtension\n",
        },
    ),
    Package(
        "markupsafe",
        ("markupsafe==3.0.4",),
        "a < b & 'c'\n\"quoted\"\n",
        ("markupsafe", "markupsafe.Markup('<em>x &lt; y</em>')"),
        (("striptags", ()), ("unescape", ()), ("join", (["<", ">"],))),
        ("markupsafe:Markup", {"object": "<b>{}</b>"}),
        (("format", ("<",)), ("__html__", ()), ("__add__", ("&",))),
    ),
    Package(
        "marshmallow",
        ("marshmallow==4.4.0",),
        '{"title": "Emma", "price": "9.5", "author": {"name": "Jane", "born": "1775-12-16"}}\n'
        '{"price": -1, "author": {"name": "J", "born": "x"}, "more": 1}\n',
        ("marshmallow.validate", "marshmallow.validate.Range(min=1, max=9)"),
        (("__call__", (3,)), ("__repr__", ()), ("_format_error", (12, "{input} is not between {min} and {max}"))),
        ("marshmallow.fields:Integer", {"strict": True, "allow_none": True}),
        (("deserialize", (5,)), ("deserialize", (None,)), ("serialize", ("a", {"a": 3}))),
    ),
    Package(
        "mistune",
        ("mistune==3.4.0",),
        MARKDOWN,
        ("mistune", "mistune.HTMLRenderer(escape=False)"),
        (("heading", ("x", 1)), ("link", ("text", "/url", "title")), ("safe_url", ("javascript:x",))),
        ("mistune.renderers.rst:RSTRenderer", {}),
        (("codespan", ({"raw": "x"}, None)), ("linebreak", ({}, None))),
        plugins=("mistune/plugins/*", "mistune/directives/*"),
    ),
    Package(
        "more_itertools",
        ("more-itertools==11.2.1",),
        "3 1 4 1 5 9 2 6\n",
        ("more_itertools", "more_itertools.numeric_range(1, 20, 3)"),
        (("__len__", ()), ("index", (7,)), ("__repr__", ()), ("__iter__", ())),
        ("more_itertools.more:SequenceView", {"target": ["a", "b", "a"]}),
        (("__len__", ()), ("count", ("a",)), ("__repr__", ())),
    ),
    Package(
        "pluggy",
        ("pluggy==1.7.0",),
        "1 2 3\n",
        ("pluggy", "pluggy.HookimplMarker('corpus')"),
        (("__repr__", ()), ("project_name.upper", ())),
        ("pluggy:PluginManager", {"project_name": "other"}),
        (("has_plugin", ("x",)), ("list_name_plugin", ()), ("parse_hookimpl_opts", ([], "append"))),
        plugins=("own_plugins/*",),
        own={
            "own_plugins/__init__.py": "",
            "own_plugins/specification.py": SPECIFICATION,
            "own_plugins/doubles.py": DOUBLES,
            "own_plugins/adds.py": ADDS,
        },
    ),
    Package(
        "pygments",
        ("pygments==2.21.0",),
        "[section]\n# comment\nname = value\n",
        ("pygments.lexers", "pygments.lexers.get_lexer_by_name('json')"),
        (("get_tokens", ('{"a": [1, true]}',)), ("__repr__", ()), ("analyse_text", ("x",))),
        ("pygments.formatters.html:HtmlFormatter", {"cssclass": "code"}),
        (("get_style_defs", (".x",)),),
        plugins=("pygments/lexers/*", "pygments/formatters/*", "pygments/styles/*"),
        drops=("pygments/lexers/[!_cdijmpst]*.py", "pygments/lexers/_*_builtins.py"),
        is_large=True,
    ),
    Package(
        "sqlparse",
        ("sqlparse==0.6.1",),
        "select a, b from t where a = 1 -- first\n order by b; insert into t values (1, 'x');",
        ("sqlparse.engine", "sqlparse.engine.FilterStack()"),
        (("run", ("select 1; select 2",)), ("_grouping.__bool__", ())),
        ("sqlparse.filters:StripTrailingSemicolonFilter", {}),
        (("process.__name__.upper", ()),),
    ),
    Package(
        "tabulate",
        ("tabulate==0.10.0",),
        "name,age\nada,36.5\nbob,7\n",
        ("tabulate", "tabulate.Line('<', '-', '+', '>')"),
        (("_asdict", ()), ("__repr__", ())),
        ("tabulate:Line", {"begin": "a", "hline": "b", "sep": "c", "end": "d"}),
        (("_replace", ()), ("count", ("a",))),
    ),
    Package(
        "tinydb",
        ("tinydb==4.9.0",),
        '{"name": "Ada", "age": 36}\n{"name": "Bob", "age": 41}\n{"name": "Cleo", "age": 25}\n',
        ("tinydb.table", "tinydb.table.Document({'a': 1}, 3)"),
        (("items", ()), ("doc_id.__str__", ())),
        ("tinydb.utils:LRUCache", {"capacity": 2}),
        (("set", ("a", 1)), ("set", ("b", 2)), ("get", ("a",)), ("set", ("c", 3)), ("lru.__str__", ())),
    ),
    Package(
        "toolz",
        ("toolz==1.2.0",),
        "apple bob Ada cherry\n",
        ("toolz, operator", "toolz.curry(operator.add, 1)"),
        (("__call__", (2,)), ("__name__.__str__", ())),
        ("toolz.sandbox.core:EqualityHashKey", {"key": None, "item": [1, 2]}),
        (("__eq__", (1,)), ("__repr__", ())),
        drops=("toolz/tests",),
    ),
    Package(
        "yaml",
        ("pyyaml==6.0.4",),
        YAML,
        ("yaml.nodes", "yaml.nodes.ScalarNode('tag', 'value')"),
        (("__repr__", ()), ("id.upper", ())),
        ("yaml.loader:SafeLoader", {"stream": "a: [1, yes, 0x1F]"}),
        (("get_single_data", ()),),
    ),
]
