"""Text in, text out, with small real models: every sentence once, in order, whatever the batch and the devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.base import MODELS
from research.data.pairs import Pair
from research.data.vocabulary import BOS, EOS, Vocabularies
from research.decoding.translate import translate, translate_n_best
from research.models import build
from research.training.devices import Devices

OPTIONS = {"length_penalty": 1.0, "extra_tokens": 3, "max_tokens": 16, "batch_sentences": 7}
SENTENCES = [
    "the dog sleeps", "", "a cat", "two old dogs run and the small cat sleeps", "run", "  ", "a dog and a cat run",
    "the old cat sees a small dog", "cats", "the dog sees two cats and a small old dog", "dogs run", "see the small cat",
]  # fmt: skip


@pytest.fixture(scope="module")
def vocabularies():
    lines = [line for line in SENTENCES if line.strip()]
    return Vocabularies.train([Pair(line, line.upper()) for line in lines], joint=True, kind="bpe", size=67)


@pytest.fixture(scope="module", params=["none", "luong", "bahdanau", "transformer"])
def model(request, vocabularies):
    """A translator with random weights, large enough that its translations differ."""
    config = MODELS[request.param]()
    config.width, config.layers = 16, 1
    if config.family == "transformer":
        config.heads, config.ffn = 2, 24
    size = len(vocabularies.target)
    translator = build(config, source_vocabulary=size, target_vocabulary=size)
    params = translator.init(jax.random.key(1), jnp.ones((1, 3), int), jnp.ones((1, 2), int))["params"]
    return translator, jax.tree.map(lambda leaf: leaf * (3.0 if leaf.ndim > 1 else 1.0), params)


def test_every_sentence_once_and_in_order_whatever_the_batches_and_devices(model, vocabularies):
    one, eight = Devices(devices=jax.devices()[:1]), Devices()
    assert eight.count == 8
    for beam in (1, 3):
        reported = []
        found = translate_n_best(
            *model, vocabularies, SENTENCES, devices=one, beam=beam, n_best=beam, progress=reported.append, **OPTIONS
        )
        assert len(found.texts) == sum(reported) == len(SENTENCES)
        assert found.texts[1] == found.texts[5] == ""
        assert len(set(found.texts)) > len(SENTENCES) // 2
        everywhere = translate_n_best(*model, vocabularies, SENTENCES, devices=eight, beam=beam, n_best=beam, **OPTIONS)
        assert everywhere.texts == found.texts
        backwards = {**OPTIONS, "batch_sentences": 3}
        again = translate(*model, vocabularies, SENTENCES[::-1], devices=one, beam=beam, **backwards)
        assert again[::-1] == found.texts
        for hypotheses in found.n_best:
            scores = [each.score for each in hypotheses if each.ended]
            assert scores == ([None] * len(scores) if beam == 1 else sorted(scores, reverse=True))


def test_score_is_what_the_model_says_of_it(model, vocabularies):
    translator, params = model
    options = {**OPTIONS, "length_penalty": 0.6}
    found = translate_n_best(
        translator, params, vocabularies, SENTENCES, devices=Devices(), beam=3, n_best=3, **options
    )
    for sentence, hypotheses in zip(SENTENCES, found.n_best, strict=True):
        for each in hypotheses if sentence.strip() else []:
            target = [*each.ids, EOS] if each.ended else list(each.ids)
            source_1S = jnp.array([[*vocabularies.source.encode(sentence)[:15], EOS]])
            logits_TV = translator.apply({"params": params}, source_1S, jnp.array([[BOS, *target[:-1]]]))[0]
            said_T = np.take_along_axis(np.array(jax.nn.log_softmax(logits_TV)), np.array(target)[:, None], axis=1)
            np.testing.assert_allclose(each.score, said_T.sum() / len(target) ** 0.6, rtol=2e-4)


def test_long_sources_are_cut_and_counted(vocabularies):
    translator, params = tiny(vocabularies)
    long = " ".join(SENTENCES)
    options = {"devices": Devices(devices=jax.devices()[:1]), "beam": 1, **OPTIONS}
    found = translate_n_best(translator, params, vocabularies, [long, "run", ""], **options)
    assert found.truncated == 1
    beginning = vocabularies.source.decode(vocabularies.source.encode(long)[:15])
    assert len(vocabularies.source.encode(beginning)) == 15
    assert found.texts[0] == translate(translator, params, vocabularies, [beginning], **options)[0]


def test_limit_is_of_each_source_and_nothing_needs_sentences(vocabularies):
    translator, params = tiny(vocabularies)
    params = {**params, "embeddings": jax.tree.map(lambda leaf: leaf.at[EOS].set(0.0), params["embeddings"])}
    options = {"devices": Devices(devices=jax.devices()[:1]), **OPTIONS}
    for beam in (1, 2):
        found = translate_n_best(translator, params, vocabularies, SENTENCES, beam=beam, **options)
        for sentence, [best] in zip(SENTENCES, found.n_best, strict=True):
            subwords = len(vocabularies.source.encode(sentence)[:15])
            assert len(best.ids) == 3 * subwords // 2 + 3 or best.ended
        assert not all(best.ended for [best] in found.n_best)
        assert translate(translator, params, vocabularies, [], beam=beam, **options) == []
        assert translate(translator, params, vocabularies, ["", " "], beam=beam, **options) == ["", ""]


def test_compiles_once_for_a_shape(vocabularies):
    """Validation translates again and again, with other weights."""
    translator, params = tiny(vocabularies)
    runs = []

    class Counting(Devices):
        def run(self, fn):
            runs.append(fn)
            return super().run(fn)

    devices = Counting(devices=jax.devices()[:1])
    for _ in range(2):
        params = jax.tree.map(lambda leaf: leaf * 0.9, params)
        translate(translator, params, vocabularies, SENTENCES[:2], devices=devices, beam=1, **OPTIONS)
    assert len(runs) == 1


@pytest.mark.parametrize("wrong", [{"beam": 0}, {"beam": 2, "n_best": 3}, {"beam": 2, "n_best": 0}])
def test_says_what_is_wrong(wrong, vocabularies):
    with pytest.raises(ValueError, match="there must be at least one of each"):
        translate_n_best(*tiny(vocabularies), vocabularies, ["run"], devices=Devices(), **wrong, **OPTIONS)


def tiny(vocabularies):
    config = MODELS["luong"]()
    config.width = 8
    size = len(vocabularies.target)
    translator = build(config, source_vocabulary=size, target_vocabulary=size)
    params = translator.init(jax.random.key(2), jnp.ones((1, 3), int), jnp.ones((1, 2), int))["params"]
    return translator, jax.tree.map(lambda leaf: leaf * 3.0, params)
