"""What a project varies in: a module for each kind of thing that users edit. Each can be had alone, or with others.

A variation has knobs, each of which has one of a few values; from these follow all files of its part of a project, the
calls of a clean build, and what its results depend on. It knows nothing of how redoit decides.
"""

from variations.base import Variation
from variations.defaults import DEFAULTS
from variations.distributions import DISTRIBUTIONS
from variations.fields import FIELDS
from variations.libraries import LIBRARIES
from variations.links import LINKS
from variations.mixed import MIXED
from variations.names import NAMES
from variations.plugins import PLUGINS
from variations.suffixes import SUFFIXES
from variations.touched import TOUCHED

GIVEN = (PLUGINS, LIBRARIES, DISTRIBUTIONS, SUFFIXES, NAMES, FIELDS, LINKS, MIXED, DEFAULTS)
VARIATIONS: dict[str, Variation] = {variation.name: variation for variation in (*GIVEN, *TOUCHED)}
