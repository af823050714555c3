"""The same root, laid out by bubblewrap: quicker, and allowed where namespaces are not."""

from __future__ import annotations

from collections.abc import Sequence

from common.kernels.isolation.inside.steps import HOST_NAME, Step

PROGRAM = "bwrap"
# change owners, pass over modes: what root may do in a container
CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID")


def arguments(steps: Sequence[Step], command: Sequence[str]) -> list[str]:
    """The command line that lays the steps out and runs a command in them as user 0."""
    words = [PROGRAM, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    words += ["--uid", "0", "--gid", "0", "--hostname", HOST_NAME]
    words += ["--cap-drop", "ALL"]
    for capability in CAPABILITIES:
        words += ["--cap-add", capability]
    for step in steps:
        words += _words(step)
    for step in steps:
        if step.kind in ("hidden", "processes"):
            words += ["--remount-ro", step.place]
    return [*words, "--remount-ro", "/", "--", *command]


def _words(step: Step) -> list[str]:
    if step.kind == "memory":
        size = ["--size", str(step.size)] if step.size else []
        return ["--perms", "1777", *size, "--tmpfs", step.place]
    return {
        "bind": ["--ro-bind", step.source, step.place],
        "device": ["--dev-bind", step.source, step.place],
        "hidden": ["--tmpfs", step.place],
        "link": ["--symlink", step.source, step.place],
        "folder": ["--dir", step.place],
        "processes": ["--proc", step.place],
    }[step.kind]
