"""Step 3: intensities become float32 in [0, 1], and a stratified share of the training images is set aside.

Images pass through in blocks, in their order, so a set may be larger than memory; only labels are held whole.
"""

from pathlib import Path

import h5py
import numpy as np

from steps import artifacts, dataset

BLOCK = 4 * artifacts.CHUNK_ROWS  # images at a time


def normalized_from(images: np.ndarray, scale: float) -> np.ndarray:
    """Return intensities as a share of `scale`, which becomes 1, as does anything brighter.

    Shapes: `images`: uint8 (n, 28, 28); the result: float32 (n, 28, 28).
    Units: intensity in 0 to 255 to intensity in [0, 1].
    """
    shares = images / np.float32(scale)  # (n, 28, 28)
    return np.minimum(shares, np.float32(1), out=shares)


def set_aside(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return which samples are for validation: `share` of them in all and, to within one sample, of each class.

    Shuffled, then sorted by class, they are picked at even distances.

    Shapes: `labels`: uint8 (n,); the result: bool (n,).
    Raises: ValueError if training or validation would be left without samples.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))  # (n,)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]  # (n,)
    due = np.round(np.arange(len(labels) + 1) * share)  # (n + 1,), how many of the first 0, 1, ..., n
    chosen = np.zeros(len(labels), bool)  # (n,)
    chosen[by_class] = np.diff(due) > 0
    if not 0 < chosen.sum() < len(labels):
        fault = f"found {share:g} of {len(labels):,} images, which leaves one side empty"
        raise ValueError(f"validation: {fault}, expected a share between 0 and 1; try 0.1")
    return chosen


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
        name = artifacts.text(source, "source")
        chosen = set_aside(labels_of(source, "train"), validation, seed)  # (n,)
        everything = np.ones(len(labels_of(source, "test")), bool)  # (n of test,)
        with artifacts.writing(normalized, source=name, classes=dataset.CLASSES) as target:
            copy(source, "train", target, {"train": ~chosen, "validation": chosen}, scale)
            copy(source, "test", target, {"test": everything}, scale)
    counts = {"train": int((~chosen).sum()), "validation": int(chosen.sum()), "test": len(everything)}
    print("Normalised " + ", ".join(f"{count:,} {part}" for part, count in counts.items()) + " images.")
    return {f"{part}_images": count for part, count in counts.items()}


def labels_of(source: h5py.File, part: str) -> np.ndarray:
    """Return the labels of one part of `source`, once they are known to fit its images.

    Shapes: uint8 (n,).
    Raises: ValueError.
    """
    images = artifacts.dataset(source, f"{part}/images", np.uint8, dataset.SHAPE)  # (n, 28, 28)
    labels = artifacts.rows(artifacts.dataset(source, f"{part}/labels", np.uint8, ()))  # (n,)
    dataset.check(images, labels, *(f"{source.filename}: {part}/{name}" for name in ("images", "labels")))
    return labels


def copy(source: h5py.File, part: str, target: h5py.File, masks: dict[str, np.ndarray], scale: float) -> None:
    """Copy one part of `source` into parts of `target`, block by block: to each the samples its mask tells.

    Shapes: each of `masks`: bool (n,).
    """
    images = artifacts.dataset(source, f"{part}/images", np.uint8, dataset.SHAPE)  # (n, 28, 28)
    labels = labels_of(source, part)  # (n,)
    for name, mask in masks.items():
        artifacts.store(target, f"{name}/labels", labels[mask])
        artifacts.create(target, f"{name}/images", (int(mask.sum()), *images.shape[1:]), np.float32)
    filled = dict.fromkeys(masks, 0)
    for start in range(0, len(images), BLOCK):
        block = normalized_from(artifacts.rows(images, start, start + BLOCK), scale)  # (up to BLOCK, 28, 28)
        for name, mask in masks.items():
            picked = block[mask[start : start + BLOCK]]  # (up to BLOCK, 28, 28)
            target[f"{name}/images"][filled[name] : filled[name] + len(picked)] = picked
            filled[name] += len(picked)


def part_of(path: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of one part of what `run` wrote.

    Shapes: float32 (n, 28, 28, 1) and uint8 (n,).
    Raises: FileNotFoundError; ValueError for any other file.
    """
    with artifacts.reading(path) as file:
        images = artifacts.rows(artifacts.dataset(file, f"{part}/images", np.float32, dataset.SHAPE))  # (n, 28, 28)
        labels = artifacts.rows(artifacts.dataset(file, f"{part}/labels", np.uint8, ()))  # (n,)
    dataset.check(images, labels, f"{path}: {part}/images", f"{path}: {part}/labels")
    return images[..., np.newaxis], labels
