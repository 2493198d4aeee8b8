"""Step 3: scale intensities to float32 in [0, 1], and set a stratified share of the training images aside.

Images are read in blocks, in their order, so a data set may be larger than memory; only labels are held whole.
"""

from pathlib import Path

import h5py
import numpy as np

from steps import artifacts, dataset

BLOCK_ROWS = 4 * artifacts.CHUNK_ROWS  # images in memory at a time


def run(
    raw: Path, normalized: Path, *, scale: float = 255.0, validation: float = 0.1, seed: int = 7
) -> dict[str, float]:
    """Normalise images and split the training set; return how many images each part has.

    scale: intensity that becomes 1.0; what is brighter becomes 1.0 too
    validation: share of the training images, of each class alike, that is set aside for validation
    seed: of the random choice of validation images
    """
    if not 0 < scale < float("inf"):
        raise ValueError(f"scale: found {scale:g}, expected a finite number above 0; MNIST's brightest pixel has 255")
    with artifacts.reading(raw) as source:
        name = artifacts.read_text(source, "source")
        is_validation = validation_mask(read_labels(source, "train"), validation, seed)  # (n,)
        is_test = np.ones(len(read_labels(source, "test")), bool)  # (n of test,), all true
        with artifacts.writing(normalized, source=name, classes=dataset.CLASSES) as target:
            copy_part(source, "train", target, {"train": ~is_validation, "validation": is_validation}, scale)
            copy_part(source, "test", target, {"test": is_test}, scale)
    counts = {"train": int((~is_validation).sum()), "validation": int(is_validation.sum()), "test": len(is_test)}
    print("Normalised " + ", ".join(f"{count:,} {part}" for part, count in counts.items()) + " images.")
    return {f"{part}_images": count for part, count in counts.items()}


def validation_mask(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return which samples are for validation: `share` of all and, to within one sample, of each class.

    The samples are shuffled and then sorted by class, and validation samples are picked at even distances.

    Shapes: `labels`: uint8 (n,); the result: bool (n,).
    Raises: ValueError if training or validation would have no samples.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))  # (n,)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]  # (n,)
    picked_before = np.round(np.arange(len(labels) + 1) * share)  # (n + 1,), how many of the first 0, 1, ..., n
    mask = np.zeros(len(labels), bool)  # (n,)
    mask[by_class] = np.diff(picked_before) > 0
    if not 0 < mask.sum() < len(labels):
        fault = f"found {share:g} of {len(labels):,} images, which leaves one side empty"
        raise ValueError(f"validation: {fault}, expected a share between 0 and 1; try 0.1")
    return mask


def copy_part(source: h5py.File, part: str, target: h5py.File, masks: dict[str, np.ndarray], scale: float) -> None:
    """Copy one part of `source` into parts of `target`, each with the samples that its mask selects.

    Shapes: each of `masks`: bool (n,).
    """
    images = artifacts.find_dataset(source, f"{part}/images", np.uint8, dataset.IMAGE_SHAPE)  # (n, 28, 28)
    labels = read_labels(source, part)  # (n,)
    for name, mask in masks.items():
        artifacts.write_array(target, f"{name}/labels", labels[mask])
        artifacts.create_dataset(target, f"{name}/images", (int(mask.sum()), *dataset.IMAGE_SHAPE), np.float32)
    written = dict.fromkeys(masks, 0)
    for start in range(0, len(images), BLOCK_ROWS):
        block = artifacts.read_rows(images, start, start + BLOCK_ROWS)  # uint8 (block, 28, 28)
        block = normalized_from(block, scale)  # float32 (block, 28, 28)
        for name, mask in masks.items():
            selected = block[mask[start : start + BLOCK_ROWS]]  # (up to block, 28, 28)
            target[f"{name}/images"][written[name] : written[name] + len(selected)] = selected
            written[name] += len(selected)


def normalized_from(images: np.ndarray, scale: float) -> np.ndarray:
    """Return intensities divided by `scale`, and 1 for what is brighter.

    Shapes: `images`: uint8 (n, 28, 28); the result: float32 (n, 28, 28).
    Units: intensity in 0 to 255 to intensity in [0, 1].
    """
    shares = images / np.float32(scale)  # (n, 28, 28)
    return np.minimum(shares, np.float32(1), out=shares)


def read_labels(source: h5py.File, part: str) -> np.ndarray:
    """Return the labels of one part of a raw file, one for each of its images.

    Shapes: uint8 (n,).
    Raises: ValueError.
    """
    images = artifacts.find_dataset(source, f"{part}/images", np.uint8, dataset.IMAGE_SHAPE)  # (n, 28, 28)
    labels = artifacts.read_array(source, f"{part}/labels", np.uint8, ())  # (n,)
    dataset.check(images, labels, f"{source.filename}: {part}/images", f"{source.filename}: {part}/labels")
    return labels


def read_part(path: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of one part of a normalised file, for the steps that follow.

    Shapes: float32 (n, 28, 28, 1) and uint8 (n,).
    Raises: FileNotFoundError; ValueError for any other file.
    """
    with artifacts.reading(path) as file:
        images = artifacts.read_array(file, f"{part}/images", np.float32, dataset.IMAGE_SHAPE)  # (n, 28, 28)
        labels = artifacts.read_array(file, f"{part}/labels", np.uint8, ())  # (n,)
    dataset.check(images, labels, f"{path}: {part}/images", f"{path}: {part}/labels")
    return images[..., np.newaxis], labels  # (n, 28, 28, 1), (n,)
