"""The benchmark's parts that need no PyTorch, on made-up numbers and tiny workloads; nothing is timed."""

import json
from collections import Counter

import numpy as np
import pytest

from benchmarks import bleu, profiler, rounds, sentences, worker
from benchmarks.families import FAMILIES
from benchmarks.matmul import rates
from benchmarks.table import markdown, rich_tables
from benchmarks.workload import Workload


@pytest.fixture(scope="module")
def workload():
    config = FAMILIES["tiny"].config().copy_and_resolve_references()
    config.unlock()
    config.data.vocabulary.size, config.data.batch_tokens = 211, 128
    return sentences.build(None, config, batches=3, sentences=13)


def test_families_differ_and_lock():
    models = {json.dumps(family.config().model.to_dict(), sort_keys=True) for family in FAMILIES.values()}
    assert len(models) == len(FAMILIES)
    with pytest.raises(AttributeError):
        FAMILIES["tiny"].config().model.widht = 3


def test_workload_survives_its_file(workload, tmp_path):
    workload.save(tmp_path / "workload.npz")
    again = Workload.load(tmp_path / "workload.npz")
    assert (again.vocabulary, again.origin) == (211, workload.origin)
    for before, after in zip([*workload.training, *workload.decoding], [*again.training, *again.decoding], strict=True):
        assert before.keys() == after.keys()
        for name in before:
            np.testing.assert_array_equal(before[name], after[name])


def test_workload_counts_words_not_padding(workload):
    words = [row[row != 0] for batch in workload.training for row in batch["target_out_BT"]]
    assert workload.target_tokens == sum(map(len, words))
    assert workload.sentences == 13
    assert 0.5 < workload.fill <= 1
    for batch in workload.decoding:
        np.testing.assert_array_equal(batch["length_B"] > 0, (batch["source_BS"] != 0).any(1))


def test_made_up_lengths_are_multi30ks():
    made_up = sentences.made_up(np.random.default_rng(0), 5_000, 8_000)
    sources, targets = made_up.sources.lengths + 1, made_up.targets.lengths + 1
    assert sources.mean() == pytest.approx(15.3, abs=0.5)  # measured on the training split, as are these
    assert targets.mean() == pytest.approx(15.8, abs=0.5)
    assert np.corrcoef(np.log(sources), np.log(targets))[0, 1] == pytest.approx(0.86, abs=0.04)


def test_rates_count_whole_passes():
    calls = []
    rate, last = worker.per_second(lambda: calls.append(1) or len(calls), 7, 0.0)
    assert len(calls) == last == 1
    assert rate > 0


class Side:
    """One that does nothing."""

    parameters = 3

    def __init__(self, tokens):
        self.tokens, self.done = tokens, []

    def warm_up_training(self):
        self.done.append("warm")

    def train(self):
        self.done.append("train")
        return 2.0

    def warm_up_decoding(self, beam):
        self.done.append(f"warm {beam}")

    def decode(self, beam):
        self.done.append(f"decode {beam}")
        return self.tokens

    def notes(self):
        return {"note": 1}


def test_measure_warms_up_first(workload):
    side = Side(workload.translated_tokens)
    measured = worker.measure(side, workload, 0.0, [1, 5])
    assert side.done == ["warm", "train", "warm 1", "decode 1", "warm 5", "decode 5"]
    assert measured["loss"] == 2.0
    assert measured.keys() >= {"train", "greedy", "beam5", "note"}


def test_measure_refuses_translations_of_another_length(workload):
    with pytest.raises(ValueError, match="sentences ended before their limits"):
        worker.measure(Side(workload.translated_tokens - 1), workload, 0.0, [1])


def test_ratio_is_of_each_round():
    measured = [
        {"ours": {"train": 2.0}, "theirs": {"train": 1.0}},
        {"ours": {"train": 1.0}, "theirs": {"train": 2.0}},
        {"ours": {"train": 3.0}, "theirs": {"train": 4.0}},
    ]
    assert rounds.summary(measured, "train") == {"ours": 2.0, "theirs": 2.0, "ratio": 0.75, "least_ratio": 0.5}


def test_only_pytorch_gets_the_allocator_from_outside(tmp_path):
    ours, theirs = (rounds.environment(side, 2, tmp_path) for side in ("ours", "theirs"))
    assert theirs["MALLOC_MMAP_THRESHOLD_"] == "4294967296"
    assert theirs["MALLOC_TRIM_THRESHOLD_"] == "8589934592"
    assert "XLA_FLAGS" not in ours
    assert ours["OMP_NUM_THREADS"] == theirs["OMP_NUM_THREADS"] == "2"


def test_matmul_rate():
    assert 0 < rates("numpy", {"small": (3, 5, 7)}, 0.0)["small"] < np.inf


def test_tables():
    measure = {"ours": 5_000.0, "theirs": 4_000.0, "ratio": 1.25, "least_ratio": 1.2}
    results = {
        "machine": "a machine",
        "threads": 2,
        "rounds": 2,
        "versions": {"jax": "1"},
        "workload": {
            "origin": "text", "batches": 3, "batch_tokens": 4_096, "fill": 0.9, "vocabulary": 211, "sentences": 13,
        },
        "families": {
            "tiny": {
                "title": "Tiny",
                "matmul_share": {"ours": 0.5, "theirs": 0.4},
                "measures": {"train": measure, "greedy": measure, "beam5": measure},
            }
        },
        "bleu": [{"minutes": 5, "seconds": 300.1, "step": 1_200, "bleu": 24.04}],
    }  # fmt: skip
    text = markdown(results)
    assert "| Tiny | 5,000 | 4,000 | 1.25 (1.20) | 50% | 40% |" in text
    assert "**Decoding with beam 5, sentences/s**" in text
    assert "| 5 | 1,200 | 24.0 |" in text
    assert [len(table.columns) for table in rich_tables(results)] == [6, 4, 4, 3]
    bleu_alone = {name: results[name] for name in ("machine", "threads", "versions", "bleu")}
    assert [len(table.columns) for table in rich_tables(bleu_alone)] == [3]


def test_where_in_the_model_an_operation_is():
    """Layers are one part, what JAX wraps around them is none, and gradients are told apart."""
    forward = (
        "jit(_fun)/jvp(Translator.outputs)/Translator.states/decoder/decoder._layer_by_layer/stack_0/while/body/dot"
    )
    assert profiler.path(forward) == ["Translator.outputs", "decoder", "decoder._layer_by_layer", "stack", "dot"]
    backward = "jit(_fun)/transpose(jvp(Translator.outputs))/Translator.encode/encoder/layer_3/self_sublayer/add"
    assert profiler.path(backward) == [
        "backward", "Translator.outputs", "Translator.encode", "encoder", "layer", "self_sublayer", "add",
    ]  # fmt: skip
    assert profiler.path("jit(search)/while/body/reduce_sum") == ["outside", "reduce_sum"]


def test_time_is_summed_by_part():
    names = {
        "dot.1": "jit(f)/jvp(M.outputs)/layer_0/dot",
        "while.3": "jit(f)/while",
        "add": "jit(f)/jvp(M.outputs)/add",
    }
    spent = profiler.by_part(Counter({"dot.1": 2.0, "while.3": 9.0, "add": 1.0, "unknown": 5.0}), names, 1)
    assert spent == {"M.outputs": 3.0}


def test_names_are_of_the_program_in_which_the_time_was_spent(tmp_path):
    (tmp_path / "a.after_optimizations.txt").write_text('  %x = f32[] add(), metadata={op_name="small"}\n')
    line = '  ROOT %fusion.2 = f32[2]{0} fusion(%p), kind=kLoop, metadata={op_name="jit(f)/large" stack_frame_id=1}\n'
    (tmp_path / "b.cpu_after_optimizations.txt").write_text(line * 3)
    assert profiler.op_names(tmp_path, Counter({"fusion.2": 3.0, "x": 1.0})) == {"fusion.2": "jit(f)/large"}


def test_progress_is_read_while_it_is_written(tmp_path):
    assert bleu.trained(tmp_path) == {"step": 0, "seconds": 0.0}
    lines = ['{"step": 10, "seconds": 4.5, "train/loss": 1}', '{"step": 10, "validation/bleu": 2}', '{"step": 20, "sec']
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines), "utf-8")
    assert bleu.trained(tmp_path) == {"step": 10, "seconds": 4.5}
