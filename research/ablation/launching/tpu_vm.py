"""Jobs on a Cloud TPU slice, as the gcloud commands that make it, run them on all of its hosts, and delete it."""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import join, quote
from typing import ClassVar

from research.ablation.launching.jobs import Job
from research.ablation.launching.printed import JOB_FILE, PORT, Printed, command_there, refuse_outside, short_name
from research.parallel.endings import AGAIN_LATER

KILLED = 137
METADATA = "http://metadata.google.internal/computeMetadata/v1/instance/attributes"
"""The metadata server, from which a host of a slice learns its number and the addresses of all."""


@dataclass(frozen=True)
class TpuVm(Printed):
    """A launcher that prints a shell script. configs/launchers.py explains the fields.

    Every host of the slice runs the command of a job as one process, and starts it again while processes are lost.
    """

    name: str
    project: str
    zone: str
    accelerator_type: str
    runtime_version: str
    queued: bool
    spot: bool
    setup: tuple[str, ...]
    folder: str
    python: str
    mount: str
    restarts: int

    wanted: ClassVar[str] = "give the commands to a shell, one after another"

    def dry_run(self, jobs: Sequence[Job]) -> str:
        """Return the script."""
        for name in ("project", "zone", "accelerator_type", "runtime_version"):
            if not getattr(self, name):
                raise ValueError(f"launcher.{name} is empty: docs/launching.md says what it names")
        refuse_outside(jobs, self.mount)
        where = [f"--project={self.project}", f"--zone={self.zone}"]
        ssh = ["gcloud", "compute", "tpus", "tpu-vm", "ssh", self.name, *where, "--worker=all"]
        kind = [f"--accelerator-type={self.accelerator_type}", f"--version={self.runtime_version}"]
        kind += ["--spot"] if self.spot else []
        if self.queued:
            kind[1] = f"--runtime-version={self.runtime_version}"
            queue = ["gcloud", "compute", "tpus", "queued-resources"]
            create = [
                join([*queue, "create", self.name, f"--node-id={self.name}", *where, *kind]),
                "# go on when this says ACTIVE:",
                join([*queue, "describe", self.name, *where, "--format=value(state.state)"]),
            ]
            delete = join([*queue, "delete", self.name, *where, "--force"])
        else:
            create = [join(["gcloud", "compute", "tpus", "tpu-vm", "create", self.name, *where, *kind])]
            delete = join(["gcloud", "compute", "tpus", "tpu-vm", "delete", self.name, *where])
        setup = ["# each host:", join([*ssh, f"--command={' && '.join(self.setup)}"])] if self.setup else []
        lines = [f"# {len(jobs)} jobs, one after another", *create, *setup]
        for job in jobs:
            lines += [f"# {job.name}", f"{join(ssh)} --command={quote(self.on_each_host(job))}"]
        return "\n".join([*lines, "# when all is done:", delete]) + "\n"

    def on_each_host(self, job: Job) -> str:
        """Return the shell script of a job that each host runs."""
        folder = f"/tmp/{short_name(job)}"
        lines = [f"cd {quote(self.folder)} && mkdir -p {folder} || exit"]
        if job.input:
            lines += [f"cat > {folder}/{JOB_FILE} <<'END_OF_JOB'", job.input.rstrip("\n"), "END_OF_JOB"]
        command = command_there(job, self.python, folder)
        return "\n".join(
            [
                *lines,
                f"of() {{ curl -sf -H Metadata-Flavor:Google {METADATA}/$1; }}",
                "hosts=$(of worker-network-endpoints | tr , '\\n' | cut -d: -f3)",
                "number=$(of agent-worker-number) || exit",
                f"for try in $(seq 0 {self.restarts}); do",
                f'  {command} --coordinator=$(echo "$hosts" | head -n 1):{PORT} \\',
                '    --num_processes=$(echo "$hosts" | wc -l) --process_id="$number"',
                "  code=$?",
                f"  case $code in {AGAIN_LATER}|{KILLED}) ;; *) exit $code ;; esac",
                "done",
                "exit $code",
            ]
        )
