"""What a `.keras` file may be: looked at as zip, JSON and HDF5, before Keras is even imported.

Keras builds what a file's configuration names, which has let files import modules, read others, and fill the memory.
So a file must be a plain stack of the layers below, with what belongs to them: no other class, no function, no module,
no name that somebody registered. To allow another plain layer, add it to LAYERS, and what it weighs to `weight_of`.

Source: https://keras.io/guides/serialization_and_saving/.
"""

import io
import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any, NoReturn

from steps import hdf5

LIMITS = {"metadata.json": 2**16, "config.json": 2**20, "model.weights.h5": 2**28}  # bytes of each member
SIZE = 2 * sum(LIMITS.values())  # bytes of a file
WEIGHTS, WIDTH, DEPTH = 2**26, 2**17, 1_000  # at most: weights, values between two layers, layers

MODELS = {"keras": {"Sequential"}}  # module -> classes
LAYERS = {
    "keras.layers": {
        "Activation", "AveragePooling2D", "BatchNormalization", "Conv2D", "Dense", "Dropout", "Flatten",
        "GlobalAveragePooling2D", "GlobalMaxPooling2D", "InputLayer", "LayerNormalization", "MaxPooling2D", "ReLU",
    },
}  # fmt: skip
FIELDS = {  # of layers; others must be null, since they may add weights
    "activation", "activity_regularizer", "axis", "batch_shape", "beta_initializer", "beta_regularizer",
    "bias_initializer", "bias_regularizer", "center", "data_format", "dilation_rate", "dtype", "epsilon", "filters",
    "gamma_initializer", "gamma_regularizer", "groups", "keepdims", "kernel_initializer", "kernel_regularizer",
    "kernel_size", "max_value", "momentum", "moving_mean_initializer", "moving_variance_initializer", "name",
    "negative_slope", "noise_shape", "optional", "padding", "pool_size", "ragged", "rate", "renorm", "renorm_momentum",
    "rms_scaling", "scale", "seed", "sparse", "strides", "synchronized", "threshold", "trainable", "units", "use_bias",
}  # fmt: skip
DETAILS = {
    "keras": {"DTypePolicy"},
    "keras.initializers": {"GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Ones", "Zeros"},
    "keras.optimizers": {"Adam", "AdamW", "RMSprop", "SGD"},
    "keras.optimizers.schedules": {"CosineDecay", "ExponentialDecay"},
    "keras.regularizers": {"L1", "L1L2", "L2"},
}
PARTS = {"config", "build_config", "compile_config"}  # of an object: tables of values
OBJECT = {"module", "class_name", "registered_name", "shared_object_id"} | PARTS
TEXT, NESTED = 200, 4  # at most: characters of a text, lists in lists
NUMBERS = {"float16", "float32", "float64"}

ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OSError, OverflowError, IndexError)


class _Fault(Exception):  # noqa: N818 - what was found, and half of an error's text
    """Something that no model of ours has."""


def checked(path: Path, shape: tuple[int, ...]) -> bytes:
    """Return the content of a `.keras` file whose model takes samples of `shape`.

    Raises: FileNotFoundError; ValueError for anything but a stack of plain layers with their weights.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected a Keras model; train one first")
    try:
        content = _content(path)
        parts = _members(content)
        _table(parts["metadata.json"], "metadata.json")
        _stack(_table(parts["config.json"], "config.json"), [None, *shape])
    except _Fault as fault:
        raise ValueError(f"{path}: found {fault}, expected a .keras model of plain layers; train it again") from None
    hdf5.contents(io.BytesIO(parts["model.weights.h5"]), f"{path}: model.weights.h5")
    return content


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size > SIZE:
            raise _Fault(f"{size:,} bytes")
        return file.read(size)


def _members(content: bytes) -> dict[str, bytes]:
    """Return the content of each member of an archive."""
    if content.startswith(hdf5.SIGNATURE):
        raise _Fault("an HDF5 file")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if sorted(names) != sorted(LIMITS):
                raise _Fault(f"the members {names[:6]!r:.200}")
            return {member.filename: _member(archive, member) for member in members}
    except ZIP_FAULTS as error:
        raise _Fault(f"a damaged or foreign archive ({type(error).__name__})") from None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the content of a member, never more than its limit."""
    if member.file_size > LIMITS[member.filename]:
        raise _Fault(f"{member.file_size:,} bytes of {member.filename}")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Fault(f"a strange compression of {member.filename}")
    with archive.open(member) as file:
        return file.read(member.file_size + 1)  # one more than promised: makes zipfile check its sum


def _table(text: bytes, name: str) -> dict[str, Any]:
    """Return a member that holds a table in JSON."""
    try:
        table = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refused)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise _Fault(f"no JSON in {name}")
    return table


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _refused(constant: str) -> NoReturn:
    raise ValueError(constant)


def _stack(model: dict[str, Any], shape: list[int | None]) -> None:
    """Check a model's configuration: known layers alone, which take samples of this shape and stay below the limits."""
    config = model.get("config")
    layers = _list(config.get("layers") if isinstance(config, dict) else None)
    if not 1 < len(layers) <= DEPTH:
        raise _Fault(f"{len(layers):,} layers")
    try:
        _object({**model, "config": {**config, "layers": None}}, MODELS)
        for layer in layers:
            _object(layer, LAYERS)
            strange = [name for name, item in layer["config"].items() if name not in FIELDS and item is not None]
            if strange:
                raise _Fault(f"{strange[0]!r:.60} of a layer")
    except RecursionError:
        raise _Fault("a model nested too deeply") from None
    first = [layers[0]["config"].get("batch_shape"), config.get("build_input_shape", shape)]
    first.append((model.get("build_config") or {}).get("input_shape", shape))
    if layers[0]["class_name"] != "InputLayer" or first != [shape] * 3:
        raise _Fault(f"an input of shape {first[0]!r:.80}, not {shape},")
    weights, (inner, channels) = 0, (math.prod(shape[1:-1]), shape[-1])
    for layer in layers[1:]:
        built = (layer.get("build_config") or {}).get("input_shape")
        if built is not None:  # Keras builds with that, before the layer has its place
            extents = [_whole({"input_shape": extent}, "input_shape") for extent in _list(built)[1:]] or [1]
            weights += weight_of(layer, math.prod(extents[:-1]), extents[-1])[0]
        more, inner, channels = weight_of(layer, inner, channels)
        weights += more
        if weights > WEIGHTS or inner * channels > WIDTH:
            raise _Fault(f"a model of more than {WEIGHTS:,} weights, or {WIDTH:,} values between layers,")


def weight_of(layer: dict[str, Any], inner: int, channels: int) -> tuple[int, int, int]:
    """Return how many weights a layer has, and how many places and channels its output has; each may be less."""
    config = layer["config"]
    if config.get("data_format") not in (None, "channels_last"):
        raise _Fault(f"data in the order {config['data_format']!r:.80}")
    match layer["class_name"]:
        case "Conv2D":
            filters, kernel = _whole(config, "filters"), config.get("kernel_size")
            area = math.prod(_whole({"kernel_size": side}, "kernel_size") for side in _list(kernel))
            return (area * channels + 1) * filters, inner, filters
        case "Dense":
            units = _whole(config, "units")
            return (channels + 1) * units, inner, units
        case "Flatten" | "GlobalAveragePooling2D" | "GlobalMaxPooling2D":
            return 0, 1, inner * channels
        case "BatchNormalization" | "LayerNormalization":
            return 4 * inner * channels, inner, channels
        case "InputLayer":
            raise _Fault("a second input")
    return 0, inner, channels


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Fault(f"{value!r:.80} in place of a list")
    return value


def _whole(config: dict[str, Any], name: str) -> int:
    value = config.get(name)
    if type(value) is not int or not 0 < value <= WIDTH:
        raise _Fault(f"{name} {value!r:.80}")
    return value


def _object(value: Any, classes: dict[str, set[str]]) -> None:
    """Check an object, and all details in it: it must be of a known class, with no name that somebody registered."""
    if not isinstance(value, dict):
        raise _Fault(f"{value!r:.80} in place of an object")
    module, name = value.get("module"), value.get("class_name")
    known = isinstance(module, str) and isinstance(name, str) and name in classes.get(module, ())
    if not known or value.get("registered_name") is not None or not value.keys() <= OBJECT:
        registered = f" registered as {value['registered_name']!r:.60}" if value.get("registered_name") else ""
        raise _Fault(f"the class {module!r:.60} {name!r:.60}{registered}")
    for part in PARTS & value.keys():
        if not isinstance(value[part], dict | None):
            raise _Fault(f"{part} {value[part]!r:.80}")
    if not isinstance(value.get("config"), dict):
        raise _Fault(f"no config of '{name}'")
    for part in PARTS:
        for key, item in (value.get(part) or {}).items():
            numbers = key == "dtype" or (name, key) == ("DTypePolicy", "name")
            if numbers and isinstance(item, str) and item not in NUMBERS:
                raise _Fault(f"numbers of type {item!r:.80}")
            _value(item)


def _value(value: Any, depth: int = 0) -> None:
    if depth > NESTED:
        raise _Fault("lists in lists")
    if isinstance(value, dict):
        _object(value, DETAILS)
    elif isinstance(value, list):
        for item in value:
            _value(item, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _Fault("an infinite number")
    elif isinstance(value, str) and not (value.isprintable() and len(value) <= TEXT):
        raise _Fault(f"the text {value!r:.80}")
