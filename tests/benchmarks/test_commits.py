"""A commit beside another: what is read of a run, and the table, without training."""

import json
from pathlib import Path

from benchmarks import commits


def fake_run(rate_of):
    """Return a `subprocess.run` that makes worktrees as folders, and writes the metrics of a run."""

    def run(command, cwd, **_):
        if command[:3] == ["git", "worktree", "add"]:
            Path(command[-2]).mkdir()
        if "train" in command:
            [folder] = [Path(part.partition("=")[2]) for part in command if part.startswith("--workdir=")]
            folder.mkdir()
            rates = {50: 1.0, 250: rate_of(cwd), 300: 2 * rate_of(cwd), 350: 3 * rate_of(cwd)}
            lines = [{"step": step, "train/tokens_per_second": rate} for step, rate in rates.items()]
            lines.insert(2, {"step": 300, "validation/perplexity": 2.0})
            (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    return run


def test_the_ratio_is_of_the_medians_after_compiling(monkeypatch, capsys):
    monkeypatch.setattr(commits.subprocess, "run", fake_run(lambda cwd: 4_000.0 if cwd == commits.ROOT else 1_000.0))
    assert commits.main(["aee8c61", "--rounds=2"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["round", "2", "2,000", "8,000", "4.00"] in lines
    assert ["median", "2,000", "8,000", "4.00"] in lines
