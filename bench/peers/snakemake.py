"""Snakemake: rules in a Snakefile, with the file of each step among their inputs."""

from collections.abc import Mapping

from bench.mnist import Stages
from bench.peers.peer import Peer, call, code


def write(stages: Stages) -> Mapping[str, str]:
    """Return the Snakefile."""
    everything = [path for stage in stages for path in stage["outputs"].values()]
    rules = [f"rule all:\n    input: {everything!r}\n"]
    rules += [
        f"rule {stage['name']}:\n"
        f"    input: {[*stage['inputs'].values(), code(stage)]!r}\n"
        f"    output: {list(stage['outputs'].values())!r}\n"
        f"    shell: {call(stage['name'])!r}\n"
        for stage in stages
    ]
    return {"Snakefile": "\n".join(rules)}


PEERS = [
    Peer(
        "Snakemake",
        "snakemake>=8,<10",
        write,
        ("snakemake", "-c1"),
        "`snakemake -c1`; times of files, and whether the rule itself changed; of the code, the step's own file",
        said="Nothing to be done",
    )
]
