"""Translation of text by small models: every sentence once and in order, in any batch and on any devices."""

import jax
import numpy as np
import pytest

from research.data.pairs import Pair
from research.data.vocabulary import BOS, EOS, Vocabularies
from research.decoding.search import Sampling
from research.decoding.translate import translate, translate_by, translate_n_best
from research.parallel.devices import Devices
from tests.decoding.random_model import random_model

ONE = Devices(devices=jax.devices()[:1])
# One source length and few programs, since these tests spend their time on compilation.
OPTIONS = {
    "length_penalty": 0.6,
    "length_normalisation": "mean",
    "coverage_penalty": 0.0,
    "extra_tokens": 3,
    "max_tokens": 8,
    "batch_sentences": 7,
}
SENTENCES = [
    "the dog runs", "", "a cat", "two old dogs run", "run", "  ", "a dog sees a cat",
    "the old cat sees a dog", "cats", "see the old cat", "dogs run", "two cats run", "a cat runs",
]  # fmt: skip


@pytest.fixture(scope="module")
def vocabularies():
    lines = [line for line in SENTENCES if line.strip()]
    return Vocabularies.train([Pair(line, line) for line in lines], joint=True, kind="bpe", size=41)


@pytest.fixture(scope="module", params=["luong", "transformer"])
def model(request, vocabularies):
    return random_model(request.param, len(vocabularies.target))


@pytest.mark.parametrize("beam", [1, 3])
def test_every_sentence_once_and_in_order_in_any_batches(model, vocabularies, beam):
    reported = []
    options = {"beam": beam, "n_best": beam, "devices": ONE, **OPTIONS}
    found = translate_n_best(*model, vocabularies, SENTENCES, progress=reported.append, **options)
    assert len(found.texts) == sum(reported) == len(SENTENCES)
    assert found.texts[1] == found.texts[5] == ""
    assert len(set(found.texts)) > len(SENTENCES) // 2
    options["batch_sentences"] = 11
    backwards = translate_n_best(*model, vocabularies, SENTENCES[::-1], **options)
    assert backwards.texts[::-1] == found.texts
    for ours, theirs in zip(found.n_best, backwards.n_best[::-1], strict=True):
        assert [each.ids for each in ours] == [each.ids for each in theirs]


def test_scores_equal_teacher_forcing(model, vocabularies):
    translator, params = model
    options = {"devices": ONE, "beam": 3, "n_best": 3, **OPTIONS}
    found = translate_n_best(translator, params, vocabularies, SENTENCES, **options)
    logits = jax.jit(translator.apply)
    for sentence, hypotheses in zip(SENTENCES, found.n_best, strict=True):
        scores = [each.score for each in hypotheses if each.ended]
        assert scores == sorted(scores, reverse=True)
        for each in hypotheses if sentence.strip() else []:
            target = [*each.ids, EOS] if each.ended else list(each.ids)
            source_1S, target_in_1T = np.zeros((1, 8), int), np.zeros((1, 13), int)
            source = [*vocabularies.source.encode(sentence)[:7], EOS]
            source_1S[0, : len(source)], target_in_1T[0, : len(target)] = source, [BOS, *target[:-1]]
            said_TV = np.array(jax.nn.log_softmax(logits({"params": params}, source_1S, target_in_1T)[0]), np.float64)
            said = sum(said_TV[position, token] for position, token in enumerate(target))
            np.testing.assert_allclose(each.score, said / len(target) ** 0.6, rtol=1e-4)


def test_long_sources_are_cut_and_counted(vocabularies):
    model = random_model("luong", len(vocabularies.target))
    long = " ".join(SENTENCES)
    found = translate_n_best(*model, vocabularies, [long, "run", ""], devices=ONE, beam=1, **OPTIONS)
    assert found.truncated == 1
    beginning = vocabularies.source.decode(vocabularies.source.encode(long)[:7])
    assert vocabularies.source.encode(beginning) == vocabularies.source.encode(long)[:7]
    assert found.texts[0] == translate(*model, vocabularies, [beginning], devices=ONE, beam=1, **OPTIONS)[0]


@pytest.mark.parametrize("beam", [1, 3])
def test_each_source_has_its_own_limit(vocabularies, beam):
    translator, params = random_model("luong", len(vocabularies.target))
    params["embeddings"]["target"][EOS] = 0.0  # hardly any hypothesis ends by itself
    options = {"devices": ONE, "beam": beam, "n_best": beam, **OPTIONS}
    found = translate_n_best(translator, params, vocabularies, SENTENCES, **options)
    for sentence, (best, *_) in zip(SENTENCES, found.n_best, strict=True):
        limit = 3 * len(vocabularies.source.encode(sentence)[:7]) // 2 + 3
        assert len(best.ids) == limit or best.ended
    assert not all(best.ended for best, *_ in found.n_best)
    assert translate(translator, params, vocabularies, [], **options) == []
    assert translate(translator, params, vocabularies, ["", " "], **options) == ["", ""]


def test_compiles_once_for_a_shape(vocabularies):
    """As validation needs it, which translates again and again with other weights."""
    translator, params = random_model("luong", len(vocabularies.target))
    runs = []

    class Counting(Devices):
        def run(self, fn):
            runs.append(fn)
            return super().run(fn)

    devices = Counting(devices=jax.devices()[:1])
    first = translate(translator, params, vocabularies, SENTENCES, devices=devices, beam=1, **OPTIONS)
    params = jax.tree.map(lambda leaf: leaf * 0.5, params)
    assert translate(translator, params, vocabularies, SENTENCES, devices=devices, beam=1, **OPTIONS) != first
    assert len(runs) == 1


@pytest.mark.parametrize("wrong", [{"beam": 0}, {"beam": 2, "n_best": 3}, {"beam": 2, "n_best": 0}])
def test_refuses_settings_out_of_range(wrong, vocabularies):
    with pytest.raises(ValueError, match="there must be at least one of each"):
        translate_n_best(None, None, vocabularies, ["run"], devices=ONE, **wrong, **OPTIONS)


def test_samples_depend_on_the_seed_and_the_index_of_the_sentence(vocabularies):
    """So an empty line, or another batch, does not change the samples of other lines."""
    model = random_model("luong", len(vocabularies.target))
    options = {name: OPTIONS[name] for name in ("extra_tokens", "max_tokens", "batch_sentences")}
    arguments = (Sampling(2, temperature=1.0, top_k=0, top_p=1.0), *model, vocabularies)

    def drawn(sentences, seed):
        found = translate_by(*arguments, sentences, devices=ONE, seed=seed, **options)
        return [[each.ids for each in samples] for samples in found.n_best]

    first = drawn(SENTENCES, 0)
    assert drawn(["" if index % 2 else text for index, text in enumerate(SENTENCES)], 0)[::2] == first[::2]
    assert drawn(SENTENCES, 1) != first
    with pytest.raises(ValueError, match="seed=-1 must be at least 0"):
        drawn(SENTENCES, -1)
