"""Interventions on a run folder: scores found in another way, intervals around changes, and the table."""

import json

import numpy as np
import pytest

from research.data.vocabulary import Vocabulary
from research.evaluation.evaluate import evaluate
from research.evaluation.loaded_run import load
from research.models.interventions import heads, reading_by
from tests.evaluation.test_evaluate import PAIRS, none, transformer  # noqa: F401 - fixtures, of run folders


@pytest.fixture
def encoded(monkeypatch):
    """Return the list to which every list of texts is added when it is encoded."""
    return watch_encoding(monkeypatch)


def watch_encoding(patch):
    encoded, encode_all = [], Vocabulary.encode_all
    patch.setattr(Vocabulary, "encode_all", lambda self, texts: encoded.append(list(texts)) or encode_all(self, texts))
    return encoded


def sides(workdir, *splits):
    """Return the texts of each side of some splits."""
    run = load(workdir)
    return sorted([pair[side] for pair in run.split(name)] for name in splits for side in (0, 1))


@pytest.fixture(scope="module")
def evaluated(transformer):  # noqa: F811
    """Return what `evaluate` gives with interventions, and the lists of texts that it encoded."""
    with pytest.MonkeyPatch.context() as patch:
        encoded = watch_encoding(patch)
        return evaluate(transformer, split="test", beams=(1,), interventions=True, command=""), encoded


@pytest.fixture(scope="module")
def rows(evaluated):
    return {row["bin"]: row for row in evaluated[0]["splits"]["test"]["interventions"]}


def test_every_intervention_has_a_row_and_its_interval(transformer, rows):  # noqa: F811
    names = heads(load(transformer).translator)
    assert list(rows) == ["none", "uniform", "hard", "permuted", *(f"without {head}" for head in names)]
    before, *changed = rows.values()
    assert before.keys() == {"bin", "token_accuracy", "bleu"}
    for row in changed:
        for name in ("token_accuracy", "bleu"):
            assert row[f"{name}_change"] == pytest.approx(row[name] - before[name])
            assert row[f"{name}_low"] <= row[f"{name}_change"] + 1e-9
            assert row[f"{name}_change"] <= row[f"{name}_high"] + 1e-9


def test_evaluate_writes_interventions_on_request(transformer, evaluated):  # noqa: F811
    """Before another test evaluates the same run again."""
    result, encoded = evaluated
    assert result == json.loads((transformer / "result.json").read_text())
    # Each text once, whatever is measured; the validation split is read to choose among layers.
    assert sorted(encoded) == sides(transformer, "test", "validation")
    rows = result["splits"]["test"]["interventions"]
    table = (transformer / "result.md").read_text()
    assert "**Interventions, greedy: the change, and its 95 % interval over sentences**" in table
    low, high = (f"{100 * rows[1][f'token_accuracy_{end}']:.1f}" for end in ("low", "high"))
    assert f"[{low}, {high}]" in table
    assert np.isfinite([row["bleu"] for row in rows]).all()


def test_uniform_equals_the_model_with_that_normaliser(transformer, rows, monkeypatch):  # noqa: F811
    """Against `evaluate` of a run with that normaliser."""
    run, row = load(transformer), rows["uniform"]
    intervened = run._replace(translator=reading_by(run.translator, "uniform"))
    monkeypatch.setattr("research.evaluation.evaluate.load", lambda path: intervened)
    result = evaluate(transformer, split="test", beams=(1,), command="")["splits"]["test"]
    assert row["bleu"] == pytest.approx(result["searches"]["beam1"]["bleu"]["score"])
    assert row["token_accuracy"] == pytest.approx(result["token_accuracy"])


def test_a_model_without_attention_has_no_interventions(none, encoded):  # noqa: F811
    result = evaluate(none, split="test", beams=(1,), interventions=True, command="")
    assert sorted(encoded) == sides(none, "test")
    assert not result["splits"]["test"]["interventions"]
    assert "Interventions" not in (none / "result.md").read_text()
