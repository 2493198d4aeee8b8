"""What a data set is: four IDX files with images of 28x28 and labels from 0 to 9, and the names of the known ones.

A data set is named by its content, not by where its files came from, so the name cannot be wrong.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from steps import idx

CLASSES = 10
IMAGE_SHAPE = (28, 28)
FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

# SHA-256 of the unzipped content, because the gzipped bytes differ from mirror to mirror.
MNIST = {
    "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
DIGITS = {
    "train_images": "f37fbbf191813c84f3fc66c644c16291471449f210b235ee1f4a07cfc39e511b",
    "train_labels": "f8a600b73e2c056aa42316260206e6643bd33e96bd71cfb8e32b94f76fac4f93",
    "test_images": "d568e28a3f16040a8b33e00abc052f951ee7819429b3c66385971eb3fa38f056",
    "test_labels": "cf2c8a23974df0c99eb3f36ff34c02acb9be1c84aca7280211ef04bea1135360",
}


def read(paths: Mapping[str, Path]) -> dict[str, bytes]:
    """Return the unzipped contents of the four IDX files of a data set, by role.

    Raises: FileNotFoundError; ValueError for a malformed file, other shapes, other labels or unequal counts.
    """
    contents = {role: idx.read(paths[role]) for role in FILES}
    for part in ("train", "test"):
        images = idx.decoded(contents[f"{part}_images"])  # (n, 28, 28)
        labels = idx.decoded(contents[f"{part}_labels"])  # (n,)
        check(images, labels, str(paths[f"{part}_images"]), str(paths[f"{part}_labels"]))
    return contents


def check(images: np.ndarray, labels: np.ndarray, images_name: str, labels_name: str) -> None:
    """Check that images and labels, which two files or datasets hold, belong together.

    Shapes: `images`: (n, 28, 28); `labels`: uint8 (n,).
    Raises: ValueError.
    """
    if images.shape[1:] != IMAGE_SHAPE:
        fault = f"{images_name}: found shape {images.shape}, expected images of 28x28, (n, 28, 28)"
    elif labels.ndim != 1:
        fault = f"{labels_name}: found shape {labels.shape}, expected labels, (n,)"
    elif len(images) != len(labels):
        fault = f"{labels_name}: found {len(labels):,} labels, expected one for each of {len(images):,} images"
    elif labels.max() >= CLASSES:
        fault = f"{labels_name}: found label {labels.max()}, expected 0 to {CLASSES - 1}"
    else:
        return
    raise ValueError(f"{fault}; check that the four files belong together")


def name(contents: Mapping[str, bytes]) -> str:
    """Return the name of a data set: `MNIST`, `scikit-learn digits` or `unknown: <digest>`."""
    digests = {role: sha256(contents[role]) for role in FILES}
    if digests == MNIST:
        return "MNIST"
    if digests == DIGITS:
        return "scikit-learn digits"
    return f"unknown: {sha256(''.join(digests.values()).encode())[:12]}"


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a file's unzipped content, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
