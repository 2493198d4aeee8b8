"""The data set for work without a network: the 1,797 handwritten digits of scikit-learn, in the form of MNIST.

They are real, but they are not MNIST: 8x8 images with 17 intensities, and 39 times fewer.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (the test part).
"""

import numpy as np
from sklearn.datasets import load_digits

from steps import idx

TEST_COUNT = 360  # the last images, in the order of the source: a fifth
SIDE = 28  # pixels
BRIGHTEST = 16  # the highest intensity in scikit-learn's images


def contents() -> dict[str, bytes]:
    """Return the contents of four IDX files, by role."""
    digits = load_digits()
    images = enlarged(digits.images.astype(np.int64))  # (1797, 28, 28)
    labels = digits.target.astype(np.uint8)  # (1797,)
    return {
        "train_images": idx.encoded(images[:-TEST_COUNT]),
        "train_labels": idx.encoded(labels[:-TEST_COUNT]),
        "test_images": idx.encoded(images[-TEST_COUNT:]),
        "test_labels": idx.encoded(labels[-TEST_COUNT:]),
    }


def enlarged(images: np.ndarray) -> np.ndarray:
    """Return images enlarged to 28x28 by bilinear interpolation, in whole numbers: the same bytes on any machine.

    Shapes: `images`: int64 (n, side, side) in 0 to 16; the result: uint8 (n, 28, 28) in 0 to 255.
    """
    weights = interpolation(images.shape[1], SIDE)  # (28, side)
    largest_sum = int(weights[0].sum()) ** 2 * BRIGHTEST  # of the brightest pixel
    sums = weights @ images @ weights.T  # (n, 28, 28)
    return ((sums * 255 + largest_sum // 2) // largest_sum).astype(np.uint8)  # (n, 28, 28), rounded


def interpolation(old_side: int, new_side: int) -> np.ndarray:
    """Return whole-number weights that interpolate `new_side` pixels between `old_side` pixels.

    Shapes: int64 (new_side, old_side); each row adds up to 2 * new_side.
    """
    weights = np.zeros((new_side, old_side), np.int64)  # (new_side, old_side)
    for new in range(new_side):
        # The centre of the new pixel lies between two old ones; positions are in units of 1 / (2 * new_side).
        left, share = divmod((2 * new + 1) * old_side - new_side, 2 * new_side)
        weights[new, max(left, 0)] += 2 * new_side - share
        weights[new, min(left + 1, old_side - 1)] += share
    return weights
