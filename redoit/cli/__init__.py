"""One file for each command of doit, and what they share."""
