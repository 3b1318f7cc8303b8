"""A process that finds out by its environment whether it is one of several. The processes: test_processes.py."""

import pytest

from research.parallel import processes

SLURM = {"SLURM_STEP_NODELIST": "a[1-2]", "SLURM_NTASKS": "4"}
MPI = {"OMPI_MCA_orte_hnp_uri": "1.0;tcp://10.0.0.1:1", "OMPI_COMM_WORLD_SIZE": "2"}
POD = {"TPU_WORKER_HOSTNAMES": "a,b"}
OTHERS = ("KUBERNETES_SERVICE_HOST", "SLURM_GPUS_PER_TASK")


@pytest.fixture
def set_only(monkeypatch):
    """A function that sets variables, when no other of these is set."""
    for name in (*SLURM, *MPI, *POD, *OTHERS):
        monkeypatch.delenv(name, raising=False)
    return lambda environment: [monkeypatch.setenv(name, value) for name, value in environment.items()]


@pytest.mark.parametrize(
    ("environment", "several"),
    [
        ({}, False),
        (SLURM, True),
        ({**SLURM, "SLURM_NTASKS": "1"}, False),
        ({"SLURM_NTASKS": "4"}, False),  # a batch script, without srun
        (MPI, True),
        ({**MPI, "OMPI_COMM_WORLD_SIZE": "1"}, False),
        (POD, True),
        ({**POD, "TPU_WORKER_HOSTNAMES": "a"}, False),
    ],
)
def test_what_starts_several_processes_is_noticed(environment, several, set_only, monkeypatch):
    """The variables are those of the manuals of srun, of Open MPI 4 and of Cloud TPU."""
    set_only(environment)
    monkeypatch.setattr(processes.host, "computes_on_cpu", lambda: False)
    assert processes._started_as_several() is several


def test_on_a_cpu_the_variables_of_a_tpu_mean_nothing(set_only, monkeypatch):
    set_only(POD)
    monkeypatch.setattr(processes.host, "computes_on_cpu", lambda: True)
    assert not processes._started_as_several()


@pytest.mark.parametrize(
    ("environment", "own"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, None),
        ({"SLURM_GPUS_PER_TASK": "2", "CUDA_VISIBLE_DEVICES": "4,5"}, [0, 1]),
        ({"SLURM_GPUS_PER_TASK": "1", "CUDA_VISIBLE_DEVICES": "3"}, [0]),
    ],
)
def test_a_task_takes_the_gpus_that_slurm_bound_to_it(environment, own, set_only):
    set_only(environment)
    assert processes._own_gpus() == own
