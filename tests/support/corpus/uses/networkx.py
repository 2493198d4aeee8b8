"""Use networkx: a large package, whose functions a decorator dispatches and whose modules are imported lazily."""

import networkx as nx
from steps.witness import executed


def run(source, made):
    """Write what algorithms say of a graph."""
    executed(made.name)
    graph = nx.parse_edgelist(source.read_text().splitlines(), nodetype=int, data=[("weight", int)])
    found = [
        nx.shortest_path(graph, 1, 5, weight="weight"),
        sorted(nx.minimum_spanning_tree(graph).edges(data="weight")),
        {node: round(value, 6) for node, value in nx.betweenness_centrality(graph).items()},
        list(nx.connected_components(graph)),
        nx.density(graph),
        list(nx.topological_sort(nx.DiGraph([(1, 2), (2, 3), (1, 3)]))),
        nx.greedy_color(graph),
    ]
    made.write_text("\n".join(map(str, found)))
