"""Jobs on Kubernetes, as manifests of JobSets: https://jobset.sigs.k8s.io, API jobset.x-k8s.io/v1alpha2."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml

from research.ablation.launching.jobs import Job
from research.ablation.launching.printed import JOB_FILE, PORT, Printed, command_there, refuse_outside, short_name
from research.parallel.endings import FAILED

WRONG_COMMAND = 2
FOR_GOOD = [FAILED, WRONG_COMMAND]
"""Exit codes of a job that would fail again. After others, such as 75, a process or a machine was lost."""
FOLDER = "/jobs"  # of the job's input, in a pod
CONTAINER = "lookback"
PODS = "workers"


@dataclass(frozen=True)
class KubernetesJobSet(Printed):
    """A launcher that prints a JobSet for each job: an indexed job of as many pods as nodes, restarted as one.

    configs/launchers.py explains the fields. A pod is one process with all accelerators of its node. The first is met
    by the name that JobSet gives its pod. JobSet starts all pods anew if one is lost, and the same command goes on.
    """

    image: str
    python: str
    namespace: str
    nodes: int
    accelerator: str
    accelerators: int
    cpus: int
    memory_gb: int
    node_selector: tuple[str, ...]
    claim: str
    mount: str
    restarts: int
    grace_seconds: int

    wanted: ClassVar[str] = "pipe it to kubectl apply -f -"

    def dry_run(self, jobs: Sequence[Job]) -> str:
        """Return the manifests: for each job its input, as a ConfigMap, and its JobSet."""
        for name in ("image", "claim"):
            if not getattr(self, name):
                raise ValueError(f"launcher.{name} is empty: docs/launching.md says what it names")
        if wrong := [label for label in self.node_selector if "=" not in label]:
            raise ValueError(f"launcher.node_selector: {wrong[0]!r} is no label, such as name=value")
        refuse_outside(jobs, self.mount)
        documents = [document for job in jobs for document in (self._input(job), self.manifest(job)) if document]
        head = f"# {len(jobs)} jobs of {self.nodes} pods; for kubectl apply -f -\n"
        return head + yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=1000)

    def manifest(self, job: Job) -> dict[str, Any]:
        """Return the JobSet of a job."""
        name = short_name(job)
        pods = {
            "completionMode": "Indexed",
            "completions": self.nodes,
            "parallelism": self.nodes,
            "backoffLimit": 0,  # a pod alone cannot be started again: its job fails, and then the JobSet restarts all
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailJob",  # with the reason PodFailurePolicy; other ends have BackoffLimitExceeded
                        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": FOR_GOOD},
                    }
                ]
            },
            "template": {"spec": self._pod(job, name)},
        }
        for_good = {"name": "failed", "action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy"]}
        return {
            "apiVersion": "jobset.x-k8s.io/v1alpha2",
            "kind": "JobSet",
            "metadata": {**self._metadata(name), "annotations": {"lookback/job": job.name}},
            "spec": {
                "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
                "failurePolicy": {"maxRestarts": self.restarts, "rules": [for_good]},
                "replicatedJobs": [{"name": PODS, "replicas": 1, "template": {"spec": pods}}],
            },
        }

    def _pod(self, job: Job, name: str) -> dict[str, Any]:
        volumes: list[dict[str, Any]] = [
            {"name": "runs", "persistentVolumeClaim": {"claimName": self.claim}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},  # NCCL's, for which a pod's own 64 MB are too little
        ]
        mounts = [{"name": "runs", "mountPath": self.mount}, {"name": "memory", "mountPath": "/dev/shm"}]
        if job.input:
            volumes.append({"name": "job", "configMap": {"name": name}})
            mounts.append({"name": "job", "mountPath": FOLDER})
        requests: dict[str, Any] = {"cpu": self.cpus, "memory": f"{self.memory_gb}Gi"}
        if self.accelerators:
            requests[self.accelerator] = self.accelerators
        container = {
            "name": CONTAINER,
            "image": self.image,
            "command": ["sh", "-c", self._command(job, name)],
            "env": [
                {"name": "PYTHONUNBUFFERED", "value": "1"},
                {"name": "LOOKBACK_CACHE", "value": f"{self.mount}/cache"},
            ],
            "resources": {"requests": requests, "limits": requests},
            "volumeMounts": mounts,
        }
        selector = dict(each.split("=", 1) for each in self.node_selector)
        return {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": self.grace_seconds,
            **({"nodeSelector": selector} if selector else {}),
            "containers": [container],
            "volumes": volumes,
        }

    def _command(self, job: Job, name: str) -> str:
        """Return what the shell of a pod does. `exec`: SIGTERM has to reach Python, which saves."""
        command = f"exec {command_there(job, self.python, FOLDER)}"
        if self.nodes == 1:
            return command
        return (
            f"{command} --coordinator={name}-{PODS}-0-0.{name}:{PORT} --num_processes={self.nodes} "
            '--process_id="$JOB_COMPLETION_INDEX"'
        )

    def _input(self, job: Job) -> dict[str, Any]:
        if not job.input:
            return {}
        metadata = self._metadata(short_name(job))
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {JOB_FILE: job.input}}

    def _metadata(self, name: str) -> dict[str, Any]:
        return {"name": name, "namespace": self.namespace}


class _Dumper(yaml.SafeDumper):
    """A writer of YAML that refers to no part by an anchor, and gives text of several lines as it is."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
