"""What a `.keras` file may be: looked at as zip, JSON and HDF5, before Keras is even imported.

Keras builds what a file's configuration names, which has let files import modules, read others, and fill the memory.
So a file must be a plain stack of the layers below, with what belongs to them: no other class, no function, no module,
no name that somebody registered. To allow another plain layer, add it to LAYERS, and what it weighs to `weight_of`.

Source: https://keras.io/guides/serialization_and_saving/.
"""

import json
import math
import shutil
from pathlib import Path
from typing import Any, NoReturn

from steps import archive, hdf5
from steps.archive import Fault

WEIGHTS, WIDTH, DEPTH = 2**26, 2**18, 1_000  # at most: weights, values between two layers, layers

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
    "keras.losses": {
        "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy", "Huber", "KLDivergence",
        "MeanAbsoluteError", "MeanSquaredError", "SparseCategoricalCrossentropy",
    },
    "keras.metrics": {
        "BinaryAccuracy", "CategoricalAccuracy", "MeanAbsoluteError", "MeanSquaredError", "SparseCategoricalAccuracy",
        "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy",
    },
    "keras.optimizers": {"Adam", "AdamW", "RMSprop", "SGD"},
    "keras.optimizers.schedules": {"CosineDecay", "ExponentialDecay"},
    "keras.regularizers": {"L1", "L1L2", "L2"},
}  # fmt: skip
PARTS = {"config", "build_config", "compile_config"}  # of an object: tables of values
OBJECT = {"module", "class_name", "registered_name", "shared_object_id"} | PARTS
TEXT, NESTED = 200, 4  # at most: characters of a text, lists in lists
PADDINGS = {"valid", "same"}
NUMBERS = {"float16", "float32", "float64"}


def copy_checked(path: Path, target: Path, shape: tuple[int, ...]) -> None:
    """Copy a `.keras` file, whose model takes samples of `shape`: the copy is what was checked, whoever writes to it.

    Raises: FileNotFoundError; ValueError for anything but a stack of plain layers with their weights.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected a Keras model; train one first")
    try:
        _check(path, str(path), shape)  # first, so that nothing else is ever copied
        shutil.copyfile(path, target)
        _check(target, str(path), shape)
        with target.open("rb") as file:
            archive.check_sums(file)  # since Keras reads past a wrong one
    except Fault as fault:
        raise ValueError(f"{path}: found {fault}, expected a .keras model of plain layers; train it again") from None


def _check(path: Path, subject: str, shape: tuple[int, ...]) -> None:
    with path.open("rb") as file:
        parts = archive.parts(file)
        _table(parts.metadata, "metadata.json")
        _stack(_table(parts.config, "config.json"), [None, *shape])
        hdf5.contents(parts.weights, f"{subject}: model.weights.h5")


def _table(text: bytes, name: str) -> dict[str, Any]:
    """Return a member that holds a table in JSON."""
    try:
        table = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refused)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise Fault(f"no JSON in {name}")
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
        raise Fault(f"{len(layers):,} layers")
    try:
        _object({**model, "config": {**config, "layers": None}}, MODELS)
        for layer in layers:
            _object(layer, LAYERS)
            strange = [name for name, item in layer["config"].items() if name not in FIELDS and item is not None]
            if strange:
                raise Fault(f"{strange[0]!r:.60} of a layer")
    except RecursionError:
        raise Fault("a model nested too deeply") from None
    first = [layers[0]["config"].get("batch_shape"), config.get("build_input_shape", shape)]
    first.append((model.get("build_config") or {}).get("input_shape", shape))
    if layers[0]["class_name"] != "InputLayer" or first != [shape] * 3:
        raise Fault(f"an input of shape {first[0]!r:.80}, not {shape}")
    weights, sides, channels = 0, shape[1:-1], shape[-1]
    for layer in layers[1:]:
        built, already = (layer.get("build_config") or {}).get("input_shape"), 0
        if built is not None:  # Keras builds with that, before the layer has its place
            extents = _wholes({"input_shape": _list(built)[1:] or [1]}, "input_shape")
            already = weight_of(layer, extents[:-1], extents[-1])[0]
        more, sides, channels = weight_of(layer, sides, channels)
        weights += max(more, already)
        if weights > WEIGHTS or math.prod(sides) * channels > WIDTH:
            raise Fault(f"a model of more than {WEIGHTS:,} weights, or {WIDTH:,} values between layers")


def weight_of(layer: dict[str, Any], sides: list[int], channels: int) -> tuple[int, list[int], int]:
    """Return how many weights a layer has at most, and the sides and the channels of its output."""
    config = layer["config"]
    if config.get("data_format") not in (None, "channels_last"):
        raise Fault(f"data in the order {config['data_format']!r:.80}")
    match layer["class_name"]:
        case "Conv2D":
            filters, kernel = _whole(config, "filters"), _wholes(config, "kernel_size")
            return (math.prod(kernel) * channels + 1) * filters, _swept(sides, kernel, config), filters
        case "MaxPooling2D" | "AveragePooling2D":
            return 0, _swept(sides, _wholes(config, "pool_size"), config), channels
        case "Dense":
            units = _whole(config, "units")
            return (channels + 1) * units, sides, units
        case "Flatten":
            return 0, [], math.prod(sides) * channels
        case "GlobalAveragePooling2D" | "GlobalMaxPooling2D":
            return 0, [1 for _ in sides] if config.get("keepdims") else [], channels
        case "BatchNormalization" | "LayerNormalization":
            last = config.get("axis") in (-1, [-1], 1 + len(sides), [1 + len(sides)])
            return 4 * channels * (1 if last else math.prod(sides)), sides, channels
        case "InputLayer":
            raise Fault("a second input")
    return 0, sides, channels


def _swept(sides: list[int], window: list[int], config: dict[str, Any]) -> list[int]:
    """Return in how many places a window finds room that goes over something of these sides."""
    steps = _wholes({"strides": config.get("strides") or window}, "strides")
    spread = _wholes({"dilation_rate": config.get("dilation_rate") or [1] * len(sides)}, "dilation_rate")
    if not len(sides) == len(window) == len(steps) == len(spread) or config.get("padding") not in (None, *PADDINGS):
        raise Fault(f"a strange window {window!r:.80}")
    whole = zip(sides, window, spread, strict=True)
    rooms = sides if config.get("padding") == "same" else [side - (width - 1) * far for side, width, far in whole]
    if min(rooms) < 1:
        raise Fault(f"a window {window!r:.80} on {sides!r:.80}")
    return [-(-room // step) for room, step in zip(rooms, steps, strict=True)]


def _wholes(config: dict[str, Any], name: str) -> list[int]:
    return [_whole({name: side}, name) for side in _list(config.get(name))]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Fault(f"{value!r:.80} in place of a list")
    return value


def _whole(config: dict[str, Any], name: str) -> int:
    value = config.get(name)
    if type(value) is not int or not 0 < value <= WIDTH:
        raise Fault(f"{name} {value!r:.80}")
    return value


def _object(value: Any, classes: dict[str, set[str]]) -> None:
    """Check an object, and all details in it: it must be of a known class, with no name that somebody registered."""
    if not isinstance(value, dict):
        raise Fault(f"{value!r:.80} in place of an object")
    module, name = value.get("module"), value.get("class_name")
    known = isinstance(module, str) and isinstance(name, str) and name in classes.get(module, ())
    if not known or value.get("registered_name") is not None or not value.keys() <= OBJECT:
        registered = f" registered as {value['registered_name']!r:.60}" if value.get("registered_name") else ""
        raise Fault(f"the class {module!r:.60} {name!r:.60}{registered}")
    for part in PARTS & value.keys():
        if not isinstance(value[part], dict | None):
            raise Fault(f"{part} {value[part]!r:.80}")
    if not isinstance(value.get("config"), dict):
        raise Fault(f"no config of '{name}'")
    for part in PARTS:
        for key, item in (value.get(part) or {}).items():
            numbers = key == "dtype" or (name, key) == ("DTypePolicy", "name")
            if numbers and isinstance(item, str) and item not in NUMBERS:
                raise Fault(f"numbers of type {item!r:.80}")
            _value(item)


def _value(value: Any, depth: int = 0) -> None:
    if depth > NESTED:
        raise Fault("lists in lists")
    if isinstance(value, dict):
        _object(value, DETAILS)
    elif isinstance(value, list):
        for item in value:
            _value(item, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Fault("an infinite number")
    elif isinstance(value, str) and not (value.isprintable() and len(value) <= TEXT):
        raise Fault(f"the text {value!r:.80}")
