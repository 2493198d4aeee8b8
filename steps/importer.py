"""Step 2: four IDX files become one HDF5 file of images and labels, which knows what data set it holds."""

from pathlib import Path

from steps import artifacts, dataset, idx


def run(train_images: Path, train_labels: Path, test_images: Path, test_labels: Path, raw: Path) -> dict[str, float]:
    """Import IDX files; return how many images there are."""
    paths = [train_images, train_labels, test_images, test_labels]
    contents = dataset.read(dict(zip(dataset.FILES, paths, strict=True)))
    arrays = {role: idx.decoded(content) for role, content in contents.items()}
    train, test = len(arrays["train_labels"]), len(arrays["test_labels"])
    source = dataset.name(contents)
    with artifacts.writing(raw, source=source, classes=dataset.CLASSES, train_count=train, test_count=test) as file:
        for role, values in arrays.items():  # uint8 (n, 28, 28) or (n,)
            artifacts.store(file, role.replace("_", "/"), values)
    print(f"Imported {source}: {train:,} training and {test:,} test images.")
    return {"train_images": train, "test_images": test}
