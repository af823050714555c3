"""Parameter groups: the layers of a net in a few parts, the first to be called first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from torch import nn

Groups = list[list[nn.Parameter]]
Splitter = Callable[[nn.Module], Groups]
LARGE = 0.3  # a share of all layers above which a part is taken apart


def splitter(n_body: int, body: str, *heads: str) -> Splitter:
    """What a fastai Learner takes as `splitter`: the body in some parts of about the same depth,
    and one last group for the heads.

    Args:
        n_body: parts of the body.
        body: name of the net's part that was pretrained.
        heads: names of the other parts.
    """

    def split(net: nn.Module) -> Groups:
        head = [one for name in heads for one in net.get_submodule(name).parameters()]
        return [*body_parts(net.get_submodule(body), n_body), head]

    return split


def body_parts(body: nn.Module, n: int) -> Groups:
    """The parameters of a body in n parts, cut between stages where its depth comes nearest to
    equal parts; parameters of the body itself, such as a token, belong to the first."""
    stages = list(_stages(body, LARGE * _depth(body)))
    depths = [0]
    for stage in stages:
        depths.append(depths[-1] + _depth(stage))
    cuts = [_nearest(depths, part * depths[-1] / n) for part in range(n)] + [len(stages)]
    groups = [
        [one for stage in stages[start:stop] for one in stage.parameters()]
        for start, stop in pairwise(cuts)
    ]
    taken = {id(one) for group in groups for one in group}
    own = [one for one in body.parameters() if id(one) not in taken]
    return [own + groups[0], *groups[1:]]


def _stages(module: nn.Module, limit: float) -> Iterator[nn.Module]:
    """The parts of a module in their order; one that is deeper than the limit is taken apart where
    it is a list of others."""
    for child in module.children():
        listed = isinstance(child, nn.Sequential | nn.ModuleList)
        if _depth(child) > limit and (listed or len(list(module.children())) == 1):
            yield from _stages(child, limit)
        else:
            yield child


def _depth(module: nn.Module) -> int:
    """Layers with weights of two or more dimensions: convolutions and linear ones."""
    return sum(parameter.ndim > 1 for parameter in module.parameters())


def _nearest(depths: Sequence[int], wanted: float) -> int:
    return min(range(len(depths)), key=lambda k: abs(depths[k] - wanted))
