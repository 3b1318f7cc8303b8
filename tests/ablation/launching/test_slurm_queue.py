"""Reading a cluster's queue: `squeue` is a script here."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from submitit.helpers import DelayedSubmission

from research.ablation.launching import slurm as slurm_module
from research.ablation.launching.jobs import Job
from research.ablation.launching.slurm_queue import states, still_there
from research.ablation.launching.supervisor import Supervisor
from tests.ablation.launching.jobs import shell


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Call it with what `squeue` is to say, and its exit code; its arguments are then in the file that it returns."""

    def say(text: str, code: int = 0, error: str = "") -> Path:
        script = tmp_path / "bin" / "squeue"
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            f"#!/bin/sh\necho $@ > {tmp_path}/asked\ncat <<'END'\n{text}\nEND\necho '{error}' >&2\nexit {code}\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
        return tmp_path / "asked"

    return say


def test_states_of_an_array(squeue):
    asked = squeue("7_0|RUNNING|/x/.s.sh\n7_1|OUT_OF_MEMORY|/x/.s.sh\n9|PENDING|/y y/a|b.sh")
    assert states(["7_0", "7_1", "7_2", "9"]) == {"7_0": "RUNNING", "7_1": "OUT_OF_MEMORY", "9": "PENDING"}
    assert "--jobs=7,9 " in asked.read_text()  # once for the array


def test_a_cluster_that_forgot_is_not_one_that_is_silent(squeue):
    squeue("", code=1, error="slurm_load_jobs error: Invalid job id specified")
    assert states(["7"]) == {}
    squeue("", code=1, error="slurm_load_jobs error: Unable to contact slurm controller")
    assert states(["7"]) is None


def submitted(folder: Path, id: str, job: Job, *, ended: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    DelayedSubmission(Supervisor(job, grace_seconds=1)).dump(folder / f"{id}_submitted.pkl")
    if ended:
        (folder / f"{id}_0_result.pkl").touch()


def test_only_what_was_submitted_from_there_and_has_not_ended_is_still_there(tmp_path, squeue):
    jobs = {
        name: shell(tmp_path, name, f"echo {name}") for name in ("runs", "ended", "cancelled", "forgotten", "reused")
    }
    old, new = tmp_path / "0001", tmp_path / "0002"
    submitted(new, "7_0", jobs["runs"])
    submitted(new, "7_1", jobs["ended"], ended=True)
    submitted(new, "7_2", jobs["cancelled"])
    submitted(new, "7_3", jobs["forgotten"])
    submitted(old, "9", jobs["reused"])
    squeue(f"7_0|PENDING|{new}/.s.sh\n7_1|RUNNING|{new}/.s.sh\n7_2|CANCELLED|{new}/.s.sh\n9|RUNNING|/somebody/else.sh")
    there = still_there([new, old])
    assert {job.name: handle.job_id for job, handle in there.items()} == {"runs": "7_0"}
    squeue("", code=1, error="Unable to contact slurm controller")
    with pytest.raises(ValueError, match="must not run twice"):
        still_there([new, old])


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        (["RUNNING", "FAILED", "FAILED"], [None, None, "FAILED"]),
        (["FAILED", "PENDING", "FAILED", "RUNNING"], [None, None, None, None]),  # it was being requeued
        (["", ""], [None, "unknown to the cluster"]),
        (["FAILED", None, "FAILED"], [None, None, "FAILED"]),  # the cluster was silent once
    ],
)
def test_a_job_has_ended_when_the_cluster_says_so_twice(tmp_path, monkeypatch, said, ended):
    job = shell(tmp_path, "a", "true")
    handle = SimpleNamespace(job_id="7", paths=SimpleNamespace(result_pickle=tmp_path / "result"))
    answers = iter(said)

    def states(ids):
        answer = next(answers)
        return None if answer is None else {"7": answer} if answer else {}

    monkeypatch.setattr(slurm_module, "states", states)
    queue = slurm_module.SlurmQueue({job: handle}, look_every_seconds=0.0)
    assert [queue.ended(stopping=False).get(job) for _ in said] == ended
    (tmp_path / "result").touch()
    queue.look_every_seconds = 1_000.0
    assert queue.ended(stopping=False) == {job: ""}  # seen at once
