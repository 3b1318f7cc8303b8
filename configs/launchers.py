"""The configs of the launchers: every field, once, with its unit and its reason.

    config = launcher("slurm")      # then LAUNCHERS["slurm"](**config)

`--launcher=slurm --launcher.minutes=120` on the command line.
"""

from ml_collections import ConfigDict

from configs.command_line import ConfigError, nearest


def local() -> ConfigDict:
    """Return the config of the launcher for this machine."""
    config = ConfigDict()
    config.jobs_at_once = 1  # run side by side; 1: one after another
    config.cores_per_job = 0  # 0 divides all cores evenly
    config.accelerator = "cuda"  # cuda | rocm | tpu
    config.accelerators = 0  # this machine's, unless CUDA_VISIBLE_DEVICES or its like lists them
    config.accelerators_per_job = 0  # its own; 0: every job sees all, which is right for one job at once
    return config.lock()


def slurm() -> ConfigDict:
    """Return the config of the launcher for a Slurm cluster. Resources are for each job; "" and 0 leave them to it."""
    config = ConfigDict()
    config.cluster = "slurm"  # slurm | local: processes on this machine, to try without a cluster
    config.partition = ""
    config.account = ""
    config.qos = ""
    config.minutes = 240  # a try's limit; a job that needs more saves, is requeued, and goes on
    config.nodes = 1
    config.tasks_per_node = 1  # processes of a job, which train as one, each with its own devices
    config.cpus = 4  # of a task
    config.memory_gb = 16  # of a node
    config.gpus = 0  # of a node; each of several tasks takes one
    config.gpus_per_task = 0  # instead: a task's own
    config.array_parallelism = 64  # at most so many jobs of a launch run at once
    config.grace_seconds = 120  # before the limit, to finish a step and a validation, and save
    config.timeouts = 20  # a job is given up after so many tries whose time was up; preemptions do not count
    config.options = ()  # further options of sbatch, such as ("constraint=a100", "exclusive")
    config.setup = ()  # shell lines before a job, such as ("module load cuda",)
    config.look_every_seconds = 30  # between questions to the cluster; results are seen without one
    return config.lock()


def jobset() -> ConfigDict:
    """Return the config of the launcher that prints JobSets for Kubernetes. Resources are those of a node."""
    config = ConfigDict()
    config.image = ""  # a container image with this code as its working directory, such as .ci/Containerfile makes
    config.python = "python"  # in the image
    config.namespace = "default"
    config.nodes = 1  # pods of a job, which train as one
    config.accelerator = "nvidia.com/gpu"  # the resource by which the cluster counts them; google.com/tpu
    config.accelerators = 1  # of a node
    config.cpus = 4
    config.memory_gb = 16
    config.node_selector = ()  # labels of nodes, such as ("cloud.google.com/gke-tpu-topology=2x4",)
    config.claim = ""  # the persistent volume claim (ReadWriteMany) of runs, data and caches
    config.mount = "/mnt/lookback"  # where it is mounted in the pods: --out and --config.data.root lie below it
    config.restarts = 20  # of all pods of a job, after one was lost or preempted
    config.grace_seconds = 120  # that a pod has to save when it is to end
    return config.lock()


def tpu_vm() -> ConfigDict:
    """Return the config of the launcher that prints the gcloud commands for a Cloud TPU slice."""
    config = ConfigDict()
    config.name = "lookback"  # of the slice
    config.project = ""
    config.zone = ""  # such as europe-west4-b
    config.accelerator_type = ""  # such as v5litepod-16
    config.runtime_version = ""  # such as v2-alpha-tpuv5-lite
    config.queued = True  # wait in the queue for the slice; False: have it now or not at all
    config.spot = False  # cheaper, and may be taken away
    config.setup = ()  # shell lines on each host, which bring code, environment and the shared disk
    config.folder = "lookback"  # this code on a host, from the home folder
    config.python = ".venv/bin/python"  # from there
    config.mount = "/mnt/lookback"  # the disk that the hosts share: --out and --config.data.root lie below it
    config.restarts = 20  # of a job, after a process was lost
    return config.lock()


CONFIGS = {"local": local, "slurm": slurm, "jobset": jobset, "tpu_vm": tpu_vm}


def launcher(name: str) -> ConfigDict:
    """Return the locked config of a launcher.

    Args:
        name: a key of CONFIGS.

    Raises:
        ConfigError: there is no launcher of that name.
    """
    if name not in CONFIGS:
        raise ConfigError(f"no launcher {name!r}{nearest(name, list(CONFIGS))}; choose one of {', '.join(CONFIGS)}")
    return CONFIGS[name]()
