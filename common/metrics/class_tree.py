"""Classes that lie under other classes: a chair is furniture, and so is everything said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from common.errors import DataError


@dataclass(frozen=True, eq=False)
class ClassTree:
    """Classes in the order of the tree, without the virtual root.

    Args:
        names: each class once, also where it hangs under several parents.
        ancestors: bool, (n_classes, n_classes); row c marks what class c lies under, as a set and
            without c itself.
    """

    names: tuple[str, ...]
    ancestors: np.ndarray

    @property
    def leaves(self) -> np.ndarray:
        """bool, (n_classes,): the classes that nothing lies under."""
        return np.asarray(~self.ancestors.any(axis=0))


def class_tree(root: Any) -> ClassTree:
    """The classes of a nested `{"LabelName": …, "Subcategory": [{…}, …]}`, whose root is no class.

    A class that stands in several places lies under everything above any of them.

    Raises: DataError where a node has no name, where a class lies under itself, and where there
    are no classes.

    >>> class_tree({"LabelName": "all", "Subcategory": [{"LabelName": "a"}]}).names
    ('a',)
    """
    position: dict[str, int] = {}
    pairs: set[tuple[int, int]] = set()
    waiting: list[tuple[Any, tuple[int, ...]]] = [(node, ()) for node in _children(root)[::-1]]
    while waiting:
        node, above = waiting.pop()
        name = _name(node)
        own = position.setdefault(name, len(position))
        if own in above:
            raise DataError(f"class {name!r} lies under itself; expected a tree")
        pairs.update((own, ancestor) for ancestor in above)
        waiting += [(child, (*above, own)) for child in _children(node)[::-1]]
    if not position:
        raise DataError("the root has no Subcategory; expected a tree of classes")
    ancestors = np.zeros((len(position), len(position)), dtype=bool)
    for own, ancestor in pairs:
        ancestors[own, ancestor] = True
    if (ancestors & ancestors.T).any():
        name = list(position)[int(np.argwhere(ancestors & ancestors.T)[0, 0])]
        raise DataError(f"class {name!r} lies under a class that lies under it; expected a tree")
    return ClassTree(tuple(position), ancestors)


def _name(node: Any) -> str:
    name = node.get("LabelName") if isinstance(node, dict) else None
    if not isinstance(name, str) or not name:
        raise DataError(f"the node {str(node)[:60]!r} has no LabelName; expected a tree of classes")
    return name


def _children(node: Any) -> list[Any]:
    children = node.get("Subcategory", []) if isinstance(node, dict) else None
    if not isinstance(children, list):
        raise DataError(
            f"the node {str(node)[:60]!r} has no list as Subcategory; expected a tree of classes"
        )
    return children
