"""The share of a job that goes into steps: what is read of the runs, without training."""

import json
from pathlib import Path

from benchmarks import job


def test_the_share_is_of_tokens_over_the_median_rate(monkeypatch, capsys):
    """Three runs of 600 tokens at 100 a second, once compiled: 18 of 36 seconds."""

    def run(command, **_):
        for folder in map(Path, json.loads(Path(command[-1]).read_text())["folders"].values()):
            folder.mkdir()
            (folder / "provenance.json").write_text(json.dumps({"tokens": 600.0}))
            lines = [
                {"step": step, "train/tokens_per_second": rate} for step, rate in ((1, 3.0), (2, 100.0), (3, 110.0))
            ]
            (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    times = iter([0.0, 50.0, 100.0, 136.0])
    monkeypatch.setattr(job.subprocess, "run", run)
    monkeypatch.setattr(job.time, "perf_counter", lambda: next(times))
    assert job.main([]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "warm: 36.0 s, of which 18.0 s were steps: 50%"
