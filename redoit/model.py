"""The core types: what a step is made of, what one execution left behind. Plain values, no effects.

An `Action` is everything that determines a stage's outputs, a `Trace` is one recorded execution of it. Neither
knows paths, stage names or machines, so a store can be shared between checkouts. Most are named tuples: to make a
dataclass takes six times as long, and each doit makes them all before it can begin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from redoit import digest

FORMAT = 1  # of the action key, of traces and of the layout on disk


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

    `name`: `module:function`; `module:<module>` for the statements a module executes when it is imported;
    `module:<imports>` for the order in which modules from outside the project are imported; `module:*` for a module
    taken whole. `text`: its normalised source. `via`: the names from the step's `run` to this part, its own last.
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
    """All code that a step can reach: what `fingerprint` read from the project's source.

    `parts` are sorted by name, each name once. `imports`: top-level modules outside the project and the standard
    library, sorted. `unresolved`: a line for each thing that reading can't resolve, and what was taken whole for it.
    `modules`: all modules of the project that an import may execute, sorted, also those of which nothing counts.
    """

    parts: tuple[Part, ...]
    imports: tuple[str, ...]
    unresolved: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class Setting(NamedTuple):
    """A setting's value in one action. `kind` is its declared type: `int`, `path`, `list[str]`, ..."""

    name: str
    kind: str
    value: object


@dataclass(frozen=True)
class Action:
    """Everything that determines a stage's outputs.

    `inputs`: role -> digest. `outputs`: roles. `code`: part -> digest of its normalised source.
    `environment`: `python` and each distribution that the code can reach -> version; `$NAME` -> value of each variable
    that is declared and set.
    """

    inputs: Mapping[str, str]
    settings: tuple[Setting, ...]
    outputs: tuple[str, ...]
    code: Mapping[str, str]
    environment: Mapping[str, str]

    @cached_property
    def key(self) -> str:
        """The action key: 64 hexadecimal digits."""
        return digest.of_value(
            {
                "format": FORMAT,
                "inputs": self.inputs,
                "settings": {setting.name: [setting.kind, setting.value] for setting in self.settings},
                "outputs": sorted(self.outputs),
                "code": self.code,
                "environment": self.environment,
            }
        )


class Policy(NamedTuple):
    """What a stage's declaration says of its results.

    `cache`: earlier results count. `volatile`: it runs each time. `impure`: its result depends on the outside world, so
    it is kept while its outputs match, but never restored and never shared.
    """

    cache: bool = True
    volatile: bool = False
    impure: bool = False

    @property
    def words(self) -> str:
        """What is not usual about it, empty if nothing is."""
        kinds = {"impure": self.impure, "volatile": self.volatile, "not cached": not self.cache}
        return ", ".join(kind for kind, holds in kinds.items() if holds)

    @property
    def restorable(self) -> bool:
        """Tell whether an earlier result may be put in place, here or elsewhere."""
        return not (self.impure or self.volatile)


class Stage(NamedTuple):
    """The declaration of a step: `step` is its module, `inputs` and `outputs` are role -> path from the project.

    `environ`: names of environment variables that its result depends on.
    """

    name: str
    step: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    policy: Policy = Policy()
    environ: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """Return role -> file, of inputs and outputs."""
        return {**self.inputs, **self.outputs}


class Artifact(NamedTuple):
    """The content of one output. `size` is in bytes."""

    digest: str
    size: int


@dataclass(frozen=True)
class Trace:
    """One recorded execution of an action.

    `started`: seconds since the epoch. `seconds`: how long the step ran. `log`: digest of what it printed.
    `stage`: the name it ran under, which explains and never decides. `name`: the digest of its bytes,
    where it was read.
    """

    action: Action
    manifest: Mapping[str, Artifact]
    started: float
    seconds: float
    stage: str
    host: str
    log: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    name: str = field(default="", compare=False)

    @property
    def digests(self) -> dict[str, str]:
        """Return role -> digest, as outputs are observed."""
        return {role: artifact.digest for role, artifact in self.manifest.items()}
