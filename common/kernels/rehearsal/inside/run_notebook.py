"""Executes a notebook as Kaggle does: in a kernel process of its own, its output in the log."""

import sys
from pathlib import Path


def main(path: str) -> int:
    """Runs every cell; gives 1 where one raised, after its error is in the log."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name=notebook.metadata.kernelspec.name,
        resources={"metadata": {"path": str(Path.cwd())}},
        on_cell_executed=lambda cell, **_: _show(cell),
    )
    # pipes in a folder, because a session may have no network at all, not even its own
    client.km = client.create_kernel_manager()
    client.km.transport = "ipc"
    try:
        client.execute()
    except CellExecutionError:
        return 1
    return 0


def _show(cell) -> None:  # type: ignore[no-untyped-def]
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            print(output.text, end="", flush=True)
        elif output.output_type == "error":
            print("\n".join(output.traceback), flush=True)
            print(f"{output.ename}: {output.evalue}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
