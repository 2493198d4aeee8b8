"""What a step touches is a dependency, declared or not: each change of it runs the step once, and no other does."""

import sys
from collections.abc import Callable

import pytest
from projects import PRELOAD, Pipeline
from touching import PACKAGES, Case, change, distribution, gone, install, linked, make, name_of, source, text, upgrade

New = Callable[[dict[str, str]], Pipeline]
STRICT = "[tool.redoit]\nstrict = true\n"
PLUGIN = {
    "plug/{name}.py": "LIMIT = 1\n\n\ndef hook():\n    return helper() + LIMIT\n\n\ndef helper():\n    return 1\n"
}
SHAPES = {
    "shapes/__init__.py": "",
    "shapes/{name}.py": "SIZE = 1\n\n\nclass Base:\n    factor = 1\n\n\ndef helper():\n    return 1\n\n\n"
    "class Thing(Base):\n    def __reduce__(self):\n        return (Thing, ())\n\n"
    "    def size(self):\n        return SIZE * self.factor * helper()\n",
}
SIZED = {"change": source("shapes/{name}.py", "self.factor *", "self.factor +"), "files": SHAPES}  # of a method's body
UNPICKLE = "pickle.loads(f'cshapes.{HERE.name}\\nThing\\n(tR.'.encode()).size()"
BY_SPEC = """
import importlib.util
for file in sorted(Path("plug").glob(f"{HERE.name}*.py")):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.hook()
"""
WORK = {"work/__init__.py": "", "work/{name}.py": "def read(path):\n    return open(path).read()\n"}
POOL = """
import multiprocessing
read = importlib.import_module(f"work.{HERE.name}").read
with multiprocessing.get_context("METHOD").Pool(1) as pool:
    pool.map(read, [str(HERE / "data.txt")])
"""
DATA = text("data.txt")
LIBRARY = {  # one that finds things by their names, and sets what is not set
    f"{PACKAGES}/library.py": "import importlib, os, pkgutil\n\n\n"
    "def locate(name):\n    module, _, rest = name.rpartition('.')\n"
    "    return getattr(importlib.import_module(module), rest)\n\n\n"
    "def modules(package):\n    return list(pkgutil.iter_modules(importlib.import_module(package).__path__))\n\n\n"
    "def default(name):\n    if name not in os.environ:\n        os.environ[name] = '1'\n"
}
STARTS = {  # of a Python that executes `code`
    "python that is not observed": "subprocess.run([sys.executable, '-S', '-c', code], check=True)",
    "python below another program": "os.system(f'env -i {sys.executable} -c \"{code}\"')",
    "no environment": "os.environ.clear(); subprocess.run([sys.executable, '-c', code], check=True)",
    "replaced": "if os.fork() == 0:\n    os.execve(sys.executable, [sys.executable, '-c', code], {})\nos.wait()",
}

CAUGHT = {
    # files
    "open": Case("open(HERE / 'data.txt').read()", DATA),
    "pathlib": Case("(HERE / 'data.txt').read_text()", DATA),
    "os.open": Case("os.read(os.open(HERE / 'data.txt', os.O_RDONLY), 1)", DATA),
    "dir_fd": Case("os.read(os.open('data.txt', os.O_RDONLY, dir_fd=os.open(HERE, os.O_RDONLY)), 1)", DATA),
    "numpy": Case("import numpy; numpy.loadtxt(HERE / 'data.txt')", text("data.txt", "4 5 6\n")),
    "sqlite": Case("import sqlite3; sqlite3.connect(HERE / 'data.txt')", DATA),
    "copied": Case("import shutil; shutil.copy(HERE / 'data.txt', made)", DATA),
    "linecache": Case("import linecache; linecache.getline(str(HERE / 'data.txt'), 1)", DATA),
    "getsource": Case(
        "import inspect; inspect.getsource(importlib.import_module(f'shapes.{HERE.name}').helper)",
        source("shapes/{name}.py", "    return 1", "    return 2"),
        files=SHAPES,
    ),
    "source of a class": Case(
        "import inspect; inspect.getsource(importlib.import_module(f'shapes.{HERE.name}').Thing)",
        **SIZED,
    ),
    "source of a module": Case(
        "import inspect; inspect.getsource(importlib.import_module(f'shapes.{HERE.name}'))",
        **SIZED,
    ),
    "resources": Case(
        "from importlib import resources; resources.files('shapes').joinpath(f'{HERE.name}.csv').read_text()",
        source("shapes/{name}.csv", "1", "2"),
        files={"shapes/__init__.py": "", "shapes/{name}.csv": "1"},
    ),
    "h5py": Case(
        "import h5py\ntry:\n    h5py.File(HERE / 'data.txt')\nexcept OSError:\n    pass",
        text("data.txt", "no hdf5 file"),
    ),
    "through a link": Case("open(HERE / 'link').read()", DATA),
    "its target": Case("open(HERE / 'link').read()", linked("link", "folder/one.txt")),
    "in a thread": Case(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "list(ThreadPoolExecutor(1).map(Path.read_text, [HERE / 'data.txt']))",
        DATA,
    ),
    "read, then stamped": Case(
        "(HERE / 'data.txt').read_text(); (HERE / 'data.txt').touch(); os.chmod(HERE / 'data.txt', 0o600)", DATA
    ),
    "read, then written": Case("file = HERE / 'data.txt'; file.write_text(file.read_text())", DATA),
    "a setting": Case(
        "table.read_text()",
        lambda here: (here.parents[2] / "outside.txt").write_text("2"),
        settings='table: Path = Path("../outside.txt")',
        files={"../outside.txt": "1"},
    ),
    "a setting, by a program": Case(
        "subprocess.run(['cat', table], check=True)",
        lambda here: (here.parents[2] / "outside2.txt").write_text("2"),
        settings='table: Path = Path("../outside2.txt")',
        files={"../outside2.txt": "1"},
    ),
    "tokenize": Case("open(HERE / 'data.txt').read()", DATA),  # a file named as one of Python's
    "renamed, then read": Case(
        "file = HERE / 'data.txt'; file.exists() and file.replace(HERE / 'new'); (HERE / 'new').read_text()",
        text("new"),
    ),
    "through a link made after a look": Case(
        "if not os.path.exists(HERE / 'new/one.txt'):\n    os.symlink('folder', HERE / 'new')\n"
        "(HERE / 'new/one.txt').read_text()",
        text("folder/one.txt"),
    ),
    "outside, by a resolved link": Case(
        "os.path.lexists(HERE / 'new') or os.symlink('../../../outside', HERE / 'new')\n"
        "((HERE / 'new').resolve() / 'data.txt').read_text()",
        lambda here: (here.parents[2] / "outside/data.txt").write_text("2"),
        files={"../outside/data.txt": "1"},
    ),
    # what is not made, since it is there
    "folders made again": Case(
        "os.makedirs(HERE / 'folder', exist_ok=True); (HERE / 'folder/one.txt').read_text()", text("folder/one.txt")
    ),
    "folders made again, and listed": Case(
        "os.makedirs(HERE / 'folder', exist_ok=True); os.listdir(HERE / 'folder')", text("folder/new.txt")
    ),
    "a project's folder made again": Case("os.makedirs('.', exist_ok=True); (HERE / 'data.txt').read_text()", DATA),
    "a tree copied again": Case(
        "import shutil; shutil.copytree(HERE / 'more', HERE / 'folder', dirs_exist_ok=True)\n"
        "(HERE / 'folder/one.txt').read_text()",
        text("folder/one.txt"),
        files={"cases/{name}/more/two.txt": ""},
    ),
    "a file made again": Case(
        "try:\n    open(HERE / 'data.txt', 'x')\nexcept FileExistsError:\n    (HERE / 'data.txt').read_text()", DATA
    ),
    "a file that is touched": Case("open(HERE / 'data.txt', 'a').close(); (HERE / 'data.txt').read_text()", DATA),
    "a link made again": Case(
        "try:\n    os.symlink('x', HERE / 'link')\nexcept FileExistsError:\n    (HERE / 'link').read_text()", DATA
    ),
    "removed if it is there": Case("if (HERE / 'data.txt').exists():\n    os.remove(HERE / 'data.txt')", DATA),
    "not stamped": Case("try:\n    os.utime(HERE / 'new')\nexcept FileNotFoundError:\n    pass", text("new")),
    "not written": Case(
        "try:\n    os.open(HERE / 'new', os.O_WRONLY)\nexcept FileNotFoundError:\n    pass", text("new")
    ),
    "not renamed": Case(
        "try:\n    os.rename(HERE / 'new', HERE / 'data.txt')\n"
        "except FileNotFoundError:\n    (HERE / 'data.txt').read_text()",
        DATA,
    ),
    "not removed": Case(
        "try:\n    os.rmdir(HERE / 'folder')\nexcept OSError:\n    (HERE / 'folder/one.txt').read_text()",
        text("folder/one.txt"),
    ),
    "renamed, and its folder not removed": Case(
        "(HERE / 'new').mkdir(); (HERE / 'new/x').touch()\n"
        "os.renames(HERE / 'new/x', HERE / 'x'); os.remove(HERE / 'x')\n"
        "(HERE / 'data.txt').read_text()",
        DATA,
    ),
    # what is not there
    **{
        f"no {call.partition('(')[0]}": Case(f"try:\n    {call}\nexcept OSError:\n    pass", text("new/file"))
        for call in (
            "os.listdir(HERE / 'new')",
            "os.chdir(HERE / 'new')",
            "os.readlink(HERE / 'new')",
            "os.remove(HERE / 'new')",
            "os.rename(HERE / 'new', HERE / 'renamed')",
            "os.link(HERE / 'new', HERE / 'linked')",
        )
    },
    "no open": Case("try:\n    open(HERE / 'new')\nexcept OSError:\n    pass", text("new")),
    "no exists": Case("os.path.exists(HERE / 'new')", text("new")),
    "no is_file": Case("(HERE / 'new').is_file()", text("new")),
    "no stat": Case("try:\n    os.stat(HERE / 'new')\nexcept OSError:\n    pass", text("new")),
    "no access": Case("os.access(HERE / 'new', os.R_OK)", text("new")),
    "no such setting": Case("table.exists()", text("new"), settings='table: Path = Path("cases/no_such_setting/new")'),
    "no glob": Case("list(HERE.glob('new*'))", text("new")),
    "no thread": Case(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "list(ThreadPoolExecutor(1).map(os.path.exists, [HERE / 'new']))",
        text("new"),
    ),
    "no module": Case(
        "try:\n    importlib.import_module(f'late_{HERE.name}')\nexcept ImportError:\n    pass",
        lambda here: (here.parents[1] / f"late_{here.name}.py").write_text("x = 1\n"),
    ),
    # what is looked at
    "gone": Case("os.path.exists(HERE / 'data.txt')", gone("data.txt")),
    "size": Case("os.path.getsize(HERE / 'data.txt')", DATA),
    "size, once it is there": Case("file = HERE / 'data.txt'; file.exists() and file.stat().st_size", DATA),
    "link": Case("os.readlink(HERE / 'link')", linked("link", "folder/one.txt")),
    "resolved": Case("(HERE / 'link').resolve()", linked("link", "folder/one.txt")),
    "listdir": Case("os.listdir(HERE / 'folder')", text("folder/new")),
    "scandir": Case("list(os.scandir(HERE / 'folder'))", text("folder/new")),
    "walk": Case("list(os.walk(HERE))", text("folder/new")),
    "glob": Case("import glob; glob.glob(f'{HERE}/folder/*')", text("folder/new")),
    "iter_modules": Case("import pkgutil; list(pkgutil.iter_modules([str(HERE / 'folder')]))", text("folder/new.py")),
    "iterdir": Case("list((HERE / 'folder').iterdir())", text("folder/new")),
    "a name gone": Case("os.listdir(HERE / 'folder')", gone("folder/one.txt")),
    # variables
    "by name": Case("os.environ.get('V_{name}')", variables={"V_{name}": "2"}),
    "getenv": Case("os.getenv('V_{name}')", variables={"V_{name}": "2"}),
    "expanded": Case("os.path.expandvars('$V_{name}')", variables={"V_{name}": "2"}),
    "in a child": Case(
        "subprocess.run([sys.executable, '-c', 'import os; os.environ.get(\"V_{name}\")'])", variables={"V_{name}": "2"}
    ),
    "after a library's default": Case(
        "import library; library.default('V_{name}'); os.environ['V_{name}']",
        files=LIBRARY,
        variables={"V_{name}": "2"},
    ),
    "in a class": Case(
        "def load():\n    class Settings:\n        env = dict(os.environ)\n    return Settings\nload()",
        variables={"V_{name}": "2"},
    ),
    # packages
    "no package": Case(
        "try:\n    importlib.import_module('pack' + 'three')\nexcept ImportError:\n    pass",
        install("packthree"),
    ),
    "all modules": Case("import pkgutil; list(pkgutil.iter_modules())"),
    "package": Case("importlib.import_module('pack' + 'one')", upgrade("packone"), files=distribution("packone", "1")),
    "version": Case(
        "import importlib.metadata; importlib.metadata.version('pack' + 'two')",
        upgrade("packtwo"),
        files=distribution("packtwo", "1"),
    ),
    "all packages": Case("import importlib.metadata; list(importlib.metadata.distributions())"),
    "entry points": Case("import importlib.metadata; importlib.metadata.entry_points(group='x')"),
    # code that data names
    "a class by its name in a file": Case(
        "from shapes import {name}\nimport library\nlibrary.locate((HERE / 'name.txt').read_text()).factor",
        source("shapes/{name}.py", "factor = 1", "factor = 2"),
        files={**SHAPES, **LIBRARY, "cases/{name}/name.txt": "shapes.{name}.Base"},
    ),
    "plug-ins that a library lists": Case(
        "import library; library.modules('shapes.' + 'extra_{name}')",
        lambda here: (here.parents[1] / f"shapes/extra_{here.name}/two.py").touch(),
        files={"shapes/__init__.py": "", "shapes/extra_{name}/__init__.py": "", **LIBRARY},
    ),
    "a constant in a computed folder": Case(
        "sys.path.insert(0, (HERE / 'path.txt').read_text())\n"
        "import inner_{name} as inner; inner.helper(); inner.LIMIT",
        source("plug/inner_{name}.py", "LIMIT = 1", "LIMIT = 2"),
        files={"plug/inner_{name}.py": PLUGIN["plug/{name}.py"], "cases/{name}/path.txt": "plug"},
    ),
    "class": Case(UNPICKLE, **SIZED),
    "its helper": Case(UNPICKLE, source("shapes/{name}.py", "    return 1", "    return 2"), files=SHAPES),
    "its base": Case(UNPICKLE, source("shapes/{name}.py", "factor = 1", "factor = 2"), files=SHAPES),
    "its constant": Case(UNPICKLE, source("shapes/{name}.py", "SIZE = 1", "SIZE = 2"), files=SHAPES),
    "by spec": Case(BY_SPEC, source("plug/{name}.py", "    return 1", "    return 2"), files=PLUGIN),
    "another by spec": Case(
        BY_SPEC, lambda here: (here.parents[1] / f"plug/{here.name}2.py").write_text("def hook(): pass\n"), files=PLUGIN
    ),
    "runpy": Case(
        "import runpy; runpy.run_path(f'plug/{HERE.name}.py')['hook']()",
        source("plug/{name}.py", "LIMIT = 1", "LIMIT = 2"),
        files=PLUGIN,
    ),
    "exec": Case(
        "exec(open(f'plug/{HERE.name}.py').read(), {})",
        source("plug/{name}.py", "LIMIT = 1", "LIMIT = 2"),
        files=PLUGIN,
    ),
    "computed import": Case(
        "importlib.import_module(f'plug.{HERE.name}').hook()",
        source("plug/{name}.py", "    return 1", "    return 2"),
        files=PLUGIN,
    ),
    "by a computed name": Case(
        "getattr(importlib.import_module(f'shapes.{HERE.name}'), 'Th' + 'ing')().size()",
        **SIZED,
    ),
    "a generator that does not start": Case(
        "made.write_text(str(importlib.import_module(f'plug.{HERE.name}').hook() is None))",
        source("plug/{name}.py", "    yield 1", "    return 1"),
        files={"plug/{name}.py": "def hook():\n    yield 1\n"},
    ),
    "data of a package": Case(
        "import pkgutil; pkgutil.get_data('shapes', f'{HERE.name}.py')",
        **SIZED,
    ),
    "a code object": Case(
        "size = importlib.import_module(f'shapes.{HERE.name}').Thing.size\n"
        "size.__module__ = 'json'; getattr(size, '__co' + 'de__')",
        **SIZED,
    ),
    "in a profiler": Case(
        "thing = importlib.import_module(f'shapes.{HERE.name}').Thing()\n"
        "sys.setprofile(lambda *_: thing.size()); len(''); sys.setprofile(None)",
        **SIZED,
    ),
    "in another folder": Case(
        "import runpy\nhook = runpy.run_path(f'plug/{HERE.name}.py')['hook']\n"
        "before = os.getcwd(); os.chdir('/'); hook(); os.chdir(before)",
        source("plug/{name}.py", "helper() + LIMIT", "helper() - LIMIT"),
        files=PLUGIN,
    ),
    # programs
    **{
        title: Case(
            "importlib.import_module(f'shapes.{HERE.name}')\n"
            f"code = f'from shapes.{{HERE.name}} import Thing; Thing().size()'\n{start}",
            **SIZED,
        )
        for title, start in STARTS.items()
    },
    **{method: Case(POOL.replace("METHOD", method), DATA, files=WORK) for method in ("fork", "spawn", "forkserver")},
    "spawned": Case("os.waitpid(os.posix_spawnp('cat', ['cat', str(HERE / 'data.txt')], os.environ), 0)", DATA),
    "work of a worker": Case(
        POOL.replace("METHOD", "spawn"), source("work/{name}.py", ".read()", ".read(1)"), files=WORK
    ),
    "no variables": Case("subprocess.run([sys.executable, 'tool.py'], env={}, cwd=HERE, check=True)", DATA),
    "shell": Case("os.system(f'cd {HERE}; {sys.executable} tool.py')", DATA),
    "-m": Case("subprocess.run([sys.executable, '-m', 'tool'], cwd=HERE, check=True)", DATA),
    "-c": Case("subprocess.run([sys.executable, '-c', 'import tool'], cwd=HERE, check=True)", DATA),
    "script": Case(
        "subprocess.run([sys.executable, 'tool.py'], cwd=HERE, check=True)",
        text("tool.py", "print(open('data.txt').read(1))\n"),
    ),
    "cat": Case("subprocess.run(['cat', HERE / 'data.txt'], check=True)", DATA),
    "cp": Case("os.system(f'cp {HERE}/data.txt {made}')", DATA),
    "cat through a link": Case("subprocess.run(['cat', HERE / 'link'], check=True)", linked("link", "folder/one.txt")),
    "cat by a pattern": Case("os.system(f'cat {HERE}/d*.txt')", DATA),
}
KEPT = {
    "logging": Case(
        "import logging\n(HERE / 'logs').mkdir(exist_ok=True)\n"
        "logging.basicConfig(filename=HERE / 'logs/run.log')\nlogging.warning('said')\n"
        "try:\n    int('x')\nexcept ValueError:\n    logging.exception('failed')",
        gone("logs/run.log"),
    ),
    "joblib": Case("import joblib; joblib.Memory(HERE / 'cache', verbose=0).cache(len)([1])"),
    "json": Case(
        "import json\ncache = HERE / 'cache.json'\nknown = json.loads(cache.read_text()) if cache.exists() else {}\n"
        "cache.write_text(json.dumps({**known, 'a': 1}))"
    ),
    "scratch": Case(
        "import shutil\nos.makedirs(HERE / 'tmp/deep')\n(HERE / 'tmp/deep/x').write_text('1')\n"
        "os.listdir(HERE / 'tmp'); open(HERE / 'tmp/deep/x').read()\nshutil.rmtree(HERE / 'tmp')"
    ),
    "removed": Case(
        "for file in HERE.glob('step-*'):\n    file.unlink()\n(HERE / 'step-new').write_text('1')",
        files={"cases/{name}/step-old": "1"},
    ),
    "scratch of a program": Case(
        "os.system(f'cp source.txt {HERE}/scratch'); os.path.getsize(HERE / 'scratch'); open(HERE / 'scratch').read()\n"
        "os.remove(HERE / 'scratch')"
    ),
    "folder of a program": Case(
        "import shutil; os.system(f'mkdir -p {HERE}/raw/deep && cp source.txt {HERE}/raw/deep')\n"
        "os.listdir(HERE / 'raw/deep'); open(HERE / 'raw/deep/source.txt').read(); shutil.rmtree(HERE / 'raw')"
    ),
    "a database of runs": Case(
        "import sqlite3\nwith sqlite3.connect(HERE / 'runs.db') as runs:\n"
        "    runs.execute('create table if not exists runs (n)')\n    runs.execute('insert into runs values (1)')",
        more=', uses=["cases/{name}/data.txt"]',
    ),
    "latest": Case(
        "os.path.islink(HERE / 'latest') and os.readlink(HERE / 'latest')\n(HERE / 'run').mkdir(exist_ok=True)\n"
        "os.symlink('run', HERE / 'latest.new'); os.replace(HERE / 'latest.new', HERE / 'latest')"
    ),
    "a log that is rotated": Case(
        "import logging.handlers\n(HERE / 'logs').mkdir(exist_ok=True)\n"
        "handler = logging.handlers.RotatingFileHandler(HERE / 'logs/run.log', maxBytes=20, backupCount=2)\n"
        "for number in range(10):\n    handler.emit(logging.makeLogRecord({'msg': 'x' * 9}))",
    ),
    "numbered by C code": Case(
        "import h5py\nwith h5py.File(HERE / f'folder/{len(os.listdir(HERE / \"folder\"))}.h5', 'w'):\n    pass"
    ),
    "a file of a program, renamed": Case(
        "os.system(f'cp source.txt {HERE}/x.part')\n"
        "os.replace(HERE / 'x.part', HERE / 'x'); (HERE / 'x').read_text(); os.remove(HERE / 'x')"
    ),
    "a file of a script, renamed": Case(
        "code = 'open(%r, \"w\").write(\"1\")' % str(HERE / 'x.part')\n"
        "subprocess.run([sys.executable, '-c', code], check=True)\n"
        "os.replace(HERE / 'x.part', HERE / 'x'); (HERE / 'x').read_text()"
    ),
    "code that it writes": Case(
        "import tempfile\nwith tempfile.TemporaryDirectory(dir=HERE) as folder:\n"
        "    Path(folder, 'job.py').write_text('x = 1')\n"
        "    subprocess.run([sys.executable, f'{folder}/job.py'], check=True)\n"
        "    sys.path.insert(0, folder)\n    importlib.import_module('job')"
    ),
    "a version": Case("subprocess.run([Path(sys.executable).with_name('python'), '--version'], check=True)"),
    "for a child that it becomes": Case(
        "if os.fork() == 0:\n    os.execve('/bin/true', ['true'], os.environ)\nos.wait()"
    ),
    "folder of a worker, renamed": Case(
        "import multiprocessing, shutil\nshutil.rmtree(HERE / 'whole', ignore_errors=True)\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    pool.map(os.mkdir, [HERE / 'part'])\n    pool.map((HERE / 'part/x').write_text, ['1'])\n"
        "os.rename(HERE / 'part', HERE / 'whole'); (HERE / 'whole/x').read_text()"
    ),
    "shortened": Case("os.truncate(HERE / 'data.txt', 1); (HERE / 'data.txt').stat().st_size"),
    "renamed": Case(
        "(HERE / 'a.part').write_text('1'); os.replace(HERE / 'a.part', HERE / 'a'); open(HERE / 'a').read()"
    ),
    "comment": Case(
        "importlib.import_module(f'plug.{HERE.name}').hook()",
        source("plug/{name}.py", "LIMIT = 1", "# a comment\nLIMIT = 1"),
        files=PLUGIN,
    ),
    "function beside": Case(
        UNPICKLE, source("shapes/{name}.py", "class Base", "def other(): pass\n\n\nclass Base"), files=SHAPES
    ),
    "function beside a program": Case(
        "from shapes import {name}\n{name}.helper(); os.system('true')",
        source("shapes/{name}.py", "SIZE * self", "SIZE + self"),
        files=SHAPES,
    ),
    "file beside": Case("(HERE / 'data.txt').read_text()", text("other.txt"), more=', uses=["cases/{name}/data.txt"]'),
    "content in a listing": Case("os.listdir(HERE / 'folder')", text("folder/one.txt")),
    "content looked at": Case("(HERE / 'data.txt').exists()", DATA),
    "secret": Case(
        "os.environ.get('MY_TOKEN'); os.getenv('OMP_NUM_THREADS')", variables={"MY_TOKEN": "2", "OMP_NUM_THREADS": "2"}
    ),
    "for a child": Case("subprocess.run(['true'], env={**os.environ, 'A': '1'}, check=True)"),
    "for a child, in lines": Case(
        "subprocess.run(\n    ['true'],\n    env={\n        **os.environ,\n        'A': '1',\n    },\n)"
    ),
    "inherited": Case("subprocess.run(['true'], check=True)\nos.system('true')"),
    "set here": Case("os.environ['V_SET'] = '1'; os.environ['V_SET']", variables={"V_SET": "2"}),
    "home": Case("os.path.expanduser('~'); Path.home()", variables={"USER": "other", "LOGNAME": "other"}),
    "packages": Case("import h5py, numpy"),
    "warned": Case(
        "import traceback, warnings\nwarnings.warn('shown')\n"
        "try:\n    helper()\nexcept NameError:\n    traceback.print_exc()\ntraceback.print_stack()",
        source("steps/{name}.py", "    executed", "    # a comment\n    executed"),
    ),
    "matplotlib": Case(
        "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('x')\n"
        "plt.savefig(made, format='svg', metadata={'Date': None})"
    ),
    "temporary": Case(
        "import tempfile\nwith tempfile.TemporaryDirectory() as folder:\n    Path(folder, 'x').write_text('1')\n"
        "    open(f'{folder}/x').read(); os.listdir(folder)\n"
        "with tempfile.NamedTemporaryFile() as file:\n    file.write(b'1')",
        variables={"TMPDIR": "/var/tmp"},
    ),
    "compiled": Case(
        "importlib.import_module(f'plug.{HERE.name}').hook(); os.listdir('plug')",
        lambda here: (here.parents[1] / "plug/__pycache__").mkdir(exist_ok=True),
        files=PLUGIN,
    ),
    "git": Case(
        "os.path.isdir('.git'); os.listdir('.')",
        lambda here: (here.parents[1] / ".git/HEAD").write_text("other"),
        files={".git/HEAD": "x"},
    ),
    "checked out": Case(
        UNPICKLE,
        lambda here: [
            source("shapes/{name}.py", *pair)(here) for pair in (("SIZE = 1", "SIZE = 5"), ("SIZE = 5", "SIZE = 1"))
        ],
        files=SHAPES,
    ),
    "workers": Case(
        "import multiprocessing, math\n"
        "with multiprocessing.get_context('spawn').Pool(2) as pool:\n    pool.map(math.sqrt, [1, 2])"
    ),
    "its output": Case("made.write_text('x'); made.read_text(); os.system(f'cat {made}'); os.stat(made)"),
    "its input": Case(
        "source.resolve().read_text(); Path('steps/../source.txt').read_text(); os.system('cat source.txt')"
    ),
    "outside": Case("open('../executed').read(); open('/etc/passwd').read(); os.listdir('/etc'); os.stat('/')"),
}
SETTLED = {  # at its second run: the first one finds no such code, and so has another key
    "a script that it writes": Case(
        "(HERE / 'job.py').write_text('x = 1')\nsubprocess.run([sys.executable, HERE / 'job.py'], check=True)"
    ),
    "a module that it writes": Case("Path('settings_{name}.py').write_text('x = 1')\nimport settings_{name}"),
}
if sys.version_info >= (3, 12):  # functions that are called are seen
    KEPT |= {
        "method that is not called": Case(UNPICKLE.removesuffix(".size()"), **SIZED),
        "function that is not called": Case(
            "importlib.import_module(f'plug.{HERE.name}').helper()",
            source("plug/{name}.py", "helper() + LIMIT", "helper() - LIMIT"),
            files=PLUGIN,
        ),
    }
TERMINAL = {"TERM": "other", "SSH_CLIENT": "other", "XDG_SESSION_ID": "7", "COLUMNS": "70", "UNRELATED": "1"}


def variables_of(cases: dict[str, Case]) -> dict[str, str]:
    """Return the variables of all cases."""
    return {k.replace("{name}", name_of(t)): v for t, case in cases.items() for k, v in case.variables.items()}


def names(cases: dict[str, Case]) -> list[str]:
    """Return the names of stages, sorted."""
    return sorted(map(name_of, cases))


@pytest.mark.parametrize("preload", ["", PRELOAD], ids=["fresh", "forked"])
def test_what_is_touched_is_a_dependency(project: New, preload: str) -> None:
    """Each step that touched something runs once when that has changed, and is kept before and afterwards."""
    pipeline = make(project, CAUGHT, preload)
    first = pipeline.doit("-c")
    assert (sorted(first.executed), first.code) == (names(CAUGHT), 0), first.text
    assert pipeline.doit().executed == []
    change(pipeline, CAUGHT)
    changed = variables_of(CAUGHT)
    second = pipeline.doit("-c", **changed)
    assert (sorted(second.executed), second.code) == (names(CAUGHT), 0), second.text
    third = pipeline.doit(**changed)
    assert (third.executed, "WARNING" in third.text) == ([], False), third.text


@pytest.mark.parametrize("preload", ["", "preload = ['steps.witness']\n"], ids=["fresh", "forked"])
def test_what_does_not_matter_runs_nothing(project: New, preload: str) -> None:
    """Where nothing that a step touched has changed it is kept; with `strict` nothing is said of it, either."""
    pipeline = make(project, KEPT, STRICT + preload)
    first = pipeline.doit("-c")
    assert (sorted(first.executed), first.code, "WARNING" in first.out) == (names(KEPT), 0, False), first.text
    second = pipeline.doit(**TERMINAL)
    assert (second.executed, second.code) == ([], 0), second.text
    change(pipeline, KEPT)
    third = pipeline.doit("-n", "2", **TERMINAL, **variables_of(KEPT))
    assert (third.executed, third.code, "WARNING" in third.out) == ([], 0, False), third.text


def test_what_a_step_finds_of_an_earlier_run_settles(project: New) -> None:
    """A step that runs again, where its files are, is kept afterwards."""
    cases = {**KEPT, **SETTLED}
    pipeline = make(project, cases)
    for content in ("1", "2"):
        pipeline.write("source.txt", content)
        ran = pipeline.doit("-c")
        assert (sorted(ran.executed), ran.code) == (names(cases), 0), ran.text
    again = pipeline.doit()
    assert again.executed == [], again.text
