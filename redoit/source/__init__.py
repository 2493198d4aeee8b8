"""A step, read and never imported: the project's modules, and the signature and settings of `run`.

`import_hook` alone acts on imports: what the project's code then imports is what was read.
"""
