"""The flags of train, evaluate and translate that say which of several processes this one is."""

from configs.flags import count, flag, index

TOGETHER = (
    flag(
        "--coordinator",
        "several processes, each with this command and its own devices, work as one: where all reach the first "
        "(default: as Slurm, Open MPI, Kubernetes or a TPU pod says, if one started them)",
        metavar="HOST:PORT",
    ),
    flag("--num_processes", "for --coordinator: how many there are", type=count, metavar="N"),
    flag("--process_id", "for --coordinator: which of them this is, from 0", type=index, metavar="N"),
)
