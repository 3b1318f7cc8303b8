"""Where jobs run: every field of every launcher, once, with its unit and its reason.

    config = launcher("slurm")      # then LAUNCHERS["slurm"](**config)

`--launcher=slurm --launcher.minutes=120` on the command line.
"""

from ml_collections import ConfigDict

from configs.command_line import ConfigError, nearest


def local() -> ConfigDict:
    """This machine."""
    config = ConfigDict()
    config.jobs_at_once = 1  # side by side; 1: one after another
    config.cores_per_job = 0  # 0: all are divided evenly
    config.accelerator = "cuda"  # cuda | rocm | tpu
    config.accelerators = 0  # that this machine has, unless CUDA_VISIBLE_DEVICES or its like lists them
    config.accelerators_per_job = 0  # of which no other job has one; 0: every job sees all, good for one at once
    return config.lock()


def slurm() -> ConfigDict:
    """A Slurm cluster, from its login node. All is asked for each job; "" and 0 leave it to the cluster."""
    config = ConfigDict()
    config.cluster = "slurm"  # slurm | local: submitit's own processes here, to try without a cluster
    config.partition = ""
    config.account = ""
    config.qos = ""
    config.minutes = 240  # of one try; a job that needs more saves, is requeued, and goes on
    config.cpus = 4
    config.memory_gb = 16
    config.gpus = 0
    config.array_parallelism = 64  # jobs of a launch that run at once, at most
    config.grace_seconds = 120  # before the time is up, to finish a step and a validation, and save
    config.timeouts = 20  # tries whose time was up before a job is given up; preemptions are not counted
    config.options = ()  # further options of sbatch, such as ("constraint=a100", "exclusive")
    config.setup = ()  # shell lines before a job, such as ("module load cuda",)
    config.look_every_seconds = 30  # between questions to the cluster; results are seen at once
    return config.lock()


CONFIGS = {"local": local, "slurm": slurm}


def launcher(name: str) -> ConfigDict:
    """The locked config of the launcher of that name."""
    if name not in CONFIGS:
        raise ConfigError(f"no launcher {name!r}{nearest(name, list(CONFIGS))}; choose one of {', '.join(CONFIGS)}")
    return CONFIGS[name]()
