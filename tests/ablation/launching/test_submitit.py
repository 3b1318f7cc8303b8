"""The Slurm launcher where there is no Slurm: submitit's own local executor, and what would be submitted."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from research.ablation.launching.jobs import HEADING, last_lines
from research.ablation.launching.slurm import Slurm
from tests.ablation.launching.jobs import goes_on, shell, slurm, wait_for


@pytest.fixture(autouse=True)
def in_the_checkout(root, monkeypatch):
    """A node imports what was submitted from the folder that it was submitted from."""
    monkeypatch.chdir(root)


def test_a_failing_job_is_an_outcome_and_the_rest_go_on(tmp_path):
    scripts = {"a": "echo one; exit 3", "b": "echo two"}
    jobs = [shell(Path(os.path.relpath(tmp_path)), name, script) for name, script in scripts.items()]
    outcomes = {outcome.job.name: outcome for outcome in slurm(cluster="local").launch(jobs)}
    assert {name: outcome.code for name, outcome in outcomes.items()} == {"a": 3, "b": 0}
    said = {name: outcome.last_lines for name, outcome in outcomes.items()}
    assert said == {"a": ["one"], "b": ["two"]}
    assert [outcomes[job.name].job for job in jobs] == jobs
    assert [folder.name for folder in (tmp_path / "logs" / "submitit").iterdir()] == ["0001"]
    assert "submitit/0002" in slurm().dry_run(jobs)  # every launch has a folder of its own


def test_a_job_whose_time_is_up_saves_and_goes_on(tmp_path):
    """A minute less 56 seconds of grace: it is asked to save after four."""
    job = goes_on(tmp_path)
    [outcome] = slurm(cluster="local", minutes=1, grace_seconds=56).launch([job])
    assert outcome.ok
    tries = [line for line in job.log.read_text("utf-8").splitlines() if not line.startswith(HEADING)]
    count = (tmp_path / "long.state").read_text()
    assert tries == ["begun", f"saved {count}", f"goes on from {count}"]
    counting_and_saving = 0.02 * int(count) + 0.7
    assert outcome.seconds > counting_and_saving  # of the first try, and the second's seconds beside them


@pytest.mark.slow
def test_a_job_whose_time_is_up_too_often_is_a_failure(tmp_path):
    job = goes_on(tmp_path)
    [outcome] = slurm(cluster="local", minutes=1, grace_seconds=56, timeouts=0).launch([job])
    assert not outcome.ok
    assert re.fullmatch(r"saved \d+", outcome.last_lines[1])
    assert "timed-out too many times" in outcome.last_lines[-1]


@pytest.mark.parametrize("background", [False, True])
def test_a_stop_lets_jobs_save(background, tmp_path):
    """Also for a launcher in the background of a shell, where Ctrl-C is ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if background else signal.default_int_handler)
    try:
        stopped_and_saved(tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)


def stopped_and_saved(tmp_path):
    job = goes_on(tmp_path)
    outcomes = slurm(cluster="local").launch([job])
    helper = subprocess.Popen(
        ["sh", "-c", f"until grep -q ^begun {job.log}; do sleep 0.05; done; kill -15 {os.getpid()}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        with pytest.raises(KeyboardInterrupt, match=r"0 of 1 jobs ended.*--resume"):
            list(outcomes)
    finally:
        helper.wait()
    wait_for((tmp_path / "long.state").exists)


@pytest.mark.parametrize(
    ("ends", "signals", "said", "code"),
    [
        ("exit 0", "TERM", "(0, ", 0),  # it was done all the same
        ("exit 3", "TERM", "", 128 + signal.SIGTERM),  # no result: it is to run again
        ("exit 3", "CONT", "(3, ", 0),
    ],
)
def test_a_job_stopped_from_outside_leaves_no_result(tmp_path, ends, signals, said, code):
    """As on a node: submitit handles signals, and says nothing of them."""
    job = shell(tmp_path, "a", f"kill -{signals} $PPID; {ends}")
    program = (
        "import signal\nfrom pathlib import Path\nfrom research.ablation.launching import supervisor\n"
        "from research.ablation.launching.jobs import Job\nsupervisor.REQUEUE_SECONDS = 0\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\nsignal.signal(signal.SIGCONT, lambda *_: None)\n"
        f"print(supervisor.Supervisor(Job('a', {job.command!r}, Path({str(job.log)!r})), grace_seconds=1)())"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.stdout[: len(said) or None], ended.returncode) == (said, code), ended.stderr


def test_dry_run_says_what_every_field_asks_for(tmp_path):
    """Without a Slurm, and nothing is written. The names are sbatch's (its manual, version 22.05)."""
    launch = Slurm(
        cluster="slurm", partition="big", account="us", qos="low", minutes=90, nodes=3, tasks_per_node=4, cpus=3,
        memory_gb=17, gpus=2, gpus_per_task=0,
        array_parallelism=5, grace_seconds=77, timeouts=1, options=("constraint=a100", "exclusive"),
        setup=("module load cuda",), look_every_seconds=1,
    )  # fmt: skip
    text = launch.dry_run([shell(tmp_path, str(n), f"echo {n}") for n in range(7)])
    for line in (
        "--partition=big", "--account=us", "--qos=low", "--time=90", "--cpus-per-task=3", "--mem=17GB",
        "--nodes=3", "--ntasks-per-node=4", "--gpus-per-node=2",
        "--array=0-6%5", "--signal=USR2@77", "--constraint=a100", "--exclusive", "--requeue",
    ):  # fmt: skip
        assert f"\n#SBATCH {line}\n" in text
    assert "\nmodule load cuda\n" in text
    assert "# 6: sh -c 'echo 6'\n" in text
    of_tasks = replace(launch, gpus=0, gpus_per_task=1).dry_run([shell(tmp_path, "a", "true")])
    assert "\n#SBATCH --gpus-per-task=1\n" in of_tasks
    assert list(tmp_path.iterdir()) == []


def test_slurm_must_not_ask_for_a_save_at_once(tmp_path):
    """Its signal comes up to a minute early (sbatch's manual), here as a job starts."""
    with pytest.raises(ValueError, match="too short"):
        slurm(minutes=2, grace_seconds=60).dry_run([shell(tmp_path, "a", "true")])
    assert slurm(minutes=2, grace_seconds=59).dry_run([shell(tmp_path, "a", "true")])


def test_what_is_left_to_the_cluster_is_not_said(tmp_path):
    text = slurm().dry_run([shell(tmp_path, "a", "true")])
    assert not re.search("partition|account|qos|gpus|array=", text)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cluster": "slrum"}, "choose slurm or local"),
        ({}, "there is no sbatch here"),
        ({"cluster": "local", "minutes": 2, "grace_seconds": 120}, "launcher.minutes=2 is too short"),
    ],
)
def test_what_cannot_be_launched_is_refused(tmp_path, monkeypatch, fields, said):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=said):
        slurm(**fields).launch([shell(tmp_path, "a", "true")])
    assert last_lines(tmp_path / "logs" / "a.log") == []
