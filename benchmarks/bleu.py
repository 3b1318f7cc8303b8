"""BLEU over time: Transformer-Tiny trained on Multi30k through `run.py`, stopped, scored, and gone on with."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONFIG = "configs/multi30k.py:tiny"
SPLIT, BEAM = "test_2016_flickr", 5
POLL_SECONDS = 0.5
INTERRUPTED = 130  # the exit code of a run that was asked to stop, and saved
# What a run of minutes needs: a short warm-up, the last checkpoint, no validation.
OVERRIDES = (
    "--config.training.warmup_steps=400",
    "--config.training.validate_every_steps=1000000",
    "--config.training.average_last=1",
    "--config.training.log_every_steps=10",
    "--config.evaluation.checkpoint=last",
)


def over_time(data: Path, workdir: Path, minutes: list[float], overrides: list[str]) -> list[dict[str, Any]]:
    """Train to each of `minutes` and score: [{"minutes", "seconds", "step", "bleu"}].

    Minutes are those of training as the run folder counts them: compilation is in, scoring and saving are not.
    overrides: --config.field=value, after `OVERRIDES`.
    """
    train = [
        "train",
        f"--config={CONFIG}",
        f"--workdir={workdir}",
        f"--config.data.root={data}",
        *OVERRIDES,
        *overrides,
    ]
    evaluate = ["evaluate", f"--workdir={workdir}", f"--split={SPLIT}", f"--beam={BEAM}"]
    scores = []
    for minute in sorted(minutes):
        progress = train_until(train, workdir, 60 * minute)
        _run(evaluate)
        scores.append({"minutes": minute, **progress, "bleu": score(workdir)})
    return scores


def train_until(arguments: list[str], workdir: Path, seconds: float) -> dict[str, float]:
    """Run `run.py train` until it has trained for `seconds` in all; return the last step and seconds that it logged."""
    if trained(workdir)["seconds"] >= seconds:
        return trained(workdir)
    process = subprocess.Popen([sys.executable, "run.py", *arguments], cwd=ROOT)
    try:
        while process.poll() is None and trained(workdir)["seconds"] < seconds:
            time.sleep(POLL_SECONDS)
        process.send_signal(signal.SIGTERM)  # nothing happens to one that has come to its end
        code = process.wait()
    finally:
        process.kill()
    if code not in (0, INTERRUPTED):
        raise ChildProcessError(f"run.py {' '.join(arguments)} failed with exit code {code}; what it said is above")
    return trained(workdir)


def trained(workdir: Path) -> dict[str, float]:
    """Return the last step and seconds in metrics.jsonl; zeros before there are any."""
    found = {"step": 0, "seconds": 0.0}
    file = workdir / "metrics.jsonl"
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:  # the line that is being written
            continue
        if "seconds" in record:
            found = {"step": record["step"], "seconds": record["seconds"]}
    return found


def score(workdir: Path) -> float:
    """Return BLEU from result.json."""
    result = json.loads((workdir / "result.json").read_text("utf-8"))
    return result["splits"][SPLIT]["searches"][f"beam{BEAM}"]["bleu"]["score"]


def _run(arguments: list[str]) -> None:
    if subprocess.run([sys.executable, "run.py", *arguments], cwd=ROOT, check=False).returncode:
        raise ChildProcessError(f"run.py {' '.join(arguments)} failed; what it said is above")
