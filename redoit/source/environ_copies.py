"""Tells what a copy of the environment is for, by the source that makes it."""

import ast
import re
from pathlib import Path

from redoit.source.names import chain_of

HANDED_ON = frozenset({"update", "setdefault", "pop"})  # methods of the copy that tell its maker nothing it would use
STARTERS = frozenset({"subprocess", "asyncio", "os"})  # modules whose functions take `env=` for a process
SPAWNS = re.compile(r"posix_spawnp?")  # functions of os that take it as their third argument
EXECS = re.compile(r"(exec|spawn)[lv]p?e")  # as their last one

Parents = dict[ast.AST, ast.AST]


def is_for_processes(file: str, line: int) -> bool:
    """Tell whether a copy of `os.environ` that is made in a line only becomes the environment of processes."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    starters = {name for node in parents for name in _starters(node)}
    calls = [node for node in parents if isinstance(node, ast.Call) and starters.intersection(chain_of(node.func)[:1])]
    handed = {each for call in calls for each in _environments(call)}
    copied = [
        node
        for node in parents
        if isinstance(node, ast.Attribute | ast.Name)
        and (getattr(node, "attr", "") or getattr(node, "id", "")) in ("environ", "environb")
        and (around := _statement(node, parents)).lineno <= line <= (around.end_lineno or line)
    ]
    return bool(copied) and all(_is_handed_on(node, parents, handed) for node in copied)


def _environments(call: ast.Call) -> list[ast.AST]:
    """Return the arguments of a call that are the environment of a process."""
    name = chain_of(call.func)[-1]
    given: list[ast.AST] = [word for word in call.keywords if word.arg == "env"]
    return given + (call.args[2:3] if SPAWNS.fullmatch(name) else call.args[-1:] if EXECS.fullmatch(name) else [])


def _statement(node: ast.AST, parents: Parents) -> ast.stmt:
    """Return the statement around an expression: a line of which is all that Python tells of a copy."""
    while not isinstance(node, ast.stmt):
        node = parents[node]
    return node


def _starters(node: ast.AST) -> set[str]:
    """Return the names that an import binds to what starts processes."""
    if isinstance(node, ast.Import):
        return {item.asname or item.name for item in node.names if item.name in STARTERS}
    if isinstance(node, ast.ImportFrom) and node.module in STARTERS and not node.level:
        return {item.asname or item.name for item in node.names}
    return set()


def _is_handed_on(node: ast.AST, parents: Parents, handed: set[ast.AST]) -> bool:
    """Tell whether a value becomes an `env=`, itself or by a local name that is used for nothing else."""
    scope: ast.AST = node
    while not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
        scope = parents[scope]
    while not isinstance(node, ast.stmt):
        if node in handed:
            return True
        node = parents[node]
        if isinstance(node, ast.Subscript | ast.comprehension | ast.keyword) and node not in handed:
            return False
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            inside = list(ast.walk(scope))
            is_local = not isinstance(scope, ast.ClassDef | ast.Module)  # of which others may ask for it
            is_local &= not any(isinstance(each, ast.Global | ast.Nonlocal) and name in each.names for each in inside)
            uses = [each for each in inside if isinstance(each, ast.Name) and each.id == name]
            return is_local and all(_is_for_env(each, parents, handed) for each in uses)
    return False


def _is_for_env(use: ast.Name, parents: Parents, handed: set[ast.AST]) -> bool:
    """Tell whether a use of a copy binds it, changes it, or makes it an `env=`."""
    parent = parents[use]
    if handed.intersection((use, parent)):
        return True
    match parent:
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            return True
        case ast.Attribute(attr=name):
            call = parents[parent]
            return name in HANDED_ON and isinstance(parents[call], ast.Expr)
    return isinstance(use.ctx, ast.Store)
