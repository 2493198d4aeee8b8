"""The embedded default: the 1,797 real handwritten digits that scikit-learn carries, in MNIST's form.

They are not MNIST: 8x8 images with 17 intensities, and 39 times fewer. But they are here without a network.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (the test part).
"""

import numpy as np
from sklearn.datasets import load_digits

from steps import idx

TEST = 360  # the last ones, in the order of the source: a fifth
SIDE = 28
BRIGHTEST = 16  # the highest intensity in scikit-learn's images


def contents() -> dict[str, bytes]:
    """Return the contents of four IDX files, by role."""
    digits = load_digits()
    images = enlarged(digits.images.astype(np.int64))  # (1797, 28, 28)
    labels = digits.target.astype(np.uint8)  # (1797,)
    return {
        "train_images": idx.encoded(images[:-TEST]),
        "train_labels": idx.encoded(labels[:-TEST]),
        "test_images": idx.encoded(images[-TEST:]),
        "test_labels": idx.encoded(labels[-TEST:]),
    }


def enlarged(images: np.ndarray) -> np.ndarray:
    """Return images scaled to 28x28 by bilinear interpolation, in whole numbers: the same bytes on any machine.

    Shapes: `images`: int64 (n, side, side) in 0 to 16; the result: uint8 (n, 28, 28) in 0 to 255.
    """
    weights = interpolation(images.shape[1], SIDE)  # (28, side)
    total = int(weights[0].sum()) ** 2 * BRIGHTEST  # what the brightest pixel adds up to
    sums = weights @ images @ weights.T  # (n, 28, 28)
    return ((sums * 255 + total // 2) // total).astype(np.uint8)  # (n, 28, 28)


def interpolation(old: int, new: int) -> np.ndarray:
    """Return whole-number weights that interpolate `new` values between `old` ones; each row adds up to 2 * new.

    Shapes: int64 (new, old).
    """
    weights = np.zeros((new, old), np.int64)  # (new, old)
    for target in range(new):
        # The centre of the target pixel, in units of 1 / (2 * new) of an old pixel.
        left, share = divmod((2 * target + 1) * old - new, 2 * new)
        weights[target, max(left, 0)] += 2 * new - share
        weights[target, min(left + 1, old - 1)] += share
    return weights
