"""Several processes that train, evaluate and translate as one: real ones, on this machine, that meet over loopback."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from research.parallel.processes import HEARTBEAT
from research.results.run_folder import RunFolder
from research.training.audit_devices import environment

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "--config=configs/embedded_tiny.py:luong",
    "--config.model.width=8",
    "--config.data.embedded.train_pairs=200",
    "--config.data.embedded.validation_pairs=21",
    "--config.data.embedded.test_pairs=23",
    "--config.data.vocabulary.size=420",
    "--config.data.buckets=1",
    "--config.data.batch_tokens=800",
    "--config.training.validate_every_steps=4",
    "--config.training.save_every_steps=2",
    "--config.training.log_every_steps=1",
    "--config.training.steps=8",
)
ENDED = "another process of this command has ended"


class Started:
    """Processes that were started together.

    Args:
        arguments: of run.py, in each.
        processes: how many.
        devices: CPU devices of each.
        text: the standard input of the first.
    """

    def __init__(self, *arguments, processes=2, devices=2, text=""):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        together = ["--coordinator", f"localhost:{port}", "--num_processes", str(processes)]
        self.each = [
            subprocess.Popen(
                [sys.executable, "run.py", *arguments, *(together if processes > 1 else [])]
                + (["--process_id", str(number)] if processes > 1 else []),
                cwd=ROOT,
                env={**os.environ, **environment(devices)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(processes)
        ]
        for process, given in zip(self.each, [text, *[""] * (processes - 1)], strict=True):
            process.stdin.write(given)
            process.stdin.close()
            process.stdin = None

    def ended(self):
        """Return exit code, standard output and standard error of each."""
        said = [process.communicate(timeout=400) for process in self.each]
        return [(process.returncode, *texts) for process, texts in zip(self.each, said, strict=True)]

    def wait_for_step(self, folder, step):
        """Wait until the metrics of a step are there."""
        until = time.monotonic() + 300
        while time.monotonic() < until and all(process.poll() is None for process in self.each):
            if any(line["step"] >= step for line in RunFolder(folder).metrics()):
                return
            time.sleep(0.05)
        raise AssertionError([process.communicate() for process in self.each])


def done(*arguments, **options):
    """Run a command to its end, and return what the first process printed; the others print nothing."""
    ended = Started(*arguments, **options).ended()
    assert [code for code, _, _ in ended] == [0] * len(ended), ended
    assert all((out, error) == ("", "") for _, out, error in ended[1:])
    return ended[0][1]


def train(folder, *arguments, **options):
    return done("train", *SMALL, f"--workdir={folder}", *arguments, **options)


def curve(folder):
    return [
        (int(line["step"]), name, value)
        for line in RunFolder(folder).metrics()
        for name, value in line.items()
        if name in ("train/loss", "train/gradient_norm", "validation/perplexity")
    ]


def assert_same_curve(a, b):
    assert [point[:2] for point in a] == [point[:2] for point in b]
    assert [point[2] for point in a] == pytest.approx([point[2] for point in b], rel=1e-6)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run of one process with the devices of all."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    train(folder, processes=1, devices=4)
    done("evaluate", f"--workdir={folder}", "--beam=2", processes=1, devices=4)
    return folder


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    """The same of two processes that share the devices."""
    folder = tmp_path_factory.mktemp("two") / "run"
    train(folder)
    done("evaluate", f"--workdir={folder}", "--beam=2")
    return folder


def test_two_processes_have_the_curve_of_one(alone, of_two):
    assert_same_curve(curve(of_two), curve(alone))
    assert RunFolder(of_two).provenance()["devices"] == "4 × cpu"


def test_only_one_writes(alone, of_two):
    """The folder has the files of a run of one process, each line and session once."""
    names = [sorted(file.relative_to(run).as_posix() for file in run.iterdir()) for run in (alone, of_two)]
    assert names[0] == names[1]
    assert len(list((of_two / "tensorboard").iterdir())) == 1


def test_evaluation_counts_each_sentence_once(alone, of_two):
    one, two = (json.loads((folder / "result.json").read_text())["splits"]["test"] for folder in (alone, of_two))
    assert two["sentences"] == one["sentences"] == 23
    assert two["perplexity"] == pytest.approx(one["perplexity"], rel=1e-6)
    assert two["searches"]["beam2"]["bleu"] == one["searches"]["beam2"]["bleu"]
    assert (of_two / "translations" / "test.beam2.txt").read_text() == (
        alone / "translations" / "test.beam2.txt"
    ).read_text()


def test_translations_keep_their_order(alone):
    """They are of so many lines as no number of devices divides; an empty one stays empty."""
    text = "the dog sees the cat\n\na teacher reads\nthe old man gives a book\nthe child sleeps\n"
    of_one = done("translate", f"--workdir={alone}", "--beam=2", processes=1, devices=1, text=text)
    of_two = done("translate", f"--workdir={alone}", "--beam=2", text=text)
    assert of_one.splitlines()[1] == ""
    assert of_two == of_one


@pytest.mark.slow
def test_scores_of_lines_keep_their_order(alone, tmp_path):
    (tmp_path / "target").write_text("a\nb c\nd\n")
    command = ("translate", f"--workdir={alone}", f"--score={tmp_path / 'target'}")
    one, two = (
        [float(number) for number in done(*command, text="x\ny\nz\n", **options).split()]
        for options in ({"processes": 1, "devices": 1}, {})
    )
    assert len(one) == 6
    assert two == pytest.approx(one, rel=1e-4)


def test_a_signal_to_one_stops_all_after_one_step_and_one_process_goes_on(alone, tmp_path):
    folder = tmp_path / "run"
    rare = ("--config.training.validate_every_steps=2000", "--config.training.save_every_steps=2000")
    started = Started("train", *SMALL, f"--workdir={folder}", *rare, "--config.training.steps=2000")
    started.wait_for_step(folder, 2)
    started.each[1].send_signal(signal.SIGTERM)
    (code, _, said), (other_code, *other_said) = started.ended()
    assert (code, other_code, other_said) == (130, 130, ["", ""])
    [stopped] = re.findall(r"^error: stopped at step ([\d,]+), which is saved; ", said, re.MULTILINE)
    step = int(stopped.replace(",", ""))
    assert [file.name for file in (folder / "checkpoints").iterdir()] == [str(step)]
    train(folder, *rare, f"--config.training.steps={step + 2}", processes=1, devices=4)
    whole = tmp_path / "whole"
    train(whole, *rare, f"--config.training.steps={step + 2}", processes=1, devices=4)
    assert_same_curve(curve(folder), curve(whole))


@pytest.mark.parametrize("killed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_when_one_is_killed_the_other_ends_in_a_sentence(killed, tmp_path, monkeypatch):
    monkeypatch.setenv(HEARTBEAT, "20")
    folder = tmp_path / "run"
    started = Started("train", *SMALL, f"--workdir={folder}", "--config.training.steps=100000")
    started.wait_for_step(folder, 3)
    started.each[killed].kill()
    began = time.monotonic()
    code, _, said = started.ended()[1 - killed]
    assert time.monotonic() - began < 60  # the heartbeat and ten seconds, and what a busy machine takes
    assert code == 75, said
    error = "error (process 1)" if killed == 0 else "error"
    assert said.splitlines()[-1].startswith(f"{error}: {ENDED}")
    assert "Check failure" not in said


def test_a_mistake_is_said_once(tmp_path):
    started = Started("train", *SMALL, f"--workdir={tmp_path / 'run'}", "--config.evaluation.checkpoint=newest")
    (code, _, said), other = started.ended()
    assert (code, other) == (1, (1, "", ""))
    assert re.fullmatch(r"error: evaluation\.checkpoint='newest' .*\n", said)
    assert not (tmp_path / "run").exists()


def test_a_process_that_is_alone_where_others_should_be_says_so():
    program = (
        "from research.parallel import processes\nprocesses.MEETING_SECONDS = 1\n"
        "with processes.joined('train', 'localhost:9', 2, 1): pass"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (75, "")
    assert re.fullmatch(
        r"error: the others of this command did not come in 1 s, or cannot be reached .*\n", done.stderr
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--coordinator=localhost:1",), "go together: give all three to each process"),
        (("--coordinator=a:1", "--num_processes=2", "--process_id=2"), "--process_id=2 is too high"),
        (("--coordinator=a", "--num_processes=2", "--process_id=1"), "--coordinator=a has no port"),
    ],
)
def test_flags_that_do_not_fit_are_refused(arguments, sentence, tmp_path):
    [(code, _, said)] = Started("train", *SMALL, f"--workdir={tmp_path}", *arguments, processes=1).ended()
    assert code == 1
    assert sentence in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy", ["pmap", "shard_map", "mesh --config.training.fsdp=2", "mesh --config.training.fsdp=4"]
)
@pytest.mark.parametrize("processes", [2, 4])
def test_any_number_of_processes_has_the_curve_of_one(strategy, processes, tmp_path):
    how = f"--config.training.strategy={strategy}".split()
    train(tmp_path / "one", *how, processes=1, devices=2 * processes)
    train(tmp_path / "several", *how, processes=processes)
    assert_same_curve(curve(tmp_path / "several"), curve(tmp_path / "one"))
    more = (*how, "--config.training.schedule=constant", "--config.training.steps=4")
    train(tmp_path / "grown", *more, processes=1, devices=4)
    train(tmp_path / "grown", *more[:-1], processes=processes)
    train(tmp_path / "alone", *more[:-1], processes=1, devices=4)
    assert_same_curve(curve(tmp_path / "grown"), curve(tmp_path / "alone"))
