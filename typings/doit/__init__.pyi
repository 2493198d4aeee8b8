# doit itself: only that it is a module, through which a dodo.py may read variables of the command line.

from doit.doit_cmd import get_var as get_var
