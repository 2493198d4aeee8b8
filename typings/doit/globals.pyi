# The singletons of a running doit.

from doit.dependency import Dependency

class Globals:
    dep_manager: Dependency | None
