"""What an import executes, and in which order, for that order is part of the code.

Looks at modules as wholes. Knows nothing of which parts of them a step can reach.
"""

import ast
from collections.abc import Callable, Iterable

from redoit.fingerprint import pure_calls
from redoit.fingerprint.names import Alias, Import, aliases, annotations, bindings, outer_parts
from redoit.fingerprint.normalise import Definition
from redoit.fingerprint.purity import effects, executed, is_lazy
from redoit.fingerprint.resolve import BUILTINS, GIVEN
from redoit.fingerprint.uses import Uses
from redoit.source.project import Module, Project


def loads(project: Project, alias: Alias) -> list[str]:
    """Return the modules that an import executes, packages first."""
    components = alias.loads.split(".")
    names = [".".join(components[: size + 1]) for size in range(len(components))]
    if alias.attr and alias.attr != "*":
        owner, submodule = project.module(alias.module), f"{alias.module}.{alias.attr}"
        if owner is None or (alias.attr not in bindings(owner).names and project.locate(submodule)):
            names.append(submodule)
    return names


def loud_modules(project: Project, modules: Iterable[Module]) -> set[str]:
    """Return the names of modules whose import executes a statement with effects, also of what they import."""
    reached = list(modules)
    needs = {module.name: _needed(project, module) for module in reached}
    loud = {module.name for module in reached if effects(project, module) or bindings(module).stars}
    loud |= {module.name for module in reached if _replaces_a_name(project, module)}
    before = -1
    while before != len(loud):
        before = len(loud)
        loud |= {name for name, needed in needs.items() if needed & loud}
    return loud


def _replaces_a_name(project: Project, module: Module) -> bool:
    """Tell whether to import a module sets an attribute of its package that the package binds to something else."""
    owner, _, name = module.name.rpartition(".")
    package = project.module(owner) if owner else None
    binders = bindings(package).names.get(name, []) if package else []
    return any(binder.alias is None or binder.alias.module != module.name for binder in binders)


def _needed(project: Project, module: Module) -> set[str]:
    owner = module.name.rpartition(".")[0]
    return {owner, *(name for alias in executed_imports(project, module) for name in loads(project, alias))}


def executed_imports(project: Project, module: Module) -> list[Alias]:
    """Return all imports that an import of a module executes, those in `if` and `try` too, in order."""
    if "executed_imports" not in module.memo:
        todo: list[ast.AST] = list(reversed(executed(project, module)))
        found: list[Alias] = []
        while todo:
            item = todo.pop()
            if isinstance(item, Import):
                found += aliases(module, item)
            elif isinstance(item, (ast.stmt, ast.ExceptHandler, ast.match_case)) and not isinstance(item, Definition):
                todo.extend(reversed(list(ast.iter_child_nodes(item))))
            elif isinstance(item, ast.ClassDef):
                todo.extend(reversed(item.body))
        module.memo["executed_imports"] = found
    answer: list[Alias] = module.memo["executed_imports"]
    return answer


def import_order(project: Project, start: str) -> list[str]:
    """Return the modules from outside project and standard library, in the order in which an import executes them."""
    return _executed_by(project, start)[0]


def executed_modules(project: Project, start: str) -> set[str]:
    """Return the modules of the project that an import executes."""
    return _executed_by(project, start)[1]


def _executed_by(project: Project, start: str) -> tuple[list[str], set[str]]:
    order: dict[str, None] = {}
    seen: set[str] = set()

    def execute(name: str) -> None:
        module = project.module(name)
        if name in seen or module is None:
            return
        seen.add(name)
        execute(name.rpartition(".")[0])
        for alias in executed_imports(project, module):
            names = loads(project, alias)
            if project.module(names[0]) is None and not pure_calls.is_standard(names[0]):
                order.setdefault(names[-1])
            for needed in names:
                execute(needed)

    execute(start)
    return list(order), seen


def names_too_early(
    project: Project, module: Module, uses: Callable[[Module, ast.stmt], Uses]
) -> dict[ast.stmt, list[str]]:
    """Return the names that a statement may use before they are bound, at import; nearly always none."""
    body = executed(project, module)
    names = bindings(module)
    index_of = {item: index for index, item in enumerate(body)}
    place = {
        name: min(index_of.get(binder.statement, len(body)) for binder in binders)
        for name, binders in names.names.items()
    }
    active = set(effects(project, module))
    early = {}
    for index, item in enumerate(body):
        used = {name for name in _evaluated(module, item) if name not in BUILTINS | GIVEN}
        missing = {name for name in used if place.get(name, len(body)) > index} if not names.stars else set()
        if item in active:
            missing |= {name for name in _reachable(module, item, uses) if place.get(name, -1) > index}
        if missing:
            early[item] = sorted(missing)
    return early


def _evaluated(module: Module, statement: ast.stmt) -> set[str]:
    """Return the globals that a statement looks up at once, not in the bodies of functions."""
    found: set[str] = set()
    bound: set[str] = set()
    todo: list[ast.AST] = [statement]
    while todo:
        item = todo.pop()
        match item:
            case ast.Name(id=name):
                (found if isinstance(item.ctx, ast.Load) else bound).add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
                todo += outer_parts(item)
                todo += [] if is_lazy(module) else annotations(item)
            case ast.Lambda():
                todo += outer_parts(item)
            case ast.AnnAssign(target=target, value=value) if is_lazy(module):
                todo += [target, value] if value else [target]
            case ast.Import() | ast.ImportFrom():
                bound |= {alias.name for alias in aliases(module, item)}
            case _:
                own = getattr(item, "name", None) or getattr(item, "rest", None)  # a class, a handler, a pattern
                bound |= {own} if isinstance(own, str) else set()
                todo += ast.iter_child_nodes(item)
    return found - bound


def _reachable(module: Module, statement: ast.stmt, uses: Callable[[Module, ast.stmt], Uses]) -> set[str]:
    """Return the module's own names that a statement may use by way of any function."""
    names = bindings(module).names
    seen: set[str] = set()
    todo = [statement]
    while todo:
        for use in uses(module, todo.pop()).names:
            name = use.chain[0]
            if name in names and name not in seen:
                seen.add(name)
                todo += [binder.statement for binder in names[name] if not isinstance(binder.statement, Import)]
    return seen
