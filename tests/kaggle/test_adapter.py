"""What the command's words mean, and what of them may be shown."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from common.errors import KaggleError
from common.kaggle import cli, credentials, kernels, records
from common.kaggle.built import Built
from common.kaggle.cli import Kaggle
from common.kaggle.faults import Answer, Kind, fault_of, kind_of
from common.kaggle.journal import WAITING, Journal
from common.kaggle.kernels import Held, Status, same_source
from common.kaggle.patience import Patience
from common.kaggle.redaction import redacted
from common.kaggle.waiting import Watch
from tests.kaggle.desk import Clock

# What the command, version 2.2.4, wrote in these situations.
SAID = {
    "429 Client Error: Too Many Requests for url: http://x/y": Kind.TOO_MANY,
    "Too Many Requests": Kind.TOO_MANY,
    "403 Client Error: Forbidden for url: http://x/y": Kind.FORBIDDEN,
    "Permission 'kernels.get' was denied": Kind.FORBIDDEN,
    "You must accept this competition's rules before you can continue": Kind.FORBIDDEN,
    "404 Client Error: Not Found for url: http://x/y": Kind.MISSING,
    "500 Server Error: Internal Server Error for url: http://x/y": Kind.SERVER,
    "requests.exceptions.HTTPError: 500 Server Error: x for url: http://x/y": Kind.SERVER,
    "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: x": Kind.CREDENTIALS,
    "Expecting value: line 1 column 1 (char 0)": Kind.GARBLED,
    "Unterminated string starting at: line 1 column 10 (char 9)": Kind.GARBLED,
    "('Connection aborted.', RemoteDisconnected('closed'))": Kind.NETWORK,
    "('Connection broken: IncompleteRead(99 bytes read)', x)": Kind.NETWORK,
    "HTTPSConnectionPool(host='api.kaggle.com', port=443): Max retries exceeded": Kind.NETWORK,
    "[Errno 28] No space left on device: '/x'": Kind.PLACE,
    "The kernel source must be less than 1 megabytes in size.": Kind.REFUSED,
    "Submission 4290 of team 5030 is open": Kind.REFUSED,
}


@pytest.mark.parametrize(("said", "kind"), SAID.items(), ids=SAID)
def test_a_line_of_the_command_has_a_kind(said: str, kind: Kind) -> None:
    assert kind_of(said) is kind


def answer(code: int | None, stdout: str = "", stderr: str = "") -> Answer:
    return Answer(("kernels", "status", "ada/x"), code, stdout, stderr)


def test_of_a_traceback_only_the_last_line_is_told() -> None:
    stderr = (
        "Traceback (most recent call last):\n"
        '  File "/home/ada/kaggle/cli.py", line 70, in main\n'
        "AttributeError: 'NoneType' object has no attribute 'upper'\n"
    )
    error = fault_of(answer(1, stderr=stderr), "kernel ada/x")
    assert error is not None
    assert error.kind == Kind.COMMAND
    assert "`kaggle kernels status` broke over kernel ada/x (AttributeError: 'None" in str(error)
    assert "cli.py" not in str(error)


def test_options_that_the_command_does_not_know_mean_that_it_is_too_old() -> None:
    stderr = "usage: kaggle [-h]\nkaggle: error: unrecognized arguments: --format json\n"
    error = fault_of(answer(2, stderr=stderr), "x")
    assert error is not None
    assert "expected the command of version 2.2.4 or later: pip install --upgrade" in str(error)


def test_a_command_that_somebody_else_interrupted_has_not_succeeded() -> None:
    error = fault_of(answer(0, "User cancelled operation\n"), "x")
    assert error is not None
    assert error.kind == Kind.COMMAND


def test_a_machine_without_the_command_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KaggleError, match=r"neither beside .* nor on the path; install it: pip"):
        Kaggle().run(["--version"], 10)


def test_an_interrupted_call_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "kaggle"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    script.chmod(0o755)
    monkeypatch.setattr(cli, "_command", lambda: script)

    def interrupted(*_: object) -> None:
        pid = tmp_path / "pid"
        while not (pid.is_file() and pid.read_text().endswith("\n")):  # the shell makes it empty
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(Kaggle, "_communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Kaggle().run(["kernels", "push"], 10)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_pauses_double_and_are_bounded() -> None:
    pauses = list(Patience(tries=8, first_pause=4, longest_pause=60).pauses())
    assert len(pauses) == 7
    for pause, plain in zip(pauses, (4, 8, 16, 32, 60, 60, 60), strict=True):
        assert plain <= pause <= 1.1 * plain


def test_a_call_is_tried_as_often_as_patience_has_it() -> None:
    clock, calls = Clock(), []

    def fails() -> None:
        calls.append(1)
        raise KaggleError("down", Kind.SERVER)

    said: list[str] = []
    with pytest.raises(KaggleError, match="down"):
        Kaggle(said.append, clock.patience(tries=3)).patiently(fails)
    assert len(calls) == 3
    assert len(clock.slept) == 2
    assert said[0].startswith("Kaggle failed (a fault on their side); trying again in 4 s (try 2")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_wait_shows_the_time_on_a_terminal_and_a_line_per_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, said, screen = Clock(), [], Screen()
    words = iter(["QUEUED", "RUNNING", "RUNNING", "RUNNING", "COMPLETE"])
    monkeypatch.setattr(kernels, "status", lambda *_: Status(next(words)))
    monkeypatch.setattr(sys, "stderr", screen)
    journal = Journal("ada/x", "", WAITING, sent=0, before=0, version=1)
    kaggle = Kaggle(said.append, clock.patience(first_poll=30, longest_poll=40))
    assert Watch(kaggle, journal, until=1e6).until_ended() == Status("COMPLETE")
    assert [line.split()[-1] for line in said] == ["QUEUED", "RUNNING", "COMPLETE"]
    assert "RUNNING 1:50" in screen.getvalue()  # 30 + 40 + 40 seconds
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    cli.show_passing("RUNNING 1:50")
    assert sys.stderr.getvalue() == ""


# ---- tables -------------------------------------------------------------------------------------


def test_rows_are_read_past_warnings_and_page_tokens() -> None:
    text = (
        "Warning: Your Kaggle API key is readable by other users on this system!\n"
        "Next Page Token = page-20\n"
        '[\n  {\n    "name": "[a] {b}.csv",\n    "size": 3\n  }\n]\n'
    )
    assert records.records(answer(0, text)) == ([{"name": "[a] {b}.csv", "size": 3}], "page-20")
    assert records.records(answer(0, "No files found\n")) == ([], "")


@pytest.mark.parametrize("text", ["", "something else", '[{"name": "a"', "[1, 2]"])
def test_what_is_no_table_is_an_error(text: str) -> None:
    with pytest.raises(KaggleError, match="printed no table that can be read"):
        records.records(answer(0, text))


# ---- kernels ------------------------------------------------------------------------------------


def held(source: str = "a\n", **metadata: object) -> Held:
    return Held(source, dict(metadata))


def test_line_ends_and_a_notebooks_outputs_do_not_make_another_source() -> None:
    assert same_source("a\r\nb\n", "a\nb", "script")
    assert not same_source("a\nb", "a\n b", "script")
    ours = '{"cells": [{"cell_type": "code", "source": ["a\\n", "b"], "outputs": [1]}], "x": 1}'
    theirs = '{"cells": [{"cell_type": "code", "source": "a\\nb", "outputs": []}]}'
    assert same_source(ours, theirs, "notebook")
    assert not same_source(ours, theirs.replace("b", "c"), "notebook")
    assert not same_source(ours, "no notebook", "notebook")


def test_a_source_is_known_under_kaggles_prefixes(tmp_path: Path) -> None:
    metadata = {
        "id": "ada/x",
        "competition_sources": ["LANL-Earthquake-Prediction"],
        "dataset_sources": ["ada/wheels"],
        "kernel_sources": ["ada/train"],
        "enable_internet": False,
        "kernel_type": "script",
    }
    built = Built("lanl", tmp_path, metadata, {}, "a\n")
    theirs = {
        "competition_sources": ["competitions/lanl-earthquake-prediction"],
        "dataset_sources": ["datasets/ada/wheels/3"],
        "kernel_sources": ["code/ada/train"],
    }
    assert built.missing_in(held(**theirs)) == []
    assert built.is_held_as(held(**theirs, enable_internet=False))
    assert not built.is_held_as(held(**theirs, enable_internet=True))
    assert built.missing_in(held(**{**theirs, "competition_sources": []})) == [
        "competition LANL-Earthquake-Prediction"
    ]
    assert built.missing_in(held()) == []  # nothing is told of them


SAFE = {
    "submission.csv": True,
    "run/fold0/weights..safetensors": True,
    "..a/b": True,
    "../a": False,
    "a/../b": False,
    "a/..": False,
    "/a": False,
    "~/a": False,
    "C:a": False,
    "a\\b": False,
    "a\nb": False,
    "": False,
}


@pytest.mark.parametrize(("name", "safe"), SAFE.items())
def test_a_safe_name_stays_in_its_folder(name: str, safe: bool) -> None:
    assert bool(re.search(kernels.SAFE_NAME, name)) is safe


# ---- secrets ------------------------------------------------------------------------------------

HIDDEN = {
    "for url: https://a.example/x/y.csv?X-Goog-Signature=abc&e=1": "?(hidden)",
    "url: /blob/b1/a.csv?sig=abc (Caused by": "a.csv?(hidden) (Caused by",
    "http://ada:abc@proxy.example:3128/": "http://proxy.example:3128/",
    "Authorization: Bearer abc.def-ghi": "(hidden)",
    '{"username":"ada","key":"abc"}': '"username":"ada"',
    "KAGGLE_KEY=abc": "(hidden)",
    "KGAT_abc": "(hidden)",
}


@pytest.mark.parametrize(("text", "kept"), HIDDEN.items())
def test_secrets_are_hidden_and_the_rest_is_kept(text: str, kept: str) -> None:
    assert "abc" not in redacted(text)
    assert kept in redacted(text)


def test_ordinary_text_is_left_as_it_is() -> None:
    text = "epoch 3: loss 0.4; see https://www.kaggle.com/code/ada/x, 2 of 5 at 12:30"
    assert redacted(text) == text


def test_this_machines_credentials_are_hidden_by_their_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KAGGLE_API_TOKEN", "an-odd-token")
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "an-odd-key")
    places = [entry.place for entry in credentials.found()]
    assert places == ["$KAGGLE_API_TOKEN", "$KAGGLE_USERNAME and $KAGGLE_KEY"]
    assert redacted("x an-odd-token y an-odd-key ada") == "x (hidden) y (hidden) ada"


def test_the_command_of_this_environment_is_taken_before_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("mine", "other"):
        for name in ("kaggle", "python"):
            place = tmp_path / folder / name
            place.parent.mkdir(exist_ok=True)
            place.write_text("#!/bin/sh\necho $0\n")
            place.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "mine/python"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'other'}:/bin")
    assert Kaggle().run(["x"], 10).stdout == f"{tmp_path / 'mine/kaggle'}\n"
    (tmp_path / "mine/kaggle").unlink()
    assert Kaggle().run(["x"], 10).stdout == f"{tmp_path / 'other/kaggle'}\n"
