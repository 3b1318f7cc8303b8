"""The Slurm launcher on a real Slurm, which the fixture starts on this machine and stops."""

import os
import re
import signal
import subprocess
import sys

import pytest

from research.ablation.launching.jobs import HEADING, Job, last_lines
from research.results.run_folder import RunFolder
from tests.ablation.launching.jobs import goes_on, shell, slurm, wait_for
from tests.ablation.launching.slurm_cluster import missing, slurm_cluster

SMALL = (
    "--config=configs/embedded_tiny.py:luong",
    "--config.model.width=8",
    "--config.data.embedded.train_pairs=200",
    "--config.data.embedded.validation_pairs=20",
    "--config.data.embedded.test_pairs=20",
    "--config.data.buckets=1",
    "--config.training.validate_every_steps=60",
    "--config.training.save_every_steps=2",
)
pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.skipif(missing() != "", reason=missing())]


@pytest.fixture(scope="module")
def cluster():
    with slurm_cluster() as environment:
        yield environment


@pytest.fixture(autouse=True)
def speaks_to_it(cluster, root, monkeypatch):
    monkeypatch.chdir(root)
    for name, value in cluster.items():
        monkeypatch.setenv(name, value)


def command(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def ids(folder):
    """Return the ids of all jobs that were submitted there."""
    return [file.name.removesuffix("_submitted.pkl") for file in sorted(folder.glob("**/*_submitted.pkl"))]


def when_begun(job, script):
    """A shell that waits for the job's first words, and then does as `script` says."""
    return subprocess.Popen(["sh", "-c", f"until grep -q ^begun {job.log}; do sleep 0.1; done 2>/dev/null; {script}"])


def when_line(file, script):
    """A shell that waits for the third line of a file, and then does as `script` says."""
    return subprocess.Popen(
        ["sh", "-c", f"until test $(wc -l < {file}) -gt 2; do sleep 0.1; done 2>/dev/null; {script}"]
    )


def tries(job):
    return [line for line in job.log.read_text("utf-8").splitlines() if not line.startswith(HEADING)]


def went_on(job, folder):
    count = (folder / f"{job.name}.state").read_text()
    return ["begun", f"saved {count}", f"goes on from {count}"]


def test_an_array_with_a_failing_job_is_what_the_dry_run_said(tmp_path):
    scripts = {"a": "echo one", "b": "echo two; exit 3", "c": "echo $SLURM_CPUS_PER_TASK $SLURM_ARRAY_TASK_COUNT $TOLD"}
    jobs = [shell(tmp_path, name, script) for name, script in scripts.items()]
    launch = slurm(cpus=2, array_parallelism=2, setup=("export TOLD=yes",), options=("comment=it's ours",))
    said = launch.dry_run(jobs)
    outcomes = {outcome.job.name: outcome for outcome in launch.launch(jobs)}
    assert {name: outcome.code for name, outcome in outcomes.items()} == {"a": 0, "b": 3, "c": 0}
    assert {name: outcome.last_lines for name, outcome in outcomes.items()} == {
        "a": ["one"],
        "b": ["two"],
        "c": ["2 3 yes"],
    }
    [script] = (tmp_path / "logs" / "submitit" / "0001").glob("*_submission.sh")
    assert said.endswith(script.read_text())
    assert said.removesuffix(script.read_text()).splitlines()[1] == "# 1: sh -c 'echo two; exit 3'"
    assert len({id.partition("_")[0] for id in ids(tmp_path)}) == 1  # one array


def test_one_job_is_what_the_dry_run_said(tmp_path):
    said = slurm().dry_run([shell(tmp_path, "a", "true")])
    [outcome] = slurm().launch([shell(tmp_path, "a", "true")])
    assert outcome.ok
    [script] = tmp_path.glob("**/*_submission.sh")
    assert said.endswith(script.read_text())


@pytest.mark.parametrize(
    "asks",
    [
        pytest.param("scancel --signal=USR2 {id}", id="its time is up"),
        pytest.param("scancel --signal=TERM {id}; scancel --signal=USR2 {id}", id="both signals of a preemption"),
        pytest.param("scontrol requeue {id}", id="preempted by requeueing"),
    ],
)
def test_a_job_that_is_sent_away_saves_and_goes_on(tmp_path, asks):
    job = goes_on(tmp_path)
    outcomes = slurm().launch([job])
    helper = when_begun(job, asks.format(id=ids(tmp_path)[0]))
    [outcome] = outcomes
    assert helper.wait() == 0
    assert outcome.ok, outcome.last_lines
    assert tries(job) == went_on(job, tmp_path)


def test_a_job_whose_minutes_are_up_saves_and_goes_on(tmp_path):
    """By Slurm's own clock."""
    job = goes_on(tmp_path)
    [outcome] = slurm(minutes=2, grace_seconds=50).launch([job])
    assert outcome.ok
    assert tries(job) == went_on(job, tmp_path)


@pytest.mark.parametrize(
    ("lost", "stops"),
    [
        pytest.param("scontrol requeue {id}", 1, id="preempted"),
        pytest.param("pkill -KILL --oldest --full 'run.py train.*{folder}'", 0, id="one task killed"),
    ],
)
def test_a_job_of_several_tasks_trains_as_one_is_lost_and_goes_on(tmp_path, lost, stops):
    """Two processes that Slurm starts meet by themselves; what it preempts saves once, comes back and finishes."""
    folder = tmp_path / "run"
    steps = "--config.training.steps=60"
    words = [sys.executable, "run.py", "train", *SMALL, steps, "--config.training.log_every_steps=1"]
    job = Job("together", (*words, f"--workdir={folder}"), tmp_path / "logs" / "together.log")
    outcomes = slurm(tasks_per_node=2, memory_gb=4).launch([job])
    helper = when_line(folder / "metrics.jsonl", lost.format(id=ids(tmp_path)[0], folder=tmp_path))
    [outcome] = outcomes
    assert helper.wait() == 0
    assert outcome.ok, outcome.last_lines
    said = job.log.read_text("utf-8")
    assert sum(line.startswith(HEADING) for line in said.splitlines()) == 4  # two tries, a name and a command each
    assert len(re.findall(r"^error: stopped at step \d+, which is saved", said, re.MULTILINE)) == stops
    run = RunFolder(folder)
    assert [line["step"] for line in run.metrics() if "train/loss" in line] == list(range(1, 61))
    assert run.provenance()["devices"] == "16 × cpu"  # conftest.py makes eight of each process
    assert len(run.provenance()["went_on"]) == 1


def test_a_job_that_vanishes_is_a_failure_and_the_rest_go_on(tmp_path):
    job, other = goes_on(tmp_path), shell(tmp_path, "other", "sleep 8; echo done")
    outcomes = slurm().launch([job, other])
    helper = when_begun(job, f"scancel {ids(tmp_path)[0]}")
    outcomes = {outcome.job.name: outcome for outcome in outcomes}
    assert helper.wait() == 0
    assert outcomes["other"].ok
    assert not outcomes["long"].ok
    assert outcomes["long"].last_lines[-1] == "the job ended without a result, and is CANCELLED"
    assert outcomes["long"].last_lines[1].startswith("saved")  # Slurm let it


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_cancels_the_jobs_once_they_saved(tmp_path, number):
    jobs = [goes_on(tmp_path), goes_on(tmp_path, "other"), shell(tmp_path, "short", "true")]
    outcomes = slurm(array_parallelism=2).launch(jobs)
    wait_for(lambda: last_lines(jobs[1].log) == ["begun"])
    helper = when_begun(jobs[0], f"kill -{int(number)} {os.getpid()}")
    with pytest.raises(KeyboardInterrupt, match=r"0 of 3 jobs ended.*--resume"):
        list(outcomes)
    assert helper.wait() == 0
    assert all(last_lines(job.log)[-1].startswith("saved") for job in jobs[:2])
    assert command("squeue", "--noheader") == ""
    assert all(outcome.ok for outcome in slurm().launch(jobs))
    assert all(tries(job) == went_on(job, tmp_path) for job in jobs[:2])


def test_what_a_killed_launcher_left_is_waited_for(tmp_path, root):
    """And is not submitted a second time, while what it had not is."""
    long, new = shell(tmp_path, "long", "echo begun; sleep 6; echo ended"), shell(tmp_path, "new", "true")
    program = (
        "from pathlib import Path\nfrom research.ablation.launching.jobs import Job\n"
        "from tests.ablation.launching.jobs import slurm\n"
        f"list(slurm().launch([Job({long.name!r}, {long.command!r}, Path({str(long.log)!r}))]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=root, stderr=subprocess.DEVNULL)
    wait_for(lambda: last_lines(long.log))
    parent.kill()
    parent.wait()
    said = slurm().dry_run([long, new])
    assert f"# on the cluster already as job {ids(tmp_path)[0]}: long\n# 0: sh -c true\n" in said
    assert {outcome.job.name: outcome.code for outcome in slurm().launch([long, new])} == {"long": 0, "new": 0}
    assert tries(long) == ["begun", "ended"]
    assert len(ids(tmp_path)) == 2


def test_what_slurm_refuses_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"^Slurm refused the jobs: .*nvalid partition") as error:
        slurm(partition="none-such").launch([shell(tmp_path, "a", "true")])
    assert "\n" not in str(error.value)
