"""The input pipeline alone: every token of what was drawn is counted, of a corpus in memory or streamed."""

import re

import pytest

from benchmarks.pipeline import Rate, main

SMALL = ["train_pairs=300", "validation_pairs=5", "test_pairs=5"]


@pytest.mark.parametrize("stream_pairs", [0, 300])
def test_it_draws_batches_and_says_how_fast(stream_pairs, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path))
    monkeypatch.setattr("research.data.in_processes", lambda function, tasks, most=0: map(function, tasks))
    monkeypatch.setattr("research.data.shards.in_processes", lambda function, tasks, most=0: map(function, tasks))
    fields = [f"embedded.{field}" for field in SMALL]
    fields += ["vocabulary.size=500", f"stream_pairs={stream_pairs}", "workers=0"]
    given = ["--config=configs/embedded.py:luong", "--minutes=0.002"]
    assert main([*given, *(f"--config.data.{field}" for field in fields)]) == 0
    said = capsys.readouterr().out
    assert "300 pairs" in said
    assert re.search(r"[\d,]+ tokens/s of both sides, [\d,]+ positions/s of the longer side", said)


def test_a_rate_is_of_seconds_and_of_cores():
    said = str(Rate(batches=30, tokens=4_000, positions=2_000, seconds=2.0, cpu_seconds=4.0))
    assert said.startswith("2,000 tokens/s of both sides, 1,000 positions/s of the longer side, 15.0 batches/s; 500 ")
