"""The documentation site, made by Sphinx from Markdown: `nox -s docs` builds it, and each warning is an error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("_extensions")))

import redoit

project = "redoit"
author = "the authors of redoit"
version = release = redoit.__version__
extensions = ["doit_commands", "myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
smartquotes = False  # it makes a dash of --rows
nitpicky = True  # a reference without a target is a warning
myst_heading_anchors = 3  # so that links to headings are checked, too
myst_enable_extensions = ["deflist"]
copybutton_prompt_text = "$ "
html_theme = "furo"
html_title = f"redoit {version}"
html_show_copyright = False  # LICENSE has it
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
