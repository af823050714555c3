"""Executes a notebook as Kaggle does: in a kernel process of its own, its output in the log."""

import sys
from pathlib import Path


def main(path: str) -> int:
    """Runs every cell; gives 1 where one raised or the process died, after that is in the log."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    class Client(NotebookClient):
        """Prints what a cell writes when it writes it."""

        def output(self, outs, message, *place):  # type: ignore[no-untyped-def]
            written = super().output(outs, message, *place)
            if written is not None:
                _show(written)
            return written

    notebook = nbformat.reads(  # type: ignore[no-untyped-call]
        Path(path).read_text(encoding="utf-8"), as_version=4
    )
    client = Client(
        notebook,
        timeout=None,
        kernel_name=notebook.metadata.kernelspec.name,
        resources={"metadata": {"path": str(Path.cwd())}},
    )
    # pipes in a folder, because a session may have no network at all, not even its own
    client.km = client.create_kernel_manager()
    client.km.transport = "ipc"
    try:
        client.execute()
    except CellExecutionError:
        return 1
    except DeadKernelError:
        print("DeadKernelError: the notebook's process died, as where memory is used up")
        return 1
    return 0


def _show(output) -> None:  # type: ignore[no-untyped-def]
    if output.output_type == "stream":
        print(output.text, end="", flush=True)
    elif output.output_type == "error":
        print("\n".join(output.traceback), flush=True)
        print(f"{output.ename}: {output.evalue}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
