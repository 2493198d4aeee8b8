"""redoit: an incremental build system for machine-learning pipelines, on doit.

A `dodo.py` needs two names: `step` declares a stage, `DOIT_CONFIG` tells doit where redoit keeps its state. They are
imported on demand, so that a step's own process never pays for the engine.
"""

TYPE_CHECKING = False  # of typing, which each process of a step would import

if TYPE_CHECKING:
    from redoit.plugin.declare import DOIT_CONFIG, step

__all__ = ["DOIT_CONFIG", "step"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from redoit.plugin import declare

    found: object = globals().setdefault(name, getattr(declare, name))  # which tells the loader that it is used
    return found
