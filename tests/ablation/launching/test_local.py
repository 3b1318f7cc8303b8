"""Jobs on this machine, as small as a shell line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from configs.launchers import launcher
from research.ablation.launching import LAUNCHERS
from research.ablation.launching.jobs import HEADING, Job, last_lines
from research.ablation.launching.jobs_bar import seconds_left
from research.ablation.launching.shares import Share, divide_machine
from tests.ablation.launching.jobs import shell, wait_for

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux to end or to pin a process")
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def local(**fields):
    return LAUNCHERS["local"](**{**launcher("local"), **fields})


def shares(**fields) -> list[Share]:
    return divide_machine(**{**launcher("local"), **fields})


def alive(pid: int) -> bool:
    """A zombie, which waits for whoever adopted it, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_failing_job_is_an_outcome_and_the_rest_go_on(tmp_path):
    jobs = [
        shell(tmp_path, "first", "echo one"),
        shell(tmp_path, "second", "echo begun; printf '\\033[1;31mred\\033[0m\\n\\n10%%\\r99%%\\r\\n' >&2; exit 3"),
        Job("third", ("there-is-no-such-program",), tmp_path / "third.log"),
        shell(tmp_path, "fourth", "kill -9 $$"),
        shell(tmp_path, "fifth", "echo five"),
    ]
    outcomes = list(local().launch(jobs))
    assert [outcome.job for outcome in outcomes] == jobs  # one at a time, in order
    assert [outcome.code for outcome in outcomes] == [0, 3, 127, -9, 0]
    assert [outcome.ok for outcome in outcomes] == [True, False, False, False, True]
    assert [outcome.last_lines for outcome in outcomes] == [
        ["one"],
        ["begun", "red", "99%"],
        ["cannot start there-is-no-such-program: No such file or directory"],
        [],
        ["five"],
    ]


def test_the_log_keeps_every_try(tmp_path):
    one = shell(tmp_path, "again", f"echo try $(ls {tmp_path} | wc -l); touch {tmp_path}/$$")
    for _ in range(2):
        [outcome] = local().launch([one])
    lines = one.log.read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith(HEADING)] == ["try 1", "try 2"]
    assert sum(line.startswith(f"{HEADING}again · ") for line in lines) == 2
    assert outcome.last_lines == ["try 2"]


def test_last_lines_of_a_long_log_and_of_none(tmp_path):
    log = tmp_path / "log"
    assert last_lines(log) == []
    log.write_text("".join(f"line {n}\n" for n in range(100_000)))
    assert last_lines(log) == [f"line {n}" for n in range(99_980, 100_000)]


def test_so_many_at_once_and_no_more(tmp_path):
    """Each of the first three waits until three run. All write how many run beside them."""
    (tmp_path / "on").mkdir()
    count = f"ls {tmp_path}/on | wc -l"
    wait = f"for i in $(seq 600); do [ $({count}) -ge 3 ] && break; sleep 0.1; done"
    scripts = [f"touch {tmp_path}/on/$$; {wait if n < 3 else 'true'}; {count}; sleep 0.3; {count}; rm {tmp_path}/on/$$"
               for n in range(5)]  # fmt: skip
    jobs = [shell(tmp_path, str(n), script) for n, script in enumerate(scripts)]
    outcomes = list(local(jobs_at_once=3).launch(jobs))
    assert max(int(line) for outcome in outcomes for line in outcome.last_lines) == 3
    assert sorted(outcome.job.name for outcome in outcomes) == [str(n) for n in range(5)]


@LINUX
@pytest.mark.skipif(len(CORES) < 2, reason="needs two cores to divide")
def test_cores_are_divided(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    code = "import os, time; print(*sorted(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS']); time.sleep(0.3)"
    jobs = [Job(str(n), (sys.executable, "-c", code), tmp_path / f"{n}.log") for n in range(2)]
    said = [outcome.last_lines[0] for outcome in local(jobs_at_once=2, cores_per_job=1).launch(jobs)]
    assert sorted(said) == sorted(f"{core} 1" for core in CORES[:2])


@LINUX
def test_cores_are_divided_evenly_and_all_belong_to_one():
    assert [share.cores for share in shares(jobs_at_once=len(CORES))] == (
        [(core,) for core in CORES] if len(CORES) > 1 else [()]
    )
    assert shares()[0].cores == ()  # any
    assert {share.cores for share in shares(jobs_at_once=len(CORES) + 1)} == {()}  # they share


@pytest.mark.parametrize(
    ("fields", "environment", "seen"),
    [
        ({"accelerators": 4, "accelerators_per_job": 2}, {},
         [{"CUDA_VISIBLE_DEVICES": names} for names in ("0,1", "2,3")]),
        ({"accelerators_per_job": 1}, {"CUDA_VISIBLE_DEVICES": "5,GPU-a"},
         [{"CUDA_VISIBLE_DEVICES": name} for name in ("5", "GPU-a")]),
        ({"accelerators": 2, "accelerators_per_job": 1, "accelerator": "rocm"}, {},
         [{"ROCR_VISIBLE_DEVICES": name} for name in "01"]),
        ({"accelerators": 4, "accelerators_per_job": 2, "accelerator": "tpu"}, {},
         [{"TPU_VISIBLE_CHIPS": chips, "TPU_CHIPS_PER_PROCESS_BOUNDS": "1,2,1", "TPU_PROCESS_BOUNDS": "1,1,1",
           "ALLOW_MULTIPLE_LIBTPU_LOAD": "1"} for chips in ("0,1", "2,3")]),
        ({"accelerators": 4}, {}, [{}, {}]),
    ],
)  # fmt: skip
def test_accelerators_are_divided(monkeypatch, fields, environment, seen):
    for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "TPU_VISIBLE_CHIPS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    environments = [dict(share.environment) for share in shares(jobs_at_once=2, **fields)]
    assert [{k: v for k, v in each.items() if k != "OMP_NUM_THREADS"} for each in environments] == seen


@pytest.mark.parametrize("listed", [None, "3,5"])
def test_a_job_with_no_share_of_the_accelerators_sees_what_its_launcher_sees(tmp_path, monkeypatch, listed):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if listed:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    [outcome] = local().launch([shell(tmp_path, "a", "echo ${CUDA_VISIBLE_DEVICES-all}")])
    assert outcome.last_lines == [listed or "all"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"jobs_at_once": 3, "cores_per_job": 1_000}, "needs 3000 cores"),
        ({"jobs_at_once": 2, "accelerators_per_job": 2, "accelerators": 3}, "needs 4, and 3 are known"),
        ({"accelerators_per_job": 1, "accelerator": "gpu"}, "choose one of cuda, rocm, tpu"),
        ({"accelerators_per_job": 3, "accelerators": 3, "accelerator": "tpu"}, "1, 2 or 4"),
    ],
)
def test_what_the_machine_has_not_is_refused_before_anything_starts(tmp_path, monkeypatch, fields, said):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(ValueError, match=said):
        local(**fields).launch([shell(tmp_path, "a", "true")])
    assert not (tmp_path / "logs").exists()


SAVES = "trap 'echo saved; exit 130' TERM; echo begun; while true; do sleep 0.05; done"  # as a training does


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_lets_jobs_save_and_says_how_to_go_on(tmp_path, number):
    before = signal.getsignal(number)
    jobs = [shell(tmp_path, "a", "true"), *(shell(tmp_path, name, SAVES) for name in "bcd")]
    outcomes = local(jobs_at_once=2).launch(jobs)
    assert next(outcomes).job.name == "a"
    with pytest.raises(KeyboardInterrupt, match=r"1 of 4 jobs ended.*--resume"):
        _stop_when(lambda: last_lines(jobs[1].log) == ["begun"], number, outcomes)
    assert last_lines(jobs[1].log) == ["begun", "saved"]
    assert not jobs[3].log.exists()  # never begun
    assert signal.getsignal(number) == before


def _stop_when(condition, number, outcomes):
    """Take outcomes, while another process sends us a signal once the condition holds."""
    wait_for(condition)
    helper = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -{int(number)} {os.getpid()}"])
    try:
        list(outcomes)
    finally:
        helper.wait()


def test_a_second_stop_kills_what_does_not_end(tmp_path):
    deaf = shell(tmp_path, "deaf", "trap '' TERM; echo begun; while true; do sleep 0.05; done")
    outcomes = local().launch([deaf])
    helper = subprocess.Popen(
        ["sh", "-c", f"until grep -q ^begun {deaf.log}; do sleep 0.05; done; kill -15 {os.getpid()}; sleep 0.5; "
         f"kill -15 {os.getpid()}"], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with pytest.raises(KeyboardInterrupt):
            list(outcomes)
    finally:
        helper.wait()


@LINUX
def test_nothing_is_left_when_whoever_takes_the_outcomes_fails(tmp_path):
    jobs = [shell(tmp_path, "a", f"echo $$ > {tmp_path}/pid; {SAVES}"), shell(tmp_path, "b", "sleep 0.3")]
    outcomes = local(jobs_at_once=2).launch(jobs)
    next(outcomes)
    outcomes.close()
    assert last_lines(jobs[0].log) == ["begun", "saved"]
    assert not alive(int((tmp_path / "pid").read_text()))


@LINUX
def test_what_a_job_leaves_behind_is_killed(tmp_path):
    list(local().launch([shell(tmp_path, "a", f"sleep 100 & echo $! > {tmp_path}/pid")]))
    wait_for(lambda: not alive(int((tmp_path / "pid").read_text())))


def launcher_of_its_own(job, root):
    """Run a job under a launcher that leads a process group, as one in a terminal does."""
    program = (
        "from pathlib import Path\nfrom research.ablation.launching.jobs import Job\n"
        "from research.ablation.launching.local import Local\n"
        f"list(Local(1, 0, 'cuda', 0, 0).launch([Job('a', {job.command!r}, Path({str(job.log)!r}))]))"
    )
    job.log.parent.mkdir(parents=True)
    with job.log.with_suffix(".stderr").open("wb") as said:
        parent = subprocess.Popen([sys.executable, "-c", program], cwd=root, stderr=said, start_new_session=True)
    try:
        wait_for(lambda: last_lines(job.log) == ["begun"])
    except BaseException:
        parent.kill()
        parent.wait()
        raise
    return parent


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_to_all_processes_of_a_terminal_reaches_each_job_once(tmp_path, root, number):
    """A job needs two seconds to save, and says how often it was told to."""
    told = "trap 'told=$((told + 1)); echo told $told' TERM; echo begun; while [ -z $told ]; do sleep 0.05; done"
    job = shell(tmp_path, "a", f"{told}; sleep 1; sleep 1; echo saved; exit 130")
    parent = launcher_of_its_own(job, root)
    os.killpg(parent.pid, number)
    parent.wait(timeout=60)
    assert last_lines(job.log) == ["begun", "told 1", "saved"]
    assert "stopped with 0 of 1 jobs ended" in job.log.with_suffix(".stderr").read_text()


@LINUX
@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_no_job_outlives_a_launcher_that_was_killed(tmp_path, root, kill):
    """Alone, or with submitit's processes, which are in its group."""
    job = shell(tmp_path, "a", f"echo $$ > {tmp_path}/pid; {SAVES}")
    parent = launcher_of_its_own(job, root)
    kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not alive(int((tmp_path / "pid").read_text())))
    assert last_lines(job.log) == ["begun", "saved"]


def test_dry_run_says_the_commands_and_starts_none(tmp_path):
    text = local().dry_run([shell(tmp_path, "a", "echo 'x y'"), shell(tmp_path, "b", "true")])
    assert text.splitlines()[1:] == ["""sh -c 'echo '"'"'x y'"'"''""", "sh -c true"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ended", "running", "jobs", "at_once", "seconds"),
    [
        ([], [3.0], 5, 1, None),
        ([10.0], [4.0], 3, 1, 16.0),  # 6 of the one that runs, 10 of the one that waits
        ([10.0, 20.0], [5.0, 5.0], 6, 2, 25.0),  # mean 15: twice 10, and twice 15, by two
        ([10.0], [0.0], 2, 4, 10.0),  # the last one is not shared
        ([10.0], [99.0], 2, 1, 0.0),
        ([10.0, 10.0], [], 2, 1, 0.0),
    ],
)
def test_seconds_left(ended, running, jobs, at_once, seconds):
    assert seconds_left(ended, running, jobs=jobs, at_once=at_once) == seconds
