"""A real Slurm of one node, this machine, that lives in a temporary folder and is gone afterwards."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "srun")
START_SECONDS = 60

# cred_expire: a requeued job waits for the credentials of its last try to expire, two minutes by default.
# linuxproc, none: cgroups need systemd, or more rights than a container gives.
CONFIG = """\
ClusterName=lookback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=10
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000
PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP
"""


def missing() -> str:
    """Why there can be no Slurm here; "" where there can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if not sys.platform.startswith("linux") or absent:
        return f"no {absent[0] if absent else 'Linux'} here (Debian: apt install slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "slurmd must be started by root"


@contextmanager
def slurm_cluster() -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands speak to it."""
    with ExitStack() as stack:
        # Not pytest's folder: the path of a socket has 108 bytes at most.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True)))
        host = socket.gethostname().partition(".")[0]
        controller_port, node_port = _free_ports(2)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        text = CONFIG.format(folder=folder, host=host, controller_port=controller_port, node_port=node_port)
        (folder / "slurm.conf").write_text(text)
        environment = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": _path()}
        everything = {**os.environ, **environment}

        def run(*command: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, env=everything, capture_output=True, text=True, check=False)

        def serve(*command: str) -> None:
            with (folder / f"{command[0]}.out").open("wb") as output:
                server = subprocess.Popen(
                    command,
                    env=everything,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C is for the tests, which then stop it
                )
            stack.callback(_stop, server)

        made = run("mungekey", "--create", f"--keyfile={folder}/munge.key")
        assert made.returncode == 0, made.stderr
        munge = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        files = [f"--{option}={folder}/munge.{ending}" for option, ending in munge.items()]
        serve("munged", "--foreground", "--force", *files)
        _wait(lambda: (folder / "munge.socket").exists(), folder)
        serve("slurmctld", "-D")
        serve("slurmd", "-D")
        _wait(lambda: run("sinfo", "--noheader", "--format=%T").stdout.strip() == "idle", folder)
        stack.callback(_wait, lambda: not run("squeue", "--noheader").stdout.strip(), folder)
        stack.callback(run, "scancel", "--full", "--user=root")
        yield environment


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait(condition, folder: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > until:
            logs = {log.name: log.read_text(errors="replace")[-1500:] for log in folder.glob("*.[lo][ou][gt]")}
            raise AssertionError(f"Slurm did not come or go within {START_SECONDS} s: {logs}")
        time.sleep(0.2)
