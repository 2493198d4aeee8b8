"""doit's commands, for projects with stages: plug-ins, which doit finds by the entry points in pyproject.toml."""
