"""A command that is watched: its memory, its open files, and the programs that JAX says it has compiled."""

import csv
import signal
import subprocess
import sys
import time

import psutil
import pytest

from benchmarks.endurance import Sample, _held, growth, main
from benchmarks.rounds import ROOT

GROWS = """
import sys, time
held, files = [], []
for i in range(20):
    held.append(b"x" * (5 << 20)); files.append(open(sys.argv[1]))
    if i < 3:
        print("WARNING: Finished XLA compilation of jit(f) in 0.1 sec", file=sys.stderr)
    time.sleep(0.1)
print("done", file=sys.stderr)
sys.exit(int(sys.stdin.read()))
"""


def test_what_grows_is_seen(tmp_path, capfd):
    given = tmp_path / "given"
    given.write_text("3\n")
    command = [sys.executable, "-c", GROWS, str(given)]
    assert main([str(tmp_path / "out"), f"--input={given}", "--every=0.05", "--", *command]) == 3
    with (tmp_path / "out.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    # The last sample may be of a process that is giving its memory back.
    most = {name: max(row[name] for row in rows) for name in rows[0]}
    assert most["mebibytes"] - rows[0]["mebibytes"] > 60
    assert most["open_files"] - rows[0]["open_files"] > 12
    assert rows[-1]["programs"] == 3
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    printed, said = capfd.readouterr()
    assert "middle → end: mebibytes" in printed
    assert said == "done\n"  # without what JAX logs


def test_memory_and_files_of_processes_below_count():
    holds = "held = b'x' * (200 << 20), [open('/dev/null') for _ in range(50)]; print(1, flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {holds!r}])"
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        memory, files = _held(psutil.Process(process.pid))
        assert memory > 200 << 20
        assert files > 50
        process.communicate("\n")


def test_the_middle_is_compared_with_the_end():
    """Growth before the middle is the warming up, and one sample is no growth."""
    samples = [Sample(i, 100 if i > 10 else i, 7 if i != 99 else 50, i // 50) for i in range(100)]
    assert growth(samples) == {"mebibytes": (100, 100), "open_files": (7, 7), "programs": (1, 1)}
    growing = [Sample(i, i, 1, 1) for i in range(100)]
    assert growth(growing)["mebibytes"] == (pytest.approx(54.5), pytest.approx(94.5))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_measured_ends_with_the_benchmark(number, tmp_path):
    """By SIGTERM, too, at which Python would leave it running."""
    command = [sys.executable, "-m", "benchmarks.endurance", str(tmp_path / "out"), "--", "sleep", "60"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while not (below := psutil.Process(process.pid).children()) or below[0].name() != "sleep":
            time.sleep(0.05)  # before it is itself, Python is still making it
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "error: the watch was interrupted before it was done; give the command again\n"
    assert not below[0].is_running()
