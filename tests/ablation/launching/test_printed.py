"""Launchers that print: manifests by the schema that JobSet publishes, and scripts with stand-ins of programs."""

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from configs.launchers import launcher
from research.ablation.launching import LAUNCHERS
from research.ablation.launching.jobs import Job
from research.ablation.work import Task
from research.results.identity import config_as_json
from tests.training.test_trainer import tiny

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads(Path(__file__).with_name("jobset.schema.json").read_text("utf-8"))
LOGS = Path("/mnt/lookback/runs/logs")
TEXT = '{\n "command": "it\'s $HOME"\n}\n'


def job(name="heads.4781d7aa25.test.beam1.0-1-2", text=TEXT):
    command = (sys.executable, "-m", "research.ablation.work", f"{LOGS}/{name}.job.json")
    return Job(name, command, LOGS / f"{name}.log", text)


def jobset(**fields):
    given = {"image": "registry/lookback", "claim": "lookback", "nodes": 3, "accelerators": 8}
    return LAUNCHERS["jobset"](**{**launcher("jobset"), **given, **fields})


def tpu_vm(**fields):
    given = {"project": "p", "zone": "z", "accelerator_type": "v5litepod-16", "runtime_version": "v2-alpha-tpuv5-lite"}
    return LAUNCHERS["tpu_vm"](**{**launcher("tpu_vm"), **given, **fields})


def pod(manifest):
    [replicated] = manifest["spec"]["replicatedJobs"]
    return replicated["template"]["spec"]["template"]["spec"]


def program(folder, name, script):
    """Write a program that stands in for another one."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def sh(script, folder, **environment):
    """Run a script where the programs of a folder are found first."""
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", "-c", script], env={**os.environ, **path, **environment}, capture_output=True, text=True, check=False
    )


VARIANTS = [
    {},
    {"nodes": 1, "accelerators": 0},
    {
        "accelerator": "google.com/tpu",
        "accelerators": 4,
        "node_selector": ("cloud.google.com/gke-tpu-accelerator=tpu-v5-lite-podslice", "a=b"),
    },
]


@pytest.mark.parametrize("fields", VARIANTS)
def test_a_manifest_has_the_fields_of_the_published_schema(fields):
    for text in (TEXT, ""):
        *_, manifest = yaml.safe_load_all(jobset(**fields).dry_run([job(text=text)]))
        jsonschema.validate(manifest, SCHEMA)


@pytest.mark.parametrize("fields", VARIANTS)
def test_a_manifest_is_read_by_kubeflows_models_of_jobset_and_nothing_is_lost(fields):
    models = pytest.importorskip("kubeflow_trainer_api.models")
    manifest = jobset(**fields).manifest(job())
    assert models.JobsetV1alpha2JobSet.from_dict(manifest).to_dict() == manifest


def test_the_schema_refuses_what_kubernetes_would():
    for path, value in ((("spec", "failurePolicy"), {"maxRestart": 3}), (("kind",), "Jobset")):
        manifest = jobset().manifest(job())
        *outer, last = path
        inner = manifest
        for name in outer:
            inner = inner[name]
        inner[last] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(manifest, SCHEMA)


def test_each_job_is_a_jobset_beside_its_input():
    first, second = job("a.b"), job("A_b")
    documents = list(yaml.safe_load_all(jobset().dry_run([first, second])))
    assert [document["kind"] for document in documents] == ["ConfigMap", "JobSet"] * 2
    assert documents[0]["data"] == {"job.json": TEXT}
    names = [document["metadata"]["name"] for document in documents]
    assert names[0] == names[1] != names[2] == names[3]
    [volume] = [each for each in pod(documents[1])["volumes"] if "configMap" in each]
    assert volume["configMap"]["name"] == names[0]
    host = f"{names[0]}-workers-0-0"
    assert len(host) <= 63
    assert host == host.lower()


def test_resources_and_the_shared_disk_are_those_of_the_fields():
    manifest = jobset(cpus=7, memory_gb=5, mount="/mnt", grace_seconds=44, namespace="n", restarts=6).manifest(job())
    [container] = pod(manifest)["containers"]
    assert container["resources"]["limits"] == {"cpu": 7, "memory": "5Gi", "nvidia.com/gpu": 8}
    assert {"name": "runs", "mountPath": "/mnt"} in container["volumeMounts"]
    assert pod(manifest)["terminationGracePeriodSeconds"] == 44
    assert (manifest["metadata"]["namespace"], manifest["spec"]["failurePolicy"]["maxRestarts"]) == ("n", 6)


def test_a_lost_process_restarts_all_pods_and_an_error_ends_the_set():
    """Codes that podFailurePolicy matches fail the job for the reason PodFailurePolicy, on which the JobSet ends."""
    spec = jobset().manifest(job())["spec"]
    [pods] = [each["template"]["spec"] for each in spec["replicatedJobs"]]
    [rule] = pods["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [1, 2]
    assert 75 not in rule["onExitCodes"]["values"]
    assert rule["onExitCodes"]["containerName"] == pods["template"]["spec"]["containers"][0]["name"]
    [for_good] = spec["failurePolicy"]["rules"]
    assert (for_good["action"], for_good["onJobFailureReasons"]) == ("FailJobSet", ["PodFailurePolicy"])
    assert (pods["backoffLimit"], pods["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert (pods["completionMode"], pods["completions"], pods["parallelism"]) == ("Indexed", 3, 3)


def test_a_pod_joins_by_the_name_of_the_first_and_its_own_index(tmp_path):
    program(tmp_path, "python", 'echo "$$"; printf "%s\\n" "$@"')
    manifest = jobset().manifest(job())
    shell, flag, script = pod(manifest)["containers"][0]["command"]
    assert (shell, flag) == ("sh", "-c")
    done = sh(f"echo $$; {script}", tmp_path, JOB_COMPLETION_INDEX="2")
    own, pythons, *arguments = done.stdout.split()
    assert own == pythons, "SIGTERM would not reach Python"
    name = manifest["metadata"]["name"]
    assert arguments == [
        "-m",
        "research.ablation.work",
        "/jobs/job.json",
        f"--coordinator={name}-workers-0-0.{name}:8476",
        "--num_processes=3",
        "--process_id=2",
    ]
    [container] = pod(jobset(nodes=1).manifest(job()))["containers"]
    assert "coordinator" not in container["command"][2]


@pytest.fixture
def host(tmp_path):
    """A folder of programs as on host 2 of three. Its Python writes its arguments, and ends as `codes` says."""
    folder = tmp_path / "bin"
    endpoints = "unknown:8470:10.0.0.7,unknown:8470:10.0.0.8,unknown:8470:10.0.0.9"
    answer = f'case "$4" in */agent-worker-number) echo 2 ;; */worker-network-endpoints) echo {endpoints} ;; esac'
    program(folder, "curl", answer)
    program(
        folder,
        "python",
        f'echo "$@" >> {tmp_path}/calls; cat "$3" > {tmp_path}/input\n'
        f"code=$(head -n 1 {tmp_path}/codes); sed -i 1d {tmp_path}/codes; exit $code",
    )
    return folder


@pytest.mark.parametrize(
    ("codes", "last", "calls"), [("0", 0, 1), ("1", 1, 1), ("75 137 0", 0, 3), ("75 75 75", 75, 3)]
)
def test_a_host_of_a_slice_joins_by_the_metadata_and_begins_again_while_processes_are_lost(
    codes, last, calls, host, tmp_path
):
    (tmp_path / "codes").write_text(codes.replace(" ", "\n") + "\n")
    launch = tpu_vm(restarts=2, folder=str(tmp_path), python=str(host / "python"))
    done = sh(launch.on_each_host(job()), host)
    assert done.returncode == last, done.stderr
    said = (tmp_path / "calls").read_text().splitlines()
    assert len(said) == calls
    assert said[0].endswith("/job.json --coordinator=10.0.0.7:8476 --num_processes=3 --process_id=2")
    assert (tmp_path / "input").read_text() == TEXT


@pytest.mark.parametrize(
    ("fields", "create", "delete"),
    [
        (
            {"spot": True},
            "gcloud compute tpus queued-resources create s --node-id=s --project=p --zone=z "
            "--accelerator-type=v5litepod-16 --runtime-version=v2-alpha-tpuv5-lite --spot",
            "gcloud compute tpus queued-resources delete s --project=p --zone=z --force",
        ),
        (
            {"queued": False},
            "gcloud compute tpus tpu-vm create s --project=p --zone=z --accelerator-type=v5litepod-16 "
            "--version=v2-alpha-tpuv5-lite",
            "gcloud compute tpus tpu-vm delete s --project=p --zone=z",
        ),
    ],
)
def test_the_script_makes_the_slice_runs_each_job_on_all_hosts_and_deletes_it(fields, create, delete, tmp_path):
    program(
        tmp_path / "bin",
        "gcloud",
        f'printf "%s\\0" gcloud "$@" >> {tmp_path}/calls; printf "\\n\\0" >> {tmp_path}/calls',
    )
    jobs = [job("a"), job("b")]
    launch = tpu_vm(name="s", setup=("git clone x lookback", "sudo mount y"), **fields)
    done = sh(launch.dry_run(jobs), tmp_path / "bin")
    assert done.returncode == 0, done.stderr
    calls = [call.split("\0")[:-1] for call in (tmp_path / "calls").read_text().split("\n\0")[:-1]]
    ssh = shlex.split("gcloud compute tpus tpu-vm ssh s --project=p --zone=z --worker=all")
    assert calls[0] == shlex.split(create)
    assert calls[-1] == shlex.split(delete)
    assert [call for call in calls if "ssh" in call] == [
        [*ssh, "--command=git clone x lookback && sudo mount y"],
        *([*ssh, f"--command={launch.on_each_host(each)}"] for each in jobs),
    ]


@pytest.mark.parametrize(("launch", "advice"), [(jobset(), "kubectl apply -f -"), (tpu_vm(), "to a shell")])
def test_it_only_prints(launch, advice):
    with pytest.raises(
        ValueError, match=f"^this launcher prints .*, and submits nothing: give --dry_run, and .*{advice}"
    ):
        launch.launch([job()])
    outside = Job("a", ("python",), Path("/home/me/runs/logs/a.log"))
    with pytest.raises(ValueError, match=r"^/home/me/runs is not below launcher.mount=/mnt/lookback, the disk"):
        launch.dry_run([outside])


@pytest.mark.slow
def test_the_pods_of_a_manifest_train_as_one(tmp_path):
    """Two processes by the commands of a manifest, with this machine in the place of the first pod's name."""
    task = Task("train", config_as_json(tiny()), {0: str(tmp_path / "run")}, "test", "beam1", "python run.py train")
    (tmp_path / "job.json").write_text(task.as_json(), "utf-8")
    launch = jobset(nodes=2, python=sys.executable, mount=str(tmp_path))
    manifest = launch.manifest(Job("a", job().command, tmp_path / "runs/logs/a.log", task.as_json()))
    script, name = pod(manifest)["containers"][0]["command"][2], manifest["metadata"]["name"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = script.replace(f"{name}-workers-0-0.{name}:8476", f"127.0.0.1:{port}").replace("/jobs", str(tmp_path))
    pods = [
        subprocess.Popen(["sh", "-c", script], cwd=ROOT, env={**os.environ, "JOB_COMPLETION_INDEX": str(index)})
        for index in range(2)
    ]
    assert [each.wait(timeout=600) for each in pods] == [0, 0]
    provenance = json.loads((tmp_path / "run/provenance.json").read_text())
    assert provenance["steps"] == 8
    assert "result.json" in os.listdir(tmp_path / "run")
