"""Popular packages as code of a project: what is installed, what uses it, what is edited, and what must come of it."""
