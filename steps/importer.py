"""Step 2: turn four IDX files into one HDF5 file of images and labels, which also holds the name of the data set."""

from pathlib import Path

from steps import artifacts, dataset, idx


def run(train_images: Path, train_labels: Path, test_images: Path, test_labels: Path, raw: Path) -> dict[str, float]:
    """Import IDX files; return how many images there are."""
    paths = [train_images, train_labels, test_images, test_labels]
    contents = dataset.read(dict(zip(dataset.FILES, paths, strict=True)))
    arrays = {role: idx.decoded(content) for role, content in contents.items()}  # each uint8 (n, 28, 28) or (n,)
    train_count, test_count = len(arrays["train_labels"]), len(arrays["test_labels"])
    source = dataset.name(contents)
    attributes = {"source": source, "classes": dataset.CLASSES, "train_count": train_count, "test_count": test_count}
    with artifacts.writing(raw, **attributes) as file:
        for role, values in arrays.items():
            artifacts.write_array(file, role.replace("_", "/"), values)  # train_images becomes train/images
    print(f"Imported {source}: {train_count:,} training and {test_count:,} test images.")
    return {"train_images": train_count, "test_images": test_count}
