"""Keras models that an enemy made: refused before Keras is imported, for what is in them."""

import json
import pickle
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hostile import Workers, model, model_config, raw_h5, thing, weights, zipped
from limited import ROOT

Config = dict[str, Any]


def layer(found: Config, place: int, **fields: Any) -> Config:
    """Return a configuration with other fields in one layer."""
    found["config"]["layers"][place]["config"] |= fields
    return found


def instead(found: Config, place: int, other: Any) -> Config:
    """Return a configuration with another layer in the place of one."""
    found["config"]["layers"][place] = other
    return found


def built(found: Config, shape: Any) -> Config:
    """Return a configuration whose last layer is built for inputs of another shape."""
    found["config"]["layers"][3]["build_config"]["input_shape"] = shape
    return found


def nested(depth: int) -> bytes:
    """Return a configuration with lists in lists."""
    return json.dumps(layer(model_config(), 1, strides="HERE")).replace('"HERE"', "[" * depth + "]" * depth).encode()


def shaped(found: Config, shape: Any) -> Config:
    """Return a configuration of which all parts say that samples have another shape."""
    found["config"]["layers"][0]["config"]["batch_shape"] = shape
    found["config"]["build_input_shape"] = found["build_config"]["input_shape"] = shape
    return found


function = {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"}
torch = {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "gASV"}}
lookup = thing("keras.layers", "StringLookup", vocabulary="/etc/passwd")
lambdas = thing("keras.layers", "Lambda", function={"class_name": "__lambda__", "config": {"value": "4wEA"}})
typespec = {
    "class_name": "__typespec__",
    "spec_name": "system",
    "module": "os",
    "config": ["id"],
    "registered_name": None,
}
custom = {**thing("keras.layers", "Dense", units=1), "registered_name": "package>Dense"}
deep = thing("keras", "Sequential", layers=[thing("keras.layers", "Dense", units=2**40)])

CONFIGS: dict[str, tuple[Callable[[Config], Any], str]] = {
    "Lambda": (lambda f: instead(f, 2, lambdas), "the class 'keras.layers' 'Lambda'"),
    "function": (lambda f: layer(f, 1, activation=function), "the class 'builtins' 'function'"),
    "Python lambda": (lambda f: layer(f, 1, activation=lambdas["config"]["function"]), "class None '__lambda__'"),
    "type": (lambda f: layer(f, 1, activation=typespec), "the class 'os' '__typespec__'"),
    "module os": (lambda f: instead(f, 2, thing("os", "system")), "the class 'os' 'system'"),
    "module of Keras": (lambda f: instead(f, 2, thing("keras.utils", "get_file", origin="x")), "'get_file'"),
    "inner module of Keras": (lambda f: {**f, "module": "keras.src.models.sequential"}, "'keras.src.models.seq"),
    "nested module": (lambda f: layer(f, 3, kernel_initializer=thing("subprocess", "Popen")), "'subprocess' 'Popen'"),
    "nested layer": (lambda f: layer(f, 3, activation=thing("keras.layers", "ReLU")), "'keras.layers' 'ReLU'"),
    "nested model": (lambda f: layer(f, 3, activation=deep), "the class 'keras' 'Sequential'"),
    "model as a layer": (lambda f: instead(f, 2, deep), "the class 'keras' 'Sequential'"),
    "in a list": (lambda f: layer(f, 3, name=[[thing("os", "system")]]), "the class 'os' 'system'"),
    "in the optimizer": (lambda f: {**f, "compile_config": {"optimizer": thing("os", "x")}}, "the class 'os' 'x'"),
    "in build_config": (lambda f: {**f, "build_config": {"a": thing("os", "x")}}, "the class 'os' 'x'"),
    "table without a class": (lambda f: layer(f, 3, units={"config": 1}), "the class None None"),
    "field of its own": (lambda f: {**f, "spec_name": "os"}, "the class 'keras' 'Sequential'"),
    "registered name": (lambda f: instead(f, 2, custom), "registered as 'package>Dense'"),
    "pickle of torch": (lambda f: instead(f, 2, torch), "'TorchModuleWrapper'"),
    "SavedModel": (lambda f: instead(f, 2, thing("keras.layers", "TFSMLayer", filepath="/")), "'TFSMLayer'"),
    "vocabulary in a file": (lambda f: instead(f, 2, lookup), "'StringLookup'"),
    "Functional": (lambda f: {**f, "class_name": "Functional"}, "'Functional'"),
    "class that is a list": (lambda f: {**f, "class_name": ["Sequential"]}, r"\['Sequential'\]"),
    "layer that is a text": (lambda f: instead(f, 2, "Dense"), "'Dense' in place of an object"),
    "no layers": (lambda f: {**f, "config": {}}, "None in place of a list"),
    "one layer": (lambda f: {**f, "config": {"layers": f["config"]["layers"][:1]}}, "1 layers"),
    "1,200 layers": (lambda f: {**f, "config": {"layers": f["config"]["layers"] * 300}}, "1,200 layers"),
    "second input": (lambda f: instead(f, 2, f["config"]["layers"][0]), "a second input"),
    "other samples": (lambda f: shaped(f, [None, 32, 32, 3]), "an input of shape"),
    "huge samples": (lambda f: shaped(f, [None, 2**20, 2**20, 1]), "an input of shape"),
    "other shape to build": (lambda f: {**f, "build_config": {"input_shape": [2**40]}}, "an input of shape"),
    "units": (lambda f: layer(f, 3, units=10**12), "units 1000000000000"),
    "units below zero": (lambda f: layer(f, 3, units=-1), "units -1"),
    "units that are true": (lambda f: layer(f, 3, units=True), "units True"),
    "weights": (lambda f: layer(f, 3, units=10**5), "a model of more than 67,108,864 weights"),
    "weights to build": (lambda f: built(layer(f, 3, units=1000), [None, 10**5]), "a model of more than"),
    "shape to build": (lambda f: built(f, [None, "x"]), "input_shape 'x'"),
    "rank of what is added to weights": (lambda f: layer(f, 3, lora_rank=10**5), "'lora_rank' of a layer"),
    "field that no layer has": (lambda f: layer(f, 3, input_shape=[2**17]), "'input_shape' of a layer"),
    "kernel": (lambda f: layer(f, 1, kernel_size=[10**4, 10**4], padding="same"), "a model of more than"),
    "kernel that finds no room": (lambda f: layer(f, 1, kernel_size=[29, 29]), r"a window \[29, 29\] on \[28, 28\]"),
    "kernel with too many sides": (lambda f: layer(f, 1, kernel_size=[1, 1, 1]), "a strange window"),
    "kernel with strange padding": (lambda f: layer(f, 1, padding="full"), "a strange window"),
    "steps of none": (lambda f: layer(f, 1, strides=[0, 0]), "strides 0"),
    "width": (lambda f: layer(f, 1, filters=400, padding="same"), "values between layers"),
    "filters": (lambda f: layer(f, 1, filters=10**4), "a model of more than"),
    "order of data": (lambda f: layer(f, 1, data_format="channels_first"), "data in the order 'channels_first'"),
    "quantised numbers": (lambda f: layer(f, 1, dtype="int8_from_float32"), "numbers of type 'int8_from_float32'"),
    "infinity": (lambda f: json.dumps(layer(f, 1, rate=1e308)).replace("1e+308", "1e999").encode(), "infinite"),
    "NaN": (lambda f: layer(f, 1, rate=float("nan")), "no JSON in config.json"),
    "number of 5,000 digits": (lambda f: json.dumps(f).replace("2304", "9" * 5000).encode(), "no JSON"),
    "a name twice": (lambda f: json.dumps(f).replace("{", '{"module": "os", ', 1).encode(), "no JSON"),
    "nested deeply": (lambda _: nested(900), "lists in lists"),
    "nested very deeply": (lambda _: nested(100_000), "no JSON"),
    "text with escapes": (lambda f: layer(f, 1, name="\x1b[2J\n"), r"the text '\\x1b"),
    "no JSON": (lambda _: b"\xff\xfe", "no JSON in config.json"),
    "a list": (lambda _: b"[]", "no JSON in config.json"),
    "two megabytes": (lambda f: json.dumps(f).encode() + b" " * 2**21, "bytes of config.json"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "fault"), CONFIGS.values(), ids=CONFIGS)
def test_hostile_configuration_is_a_clear_error(
    workers: Workers, tmp_path: Path, change: Callable[[Config], Any], fault: str
) -> None:
    """What the configuration would have Keras build, import or allocate is named, and not built."""
    (tmp_path / "model.keras").write_bytes(model(change(model_config())))
    workers.expect("keras", tmp_path / "model.keras", fault)


def marked(data: bytes, place: int, value: int) -> bytes:
    """Return an archive of which the directory says another thing of its first member."""
    start = data.find(b"PK\x01\x02") + place
    return data[:start] + struct.pack("<H", value) + data[start + 2 :]


def linked() -> bytes:
    """Return an archive of which one member is a link."""
    link = zipfile.ZipInfo("config.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped([("metadata.json", b"{}"), (link, b"/etc/passwd"), ("model.weights.h5", weights())])


def edited(edit: Callable[[h5py.File], object]) -> bytes:
    """Return a model with something done to its weights."""
    return model(members={"model.weights.h5": weights(edit)})


def larger(data: bytes) -> bytes:
    """Return an archive that says that its directory is the larger one, which may be of any size."""
    return data[:-22] + struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1) + data[-22:]


OUTSIDE = [("/etc/passwd", 0, 400)]
BOMB = {"metadata.json": bytes(2**28 + 1)}
ARCHIVES = {
    "nothing strange": (model, None),
    "zipped weights": (lambda: model(compression=zipfile.ZIP_DEFLATED), "a strange compression of model.weights.h5"),
    "empty": (lambda: b"", "a damaged or foreign"),
    "half": (lambda: model()[:50_000], "a damaged or foreign"),
    "HDF5": (raw_h5, "an HDF5 file"),
    "pickle": (lambda: pickle.dumps({"weights": [1]}), "a damaged or foreign"),
    "another member": (lambda: model(members={"assets/x": b""}), "the members"),
    "a member above": (lambda: model(members={"../canary": b""}), r"the members .*'\.\./canary'"),
    "a member anywhere": (lambda: model(members={"/etc/cron.d/x": b""}), "the members .*/etc/cron"),
    "a member twice": (lambda: model() and zipped([("config.json", b"{}")] * 2), "the members"),
    "a member missing": (lambda: zipped([("config.json", b"{}"), ("metadata.json", b"{}")]), "the members"),
    "5,000 members": (lambda: zipped((f"{number}", b"") for number in range(5_000)), r"of 5,000 members"),
    "a few other members": (lambda: zipped((f"{number}", b"") for number in range(5)), "the members"),
    "a comment": (lambda: model()[:-2] + b"\4\0more", "a damaged or foreign"),
    "a larger directory": (lambda: zipped([("a", b"")]) and larger(model()), "a damaged or foreign"),
    "a member that is a link": (linked, "no JSON in config.json"),
    "a bomb": (lambda: model(members=BOMB, compression=zipfile.ZIP_DEFLATED), "268,435,457 bytes of metadata.json"),
    "an encrypted member": (lambda: marked(model(), 8, 1), "a damaged or foreign"),
    "bzip2": (lambda: model(compression=zipfile.ZIP_BZIP2), "a strange compression"),
    "lzma": (lambda: model(compression=zipfile.ZIP_LZMA), "a strange compression"),
    "a wrong checksum": (lambda: model().replace(b'"keras_version"', b'"keras_versiom"', 1), "a damaged or foreign"),
    "weights that are a pickle": (lambda: model(members={"model.weights.h5": pickle.dumps(1)}), "a damaged or foreign"),
    "weights elsewhere": (lambda: edited(lambda f: f.create_dataset("x", (100,), "f4", external=OUTSIDE)), "strange"),
    "weights behind a link": (lambda: edited(lambda f: f.__setitem__("x", h5py.ExternalLink("/x", "/"))), "strange"),
    "weights behind a soft link": (lambda: edited(lambda f: f.__setitem__("x", h5py.SoftLink("/"))), "a link 'x'"),
    "weights that are not there": (lambda: edited(lambda f: f.create_dataset("x", (2**40,), "f4")), "not all there"),
    "weights of objects": (lambda: edited(lambda f: f.create_dataset("x", (9,), h5py.ref_dtype)), "no plain numbers"),
    "zipped bytes in HDF5": (
        lambda: edited(lambda f: f.create_dataset("x", data=np.zeros(10**7), compression="gzip")),
        "a filter on 'x'",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("make", "fault"), ARCHIVES.values(), ids=ARCHIVES)
def test_hostile_archive_is_a_clear_error(
    workers: Workers, tmp_path: Path, make: Callable[[], bytes], fault: str | None
) -> None:
    """An archive with other members, or more in them than there may be, is refused before it is unpacked."""
    (tmp_path / "model.keras").write_bytes(make())
    workers.expect("keras", tmp_path / "model.keras", fault)


def test_sparse_file_as_large_as_may_be_is_refused(workers: Workers, tmp_path: Path) -> None:
    """A gigabyte of weights that takes no room on the disk is neither read nor copied, but for what describes it."""
    whole, size = model(), 2**30
    start = whole.find(b"model.weights.h5") + len("model.weights.h5")
    before, middle = whole[:start], whole[start : start + len(weights())]
    directory = whole[start + len(middle) :]
    old = struct.pack("<II", len(middle), len(middle))
    before, directory = (part.replace(old, struct.pack("<II", size, size)) for part in (before, directory))
    place = len(whole) - len(directory)
    directory = directory.replace(struct.pack("<I", place), struct.pack("<I", start + size))
    path = tmp_path / "model.keras"
    with path.open("wb") as file:
        file.write(before + middle)
        file.seek(start + size)
        file.write(directory)
    workers.expect("keras", path, "model.weights.h5: found a damaged or foreign file, expected HDF5")
    with path.open("r+b") as file:
        file.truncate(start + size + 2**21)
    workers.expect("keras", path, "found 1,0..,...,... bytes, expected")


LOAD = """
import sys
from pathlib import Path
from steps import backend
for name in sys.argv[1:]:
    try:
        print(backend.load(Path(name), (28, 28, 1), 10).count_params())
    except ValueError as error:
        print(error)
"""


def test_keras_loads_what_passed_and_nothing_else(tmp_path: Path) -> None:
    """Keras itself loads a model that passed, whatever its name; one whose weights do not fit is one clear error."""
    right, wrong, lying, other = (tmp_path / name for name in ("right.h5", "wrong.keras", "lying.keras", "other.keras"))
    right.write_bytes(model())
    wrong.write_bytes(model(layer(model_config(), 1, filters=5)))
    lying.write_bytes(model(layer(model_config(), 1, strides=[0, 0])))
    other.write_bytes(model(instead(model_config(), 2, lambdas)))
    command = [sys.executable, "-c", LOAD, right, wrong, lying, other]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    first, *rest = done.stdout.splitlines()
    assert first == str(5 * 5 * 4 + 4 + 24 * 24 * 4 * 10 + 10)
    assert len(rest) == 3, done.stdout
    assert all("; train it again" in line for line in rest), done.stdout
    assert "'Lambda'" in rest[2]
    assert "Traceback" not in done.stderr


def convolutions(*filters: int) -> bytes:
    """Return a model of blocks of convolutions, each block on half the sides, and of two dense layers."""
    config = model_config()
    first, conv, flatten, dense = config["config"]["layers"]
    conv["config"] |= {"padding": "same", "kernel_size": [3, 3]}
    pool = thing("keras.layers", "MaxPooling2D", pool_size=[2, 2], strides=[2, 2], padding="valid", name="pool")
    blocks = [one for count in filters for one in ({**conv, "config": {**conv["config"], "filters": count}}, pool)]
    wide = {**dense, "config": {**dense["config"], "units": 1024}}
    layers = [first, *blocks, flatten, wide, dense]
    config["config"]["layers"] = [{**one, "build_config": None} for one in layers]
    return model(config)


@pytest.mark.parametrize("filters", [(16, 32), (64, 128, 256), (128, 256, 512, 1024)])
def test_large_model_that_somebody_could_train_is_read(
    workers: Workers, tmp_path: Path, filters: tuple[int, ...]
) -> None:
    """The sides that pooling leaves count, so that many channels on few places are not taken for many weights."""
    (tmp_path / "model.keras").write_bytes(convolutions(*filters))
    workers.expect("keras", tmp_path / "model.keras", None)
