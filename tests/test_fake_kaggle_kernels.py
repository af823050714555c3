"""Kernels through the real command: pushed, watched, fetched, pulled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_kaggle import FakeKaggle, KaggleCli, Run, Version, kernel_folder
from tests.fake_kaggle.kernel_calls import KernelCalls, slugify
from tests.fake_kaggle.wire import Refused

pytest_plugins = ["tests.fake_kaggle.fixtures"]


def test_a_pushed_kernel_runs_and_leaves_its_output(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    files = {f"part{number}.txt": b"%d" % number for number in range(3)} | {"a/b.csv": b"id\n"}
    fake_kaggle.world.next_run("ada/leaf-cnn", Run(output=files, log="one\ntwo\n"))
    fake_kaggle.world.add_competition("leaf-2", {"train.csv": b""})
    folder = kernel_folder(tmp_path / "kernel", competition_sources=["leaf-2"])

    pushed = kaggle_cli.run("kernels", "push", "-p", folder, "--accelerator", "NvidiaTeslaT4")
    assert pushed.code == 0
    assert "Kernel version 1 successfully pushed" in pushed.out
    assert "not valid" not in pushed.out
    (body,) = fake_kaggle.bodies("SaveKernel")
    assert body["text"] == "print(1)\n"
    assert body["enableInternet"] is False
    assert body["machineShape"] == "NvidiaTeslaT4"
    assert fake_kaggle.world.version("ada/leaf-cnn").accelerator == "GPU"

    for status in ("QUEUED", "RUNNING", "COMPLETE"):
        seen = kaggle_cli.run("kernels", "status", "ada/leaf-cnn")
        assert f'has status "KernelWorkerStatus.{status}"' in seen.out

    out = tmp_path / "out"
    fetched = kaggle_cli.run(
        "kernels", "output", "ada/leaf-cnn", "-p", out, "-o", "--page-size", "2"
    )
    assert fetched.code == 0
    assert {name: (out / name).read_bytes() for name in files} == files
    log = json.loads((out / "leaf-cnn.log").read_text())
    assert [event["data"] for event in log] == ["one\n", "two\n"]
    assert len(fake_kaggle.calls("ListKernelSessionOutput")) == 2


def test_sources_that_may_not_be_used_are_dropped_and_the_push_succeeds(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    world = fake_kaggle.world
    world.add_competition("leaf-2", {}, entered=False)
    world.add_dataset("ada/ready", {})
    world.add_dataset("ada/early", {}, statuses=("BLOBS_RECEIVED", "READY"))
    world.add_kernel("bob/still-running", Run(statuses=("RUNNING",)))
    folder = kernel_folder(
        tmp_path / "kernel",
        competition_sources=["leaf-2"],
        dataset_sources=["ada/ready", "ada/early"],
        kernel_sources=["bob/still-running"],
        keywords=["no such tag"],
    )
    pushed = kaggle_cli.run("kernels", "push", "-p", folder)
    assert pushed.code == 0
    for complaint in (
        "not valid competition sources and could not be added to the kernel: ['leaf-2']",
        "not valid dataset sources and could not be added to the kernel: ['ada/early']",
        "not valid kernel sources and could not be added to the kernel: ['bob/still-running']",
        "not valid tags and could not be added to the kernel: ['no such tag']",
        "Kernel version 1 successfully pushed",
    ):
        assert complaint in pushed.out
    sources = world.version("ada/leaf-cnn").sources
    assert sources["datasetDataSources"] == ["ada/ready"]
    assert sources["competitionDataSources"] == []


def test_a_push_that_the_server_declines_ends_with_code_0(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    for number in range(5):
        fake_kaggle.world.add_kernel(f"ada/running-{number}", Run(statuses=("RUNNING",)))
    folder = kernel_folder(tmp_path / "kernel")
    declined = kaggle_cli.run("kernels", "push", "-p", folder)
    message = "Kernel push error: Maximum batch CPU session count of 5 reached."
    assert (declined.code, declined.err) == (0, "")
    assert message in declined.out
    assert "ada/leaf-cnn" not in fake_kaggle.world.kernels

    kernel_folder(folder, "#" * 1_000_000)
    too_large = kaggle_cli.run("kernels", "push", "-p", folder)
    assert (too_large.code, too_large.out) == (1, "")
    assert too_large.err == "The kernel source must be less than 1 megabytes in size.\n"


@pytest.mark.parametrize(
    ("slug", "title"),
    [
        ("ada/leaf-cnn", "Leaves and nets"),  # gives another slug
        ("ada/leaf-cnn", None),
        ("ada/2-leaves", "2 Leaves"),  # starts with a digit
        ("ada/leaf", "Leaf"),  # four characters
        ("ada/leaf-cnn", "Leaf CNN \N{HERB}"),
    ],
)
def test_a_new_kernels_title_has_to_give_its_slug(
    fake_kaggle: FakeKaggle, slug: str, title: str | None
) -> None:
    answer = KernelCalls(fake_kaggle.world).save_kernel({"slug": slug, "newTitle": title})
    assert answer == {"error": "Notebook not found"}
    assert fake_kaggle.world.kernels == {}


def test_slugs_have_at_most_50_characters_and_owners_push_for_themselves(
    fake_kaggle: FakeKaggle,
) -> None:
    calls = KernelCalls(fake_kaggle.world)
    assert calls.save_kernel({"slug": "ada/" + "a" * 50, "newTitle": "A" * 50})["versionNumber"]
    with pytest.raises(Refused) as refused:
        calls.save_kernel({"slug": "ada/" + "a" * 51, "newTitle": "A" * 51})
    assert (refused.value.status, refused.value.answer().body) == (400, b"")
    with pytest.raises(Refused) as refused:
        calls.save_kernel({"slug": "bob/leaf-cnn", "newTitle": "Leaf CNN"})
    assert refused.value.status == 403
    assert slugify("Leaf  CNN, \N{LATIN SMALL LETTER E WITH ACUTE}2") == "leaf-cnn-e2"


def test_gpu_sessions_and_hours_are_counted(fake_kaggle: FakeKaggle) -> None:
    world, calls = fake_kaggle.world, KernelCalls(fake_kaggle.world)
    world.next_run("ada/leaf-cnn", Run(statuses=("RUNNING", "ERROR")))
    for owner in ("ada", "bob"):  # neither without a GPU nor of another account
        shape = None if owner == "ada" else "NvidiaTeslaT4"
        world.add_kernel(f"{owner}/other", Run(statuses=("RUNNING",)), machineShape=shape)
    push = {"slug": "ada/leaf-cnn", "newTitle": "Leaf CNN", "machineShape": "NvidiaTeslaT4"}
    assert [calls.save_kernel(push).get("versionNumber") for _ in range(3)] == [1, 2, None]
    assert "GPU session count of 2" in calls.save_kernel(push)["error"]
    world.version("ada/leaf-cnn").progress.finish()
    assert calls.save_kernel(push)["versionNumber"] == 3
    world.gpu_quota.used = 30.0
    assert "weekly GPU quota of 30.00 hours" in calls.save_kernel(push)["error"]


def test_unequal_title_and_slug_can_lock_the_kernel_for_good(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    fake_kaggle.world.unequal_titles_lock = True
    folder = kernel_folder(tmp_path / "kernel", title="Leaves and nets")
    pushed = kaggle_cli.run("kernels", "push", "-p", folder)
    assert "Your kernel title does not resolve to the specified id" in pushed.out
    assert "Kernel version 1 successfully pushed" in pushed.out
    for verb in ("status", "output"):
        seen = kaggle_cli.run("kernels", verb, "ada/leaf-cnn", cwd=tmp_path)
        assert (seen.code, "wrong kernel slug" in seen.err) == (1, True)


def test_a_run_that_fails_keeps_what_it_wrote(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    def halfway(version: Version) -> dict[str, bytes]:
        return {"half.csv": version.request["text"].encode()}

    run = Run(("RUNNING", "ERROR"), halfway, raw_log="Traceback\n", failure="out of memory")
    fake_kaggle.world.add_kernel("ada/leaf-cnn", run, text="x = 1\n")
    early = kaggle_cli.run("kernels", "output", "ada/leaf-cnn", "-p", tmp_path / "early")
    assert (early.code, list((tmp_path / "early").iterdir())) == (0, [])
    assert "RUNNING" in kaggle_cli.run("kernels", "status", "ada/leaf-cnn").out
    ended = kaggle_cli.run("kernels", "status", "ada/leaf-cnn")
    assert ended.code == 0
    assert 'KernelWorkerStatus.ERROR"\nFailure message: "out of memory"' in ended.out
    kaggle_cli.run("kernels", "output", "ada/leaf-cnn", "-p", tmp_path / "out")
    assert (tmp_path / "out" / "half.csv").read_text() == "x = 1\n"
    assert kaggle_cli.run("kernels", "logs", "ada/leaf-cnn").out == "Traceback\n\n"


def test_a_kernel_is_pulled_at_any_version(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    fake_kaggle.world.add_competition("leaf-2", {})
    for number in (1, 2):
        folder = kernel_folder(
            tmp_path / "kernel", f"print({number})\n", competition_sources=["leaf-2"]
        )
        kaggle_cli.run("kernels", "push", "-p", folder)
    kaggle_cli.run("kernels", "pull", "ada/leaf-cnn/1", "-p", tmp_path / "old")
    assert (tmp_path / "old" / "leaf-cnn.py").read_text() == "print(1)\n"
    kaggle_cli.run("kernels", "pull", "ada/leaf-cnn", "-m", "-p", tmp_path / "new")
    assert (tmp_path / "new" / "leaf-cnn.py").read_text() == "print(2)\n"
    metadata = json.loads((tmp_path / "new" / "kernel-metadata.json").read_text())
    assert metadata["id"] == "ada/leaf-cnn"
    assert metadata["title"] == "Leaf CNN"
    assert metadata["enable_internet"] is False
    assert metadata["competition_sources"] == ["leaf-2"]
    found = KernelCalls(fake_kaggle.world).get_kernel({"userName": "ada", "kernelSlug": "leaf-cnn"})
    assert found["metadata"]["currentVersionNumber"] == 2


def test_logs_are_followed_to_the_end_of_the_run(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli
) -> None:
    run = Run(("RUNNING", "COMPLETE"), output={"a.csv": b"12345"}, log="epoch 1\nepoch 2\n")
    fake_kaggle.world.add_kernel("ada/leaf-cnn", run)
    for _ in range(2):  # as events while it runs, then from the log that was kept
        assert kaggle_cli.run("kernels", "logs", "ada/leaf-cnn", "-f").out == "epoch 1\nepoch 2\n"
    assert fake_kaggle.calls("logs/*") == ["logs/ada/leaf-cnn"] * 2
    listed = kaggle_cli.run("kernels", "files", "ada/leaf-cnn", "--csv")
    assert "a.csv,5," in listed.out
    quota = kaggle_cli.run("quota", "--csv")
    assert "GPU,0.00h,30.00h,30.00h" in quota.out


def test_output_is_saved_as_the_server_names_it_and_whatever_it_is(
    fake_kaggle: FakeKaggle, kaggle_cli: KaggleCli, tmp_path: Path
) -> None:
    absolute = tmp_path / "absolute.txt"
    output = {"../beside.txt": b"1", str(absolute): b"2", "net.bin": b"3", "cut.csv": b"12345"}
    fake_kaggle.world.add_kernel("ada/leaf-cnn", Run(("COMPLETE",), output))
    out = tmp_path / "out"
    fetch = ("kernels", "output", "ada/leaf-cnn", "-p", out, "-o")
    fake_kaggle.fault("blob/net.bin", status=404, html=True)
    assert kaggle_cli.run(*fetch).code == 0
    assert (tmp_path / "beside.txt").read_bytes() == b"1"
    assert absolute.read_bytes() == b"2"
    assert b"<html>" in (out / "net.bin").read_bytes()
    # only a body that ends too early is noticed, and even then an empty file is left
    fake_kaggle.fault("blob/cut.csv", cut=3)
    assert kaggle_cli.run(*fetch).code == 1
    assert (out / "cut.csv").read_bytes() == b""
