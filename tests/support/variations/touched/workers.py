"""Worker processes of a step, which execute a function that only data names."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from jobs.handing import handled
from steps.witness import executed


def run(source, made):
    executed(made.name)
    module, name = source.read_text().split()
    {get}
    made.write_text(str(number))
"""
HANDING = """
import pickle


def handled(module, name, queue=None):
    number = pickle.loads(f"c{{module}}\\n{{name}}\\n.".encode())({handing})
    if queue is not None:
        queue.put(number)
    return number
"""
WORK = """
from jobs.deeper import deeper

{comment}


def work(number):
    with open("jobs/number.txt") as file:
        return number, file.read().strip(), deeper(), {work}


def other(number):
    return 0


UNUSED = {unused}
"""
DEEPER = "def deeper():\n    return {deeper}\n"
POOL = """with multiprocessing.get_context("{context}").Pool(1) as pool:
        number = pool.apply(handled, (module, name))"""
PROCESS = """context = multiprocessing.get_context("{context}")
    queue = context.SimpleQueue()
    process = context.Process(target=handled, args=(module, name, queue))
    process.start()
    number = queue.get()
    process.join()"""
EXECUTOR = """with ProcessPoolExecutor(1, multiprocessing.get_context("{context}")) as pool:
        number = pool.submit(handled, module, name).result()"""
HOW = {"pool": POOL, "process": PROCESS, "executor": EXECUTOR}


def _part(chosen: Chosen) -> Part:
    files = {
        "steps/working.py": STEP.format(get=HOW[chosen["how"]].format(context=chosen["context"])),
        "jobs/__init__.py": "",
        "jobs/handing.py": HANDING.format(**chosen),
        "jobs/work.py": WORK.format(**chosen),
        "jobs/deeper.py": DEEPER.format(**chosen),
        "jobs/spare.py": f"SPARE = {chosen['spare']}\n",
        "jobs/number.txt": f"{chosen['number']}\n",
        "working.txt": "jobs.work work",
    }
    tasks = (Step("working", "steps.working", {"source": "working.txt"}, {"made": "data/working.txt"}),)
    needs = tuple(value for name, value in chosen.items() if name not in ("comment", "spare", "unused"))
    return Part(files, tasks, needs)


WORKERS = Variation(
    "workers",
    {
        "context": ("fork", "spawn", "forkserver"),
        "how": tuple(HOW),
        "handing": DIGITS,
        "work": DIGITS,
        "deeper": DIGITS,
        "number": DIGITS,
        "unused": DIGITS,
        "spare": DIGITS,
        "comment": ("", "# a comment"),
    },
    _part,
)
