# Plugins by name: commands, here.

class PluginDict(dict[str, object]):
    def to_dict(self) -> dict[str, object]: ...
