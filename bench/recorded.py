"""Prints how long the stages of the newest recorded run took by their own clock, in seconds: the mean of all.

    python -m bench.recorded FOLDER

A kept stage's time is that of its decision: redoit's own work, without doit's around it.
"""

import statistics
import sys
from pathlib import Path

from redoit.history.run_log import RunLog

if __name__ == "__main__":
    newest = next(RunLog(Path(sys.argv[1]) / ".redoit").newest())
    print(statistics.mean(record.seconds for record in newest.expanded().stages.values()))
