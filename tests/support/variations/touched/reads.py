"""Files that a step or another program reads, and that nobody declared."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import configparser
import csv
import fileinput
import io
import json
import linecache
import mmap
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy

from steps.witness import executed

{comment}
NAME = "params/one.txt"


def lines():
    with open(NAME) as file:
        yield from file


def by_number():
    number = os.open(NAME, os.O_RDONLY)
    text = os.read(number, 99).decode()
    os.close(number)
    return text


def from_folder():
    folder = os.open("params", os.O_RDONLY)
    number = os.open("one.txt", os.O_RDONLY, dir_fd=folder)
    text = os.read(number, 99).decode()
    os.close(number)
    os.close(folder)
    return text


def moved():
    project = os.getcwd()
    os.chdir("params")
    text = Path("one.txt").read_text()
    os.chdir(project)
    return text


def mapped():
    with open(NAME, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        return memory[:].decode()


def in_thread():
    texts = []
    thread = threading.Thread(target=lambda: texts.extend(lines()))
    thread.start()
    thread.join()
    return texts[0]


def in_lines():
    with fileinput.input(NAME) as file:
        return "".join(file)


def configured():
    parser = configparser.ConfigParser()
    parser.read_file(["[one]\\n", *(f"number = {{line}}" for line in lines())])
    return parser["one"]["number"]


def copied():
    with open(NAME, "rb") as file:
        held = io.BytesIO()
        shutil.copyfileobj(file, held)
    return held.getvalue().decode()


def printed(*line, **how):
    return subprocess.run(*line, **how, capture_output=True, text=True, check=True).stdout


def run(source, made):
    executed(made.name)
    text = {text}
    made.write_text(source.read_text() + str(int(text)))
"""
WAYS = {
    "open": '"".join(lines())',
    "os.open": "by_number()",
    "pathlib": "Path(NAME).read_text()",
    "absolute": 'Path(__file__).parents[1].joinpath(NAME).read_bytes().decode("utf-8")',
    "json": "json.loads(Path(NAME).read_text())",
    "csv": "next(csv.reader(lines()))[0]",
    "configparser": "configured()",
    "numpy text": "numpy.loadtxt(NAME)",
    "numpy bytes": "chr(numpy.fromfile(NAME, dtype='uint8')[0])",
    "numpy memmap": "chr(numpy.memmap(NAME, mode='r')[0])",
    "mmap": "mapped()",
    "fileinput": "in_lines()",
    "linecache": "linecache.getline(NAME, 1)",
    "thread": "in_thread()",
    "folder": "from_folder()",
    "chdir": "moved()",
    "copyfileobj": "copied()",
    "copyfile": "Path(shutil.copyfile(NAME, made)).read_text()",
    "cat": 'printed(["cat", NAME])',
    "shell": 'printed("cat < params/one.txt", shell=True)',
    "cat in folder": 'printed(["cat", "one.txt"], cwd="params")',
    "cp": 'printed(["cp", NAME, str(made)]) or made.read_text()',
}


def _part(chosen: Chosen) -> Part:
    files = {
        "steps/reading.py": STEP.format(comment=chosen["comment"], text=WAYS[chosen["way"]]),
        "params/one.txt": f"{chosen['number']}\n",
        "params/unread.txt": f"{chosen['unread']}\n",
        "reading.txt": "reading ",
    }
    tasks = (Step("reading", "steps.reading", {"source": "reading.txt"}, {"made": "data/reading.txt"}),)
    reading = chosen["comment"] if chosen["way"] == "linecache" else ""  # because of which the source counts as it is
    return Part(files, tasks, (chosen["way"], chosen["number"], reading))


READS = Variation(
    "reads",
    {"way": tuple(WAYS), "number": DIGITS, "unread": DIGITS, "comment": ("", "# a comment")},
    _part,
)
