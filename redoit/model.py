"""The core types. Plain values, no effects.

An `Action` is everything that a stage is given, a `Trace` is one recorded execution of it. Neither depends on the
stage's name, the host or the project's folder, so a store can be shared. Most types are named tuples: to define a
dataclass takes six times as long, and each start of doit defines them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from redoit import digest

FORMAT = 2  # of the action key, of traces and of the layout on disk
NOTHING: Mapping[str, Any] = MappingProxyType({})
EXECUTABLE = 0o100  # of permission bits


class Status(StrEnum):
    """The outcome of a stage in a run. Scripts read these words."""

    KEPT = "kept"
    RESTORED = "restored"
    RAN = "ran"
    FAILED = "failed"
    NOT_RUN = "not run"


class PlannedStatus(StrEnum):
    """What a dry run decides about a task. Scripts read these words."""

    KEEP = "keep"
    RESTORE = "restore"
    RUN = "run"
    FAIL = "fail"
    NOT_RUN = "not run"
    IGNORED = "ignored"


class Part(NamedTuple):
    """One piece of code that a step can reach.

    `name`: `module:function`; `module:<module>`, the statements a module executes when it is imported;
    `module:<imports>`, the order in which modules from outside the project are imported; `module:*`, a whole module.
    `text`: its normalised source. `via`: the names from the step's `run` to this part, its own last.
    """

    name: str
    text: str
    via: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of the normalised source, which is also the name of its blob."""
        return digest.of_bytes(self.source)

    @property
    def source(self) -> bytes:
        """The normalised source as bytes."""
        return self.text.encode("utf-8", "surrogatepass")


class Code(NamedTuple):
    """All code that a step can reach, as read from the project's source.

    `parts`: sorted by name, each name once. `imports`: top-level modules outside the project and the standard library,
    sorted. `unresolved`: a line for each thing that reading can't resolve, and what is taken whole for it. `modules`:
    all modules of the project that an import may execute, sorted, also those of which nothing counts.
    """

    parts: tuple[Part, ...]
    imports: tuple[str, ...]
    unresolved: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class Setting(NamedTuple):
    """A setting and its value. `kind`: its declared type, as `int`, `path` or `list[str]`.

    `value` is of JSON's types; an object has one tag: `{"tuple": [item, ...]}`, `{"dict": [[key, value], ...]}`,
    `{"record": [class, [[field, value], ...]]}` or `{"member": [class, name]}`.
    """

    name: str
    kind: str
    value: object


class Input(NamedTuple):
    """What a step reads: `path` from the project as declared, and `digest` of its content; or a list of `members`."""

    path: str
    digest: str
    members: tuple["Input", ...] = ()


class Environment(NamedTuple):
    """What a step runs on.

    `platform`: system, architecture and C library. `python`: implementation, minor version and level of optimisation.
    `packages`: distribution that the code can reach -> version. `variables`: declared variable -> value, None if it is
    not set. `preloaded`: modules that are imported before the step. `tools`: program -> version.
    """

    platform: tuple[str, ...] = ()
    python: str = ""
    packages: Mapping[str, str] = NOTHING
    variables: Mapping[str, str | None] = NOTHING
    preloaded: tuple[str, ...] = ()
    tools: Mapping[str, str] = NOTHING

    @property
    def rows(self) -> dict[str, str]:
        """All of it as name -> text, to be shown; the name of a variable begins with `$`."""
        single = {"platform": " ".join(self.platform), "python": self.python, "preloaded": " ".join(self.preloaded)}
        variables = {f"${name}": "absent" if text is None else text for name, text in self.variables.items()}
        return {name: text for name, text in single.items() if text} | {**self.packages, **self.tools, **variables}


@dataclass(frozen=True)
class Action:
    """Everything that a stage is given.

    `step`: "function" and `module:function`; or "command" and its words, or "shell" and its line, unfilled templates
    both. `inputs`: by role. `uses`: path -> digest of what it needs besides. `outputs`: role -> path. `code`: part ->
    digest of its normalised source.
    """

    step: tuple[str, ...]
    inputs: Mapping[str, Input]
    uses: Mapping[str, str]
    settings: tuple[Setting, ...]
    outputs: Mapping[str, str]
    code: Mapping[str, str]
    environment: Environment

    @cached_property
    def key(self) -> str:
        """The action key: 64 hexadecimal digits."""
        settings = {setting.name: [setting.kind, setting.value] for setting in self.settings}
        return digest.of_value(
            {**vars(self), "format": FORMAT, "settings": settings, "environment": self.environment._asdict()}
        )


class Policy(NamedTuple):
    """How a stage's earlier results may be used.

    `cache`: they count. `volatile`: the stage runs each time. `impure`: its result depends on the outside world, so it
    is kept while its outputs match, but never restored and never shared. `observe`: what it touches counts, too.
    """

    cache: bool = True
    volatile: bool = False
    impure: bool = False
    observe: bool = True

    @property
    def words(self) -> str:
        """The policy in words, empty if it is the default."""
        words = {"impure": self.impure, "volatile": self.volatile, "not cached": not self.cache}
        words["not observed"] = not self.observe
        return ", ".join(word for word, applies in words.items() if applies)

    @property
    def restorable(self) -> bool:
        """Tell whether earlier results may be restored, here or elsewhere."""
        return not (self.impure or self.volatile)


class Stage(NamedTuple):
    """The declaration of a step in `dodo.py`.

    `step`: its module. `inputs`, `outputs`: role -> path from the project. `environ`, `uses`: names of environment
    variables, and paths of files, that its result depends on besides.
    """

    name: str
    step: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    policy: Policy = Policy()
    environ: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """Return role -> path of inputs and outputs."""
        return {**self.inputs, **self.outputs}


class Artifact(NamedTuple):
    """The bytes of one output, by digest. `size`: in bytes. `mode`: its permission bits."""

    digest: str
    size: int
    mode: int = 0o644

    @property
    def content(self) -> str:
        """The digest of its content, as of an input: that of an executable file differs from that of its bytes."""
        return digest.of_content(self.digest, executable=bool(self.mode & EXECUTABLE))


class Observation(NamedTuple):
    """What an execution touched besides. `digest`: of what was found, of a package its version, None if nothing was."""

    kind: str  # as in `engine.surroundings`
    name: str
    digest: str | None


@dataclass(frozen=True)
class Trace:
    """One recorded execution of an action.

    `started`: seconds since the epoch. `seconds`: how long the step ran. `stage`: its name then, which explains and
    never decides. `log`: digest of what it printed. `sequence`: its number in the order of its store, which no
    clock decides. `name`: digest of the trace's bytes, if they were read.
    """

    action: Action
    manifest: Mapping[str, Artifact]
    started: float
    seconds: float
    stage: str
    host: str
    log: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()
    sequence: int = 0
    name: str = field(default="", compare=False)

    @property
    def digests(self) -> dict[str, str]:
        """Return role -> digest of the content of the outputs."""
        return {role: artifact.content for role, artifact in self.manifest.items()}

    @property
    def code(self) -> dict[str, str]:
        """Return part -> digest of all code that counts: what reading reached, and what was executed besides."""
        executed = {row.name: row.digest for row in self.observations if row.kind == "code" and row.digest}
        return {**self.action.code, **executed}


class Reason(NamedTuple):
    """One reason to run.

    `kind` is one of `redoit.reasons.KINDS`; `subject` is the setting, part, role or package it is about; `old` and
    `new` are its values, None where there is none.
    """

    kind: str
    subject: str = ""
    old: object = None
    new: object = None


@dataclass(frozen=True)
class Keep:
    """The outputs in place are those of this trace."""

    trace: Trace


@dataclass(frozen=True)
class Restore:
    """The store can recreate the outputs of this trace. `reasons`: why what is in place is not kept."""

    trace: Trace
    reasons: tuple[Reason, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Run:
    """The step must run. `earlier`: the earlier trace of the stage whose action is most similar."""

    reasons: tuple[Reason, ...]
    earlier: Trace | None = field(default=None, compare=False)


Decision = Keep | Restore | Run


class Outcome(NamedTuple):
    """What was done: kept, restored or ran; the trace of the outputs in place; the duration in seconds.

    `reasons`: why it ran, or was not kept.
    """

    status: Status
    trace: Trace
    seconds: float
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()
