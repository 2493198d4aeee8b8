"""What a step touches besides what it is given: code, files and variables that only its execution shows."""

from variations.touched.absences import ABSENCES
from variations.touched.byte_code import BYTE_CODE
from variations.touched.formats import FORMATS
from variations.touched.listings import LISTINGS
from variations.touched.options import STRICT, UNOBSERVED
from variations.touched.pickles import PICKLES
from variations.touched.reads import READS
from variations.touched.retargeted import RETARGETED
from variations.touched.scripts import SCRIPTS
from variations.touched.variables import VARIABLES
from variations.touched.workers import WORKERS

TOUCHED = (
    *(PICKLES, LISTINGS, READS, VARIABLES, ABSENCES, RETARGETED, SCRIPTS, WORKERS, BYTE_CODE, FORMATS),
    *(UNOBSERVED, STRICT),
)
