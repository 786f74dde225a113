"""The YAML store: records in files that people read and edit, changed by Holdall without losing a comment."""

from holdall.stores.yaml.collection import Layout, YamlCollection
from holdall.stores.yaml.opening import open_yaml
from holdall.stores.yaml.store import YamlStore

__all__ = ["Layout", "YamlCollection", "YamlStore", "open_yaml"]
