"""Tells what a copy of the environment is for, by the source that makes it. Pure."""

import ast

HANDED_ON = frozenset({"update", "setdefault", "pop"})  # methods of the copy that tell its maker nothing it would use


def is_for_processes(source: bytes, line: int) -> bool:
    """Tell whether a copy of `os.environ` that is made in a line only becomes the environment of processes."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    copied = [
        node
        for node in parents
        if isinstance(node, ast.Attribute | ast.Name)
        and (getattr(node, "attr", "") or getattr(node, "id", "")) in ("environ", "environb")
        and node.lineno <= line <= (node.end_lineno or line)
    ]
    return bool(copied) and all(_is_handed_on(node, parents) for node in copied)


def _is_handed_on(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Tell whether a value becomes an `env=`, itself or by a name that is used for nothing else."""
    scope: ast.AST = node
    while not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
        scope = parents[scope]
    while not isinstance(node, ast.stmt):
        node = parents[node]
        if isinstance(node, ast.keyword):
            return node.arg == "env"
        if isinstance(node, ast.Subscript | ast.comprehension):
            return False
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            uses = [each for each in ast.walk(scope) if isinstance(each, ast.Name) and each.id == name]
            return all(_is_for_env(each, parents) for each in uses)
    return False


def _is_for_env(use: ast.Name, parents: dict[ast.AST, ast.AST]) -> bool:
    """Tell whether a use of a copy binds it, changes it, or makes it an `env=`."""
    parent = parents[use]
    match parent:
        case ast.keyword(arg="env"):
            return True
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            return True
        case ast.Attribute(attr=name):
            call = parents[parent]
            return name in HANDED_ON and isinstance(parents[call], ast.Expr)
    return isinstance(use.ctx, ast.Store)
