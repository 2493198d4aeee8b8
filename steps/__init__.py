"""The machine learning, one module per step, in this order: fetch, importer, normalizer, train, evaluator, report.

A step is a module with one public `run`: paths first, settings keyword-only with their defaults. It reads its inputs,
writes its outputs, and knows nothing of caching. Each step can be called by hand:

    from steps import normalizer
    normalizer.run(Path("data/raw.h5"), Path("data/normalized.h5"), validation=0.2)

Modules that steps share:

- `idx`: the format of MNIST's files. `dataset`: what four such files must hold. `digits` and `download`: two sources.
- `artifacts`: HDF5 and JSON files. `backend` and `network`: Keras and the model.
- `results`, `plots` and `templates/`: what the report is made of.
"""
