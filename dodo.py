"""MNIST in six stages: fetch, importer, normalizer, train, evaluator, report. Run it with `doit`."""

from redoit import DOIT_CONFIG, step

__all__ = ["DOIT_CONFIG"]

IDX = {
    "train_images": "data/mnist/train-images-idx3-ubyte.gz",
    "train_labels": "data/mnist/train-labels-idx1-ubyte.gz",
    "test_images": "data/mnist/t10k-images-idx3-ubyte.gz",
    "test_labels": "data/mnist/t10k-labels-idx1-ubyte.gz",
}


def task_fetch():
    """Download MNIST, or take scikit-learn's digits where no mirror can be reached."""
    return step("steps.fetch", inputs={}, outputs=IDX, impure=True)


def task_importer():
    """Convert the IDX files to one HDF5 file."""
    return step("steps.importer", inputs=IDX, outputs={"raw": "data/raw.h5"})


def task_normalizer():
    """Scale images to [0, 1] and split off a validation set."""
    return step("steps.normalizer", inputs={"raw": "data/raw.h5"}, outputs={"normalized": "data/normalized.h5"})


def task_train():
    """Fit a small convolutional network."""
    return step(
        "steps.train",
        inputs={"normalized": "data/normalized.h5"},
        outputs={"model": "data/model.keras", "history": "data/history.h5"},
    )


def task_evaluator():
    """Evaluate the model on the test set."""
    return step(
        "steps.evaluator",
        inputs={"normalized": "data/normalized.h5", "model": "data/model.keras"},
        outputs={"evaluation": "data/evaluation.h5", "metrics": "data/metrics.json"},
    )


def task_report():
    """Show results and plots on one page."""
    return step(
        "steps.report",
        inputs={
            "history": "data/history.h5",
            "evaluation": "data/evaluation.h5",
            "normalized": "data/normalized.h5",
            "template": "steps/templates/page.html",
        },
        outputs={
            "report": "data/report.html",
            "samples": "data/plots/samples.png",
            "accuracy": "data/plots/accuracy.svg",
            "loss": "data/plots/loss.svg",
            "confusion": "data/plots/confusion.svg",
            "mistakes": "data/plots/mistakes.png",
        },
    )
