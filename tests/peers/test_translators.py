"""The translators that we are timed against, with our weights, are our translators: logits, gradients, and searches."""

from functools import partial

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.families import FAMILIES
from research import models
from research.data.vocabulary import BOS, EOS, PAD
from research.decoding.beam import beam_search as our_beam_search
from research.decoding.greedy import greedy as our_greedy
from research.training.translator_training import make_objective

torch = pytest.importorskip("torch", reason="no PyTorch: install the [bench] extra")
peers = pytest.importorskip("benchmarks.peers")
from benchmarks.peers.decoding import beam_search, greedy  # noqa: E402
from benchmarks.peers.training import trimmed  # noqa: E402

pytestmark = pytest.mark.peers

V, SMOOTHING, LIMITS = 31, 0.1, np.array([6, 9, 3], np.int32)
NORMS = {"norm_self": "self_sublayer", "norm_cross": "cross_sublayer", "norm_ffn": "feed_forward_sublayer"}


def small(name):
    """The family's model with every width made small; the depth stays at two."""
    model = FAMILIES[name].config().copy_and_resolve_references().model
    model.unlock()
    model.update({"width": 12, "embedding": 12, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.0})
    if model.decoder == "transformer":
        model.update({"ffn": 17, "heads": 3, "kv_heads": 3})
    return model


def transformer_weights(params):
    """Our parameters under the peer's names. (Their matrices are transposed.)"""

    def linear(name, *parts):
        kernels = np.concatenate([part["kernel"].T for part in parts])
        return {f"{name}.weight": kernels, f"{name}.bias": np.concatenate([part["bias"] for part in parts])}

    def norm(name, part):
        return {f"{name}.weight": part["scale"], f"{name}.bias": part["bias"]}

    found = {"embedding.weight": params["embeddings"]["target"]}
    for side in ("encoder", "decoder"):
        found |= norm(f"{side}_norm", params[side]["norm"])
        for i in range(2):
            layer, at = params[side][f"layer_{i}"], f"{side}.{i}"
            own, forward = layer["self_attention"], layer["position_wise"]
            found |= linear(f"{at}.qkv", own["query"], own["key"], own["value"]) | linear(f"{at}.out", own["output"])
            found |= linear(f"{at}.grow", forward["inner"]) | linear(f"{at}.shrink", forward["outer"])
            for theirs, ours in NORMS.items():
                if ours in layer:
                    found |= norm(f"{at}.{theirs}", layer[ours]["layer_norm"])
            if side == "decoder":
                cross = layer["cross"]
                found |= linear(f"{at}.cross_query", cross["query"]) | linear(f"{at}.cross_out", cross["output"])
                found |= linear(f"{at}.cross_kv", cross["key"], cross["value"])
    return found


def recurrent_weights(params):
    """As `transformer_weights`. What is fed enters their first layer beside the word; their second bias is zero."""
    found = {f"{side}_embedding.weight": params["embeddings"][side] for side in ("source", "target")}
    decoder = params["decoder"]

    def layer(name, suffix, ours, fed=None):
        entering = ours["input"] if fed is None else np.concatenate([ours["input"], fed])
        return {
            f"{name}.weight_ih_{suffix}": entering.T,
            f"{name}.weight_hh_{suffix}": ours["recurrent"].T,
            f"{name}.bias_ih_{suffix}": ours["bias"],
            f"{name}.bias_hh_{suffix}": np.zeros_like(ours["bias"]),
        }

    for i in range(2):
        found |= layer("encoder.lstm", f"l{i}", params["encoder"][f"stack_{i}_0"])
        found |= layer("encoder.lstm", f"l{i}_reverse", params["encoder"][f"stack_{i}_1"])
        found |= layer(
            "decoder", f"l{i}", decoder[f"stack_{i}"], decoder.get("fed", decoder.get("context")) if i == 0 else None
        )
    if "combine" in decoder:
        found["combine.weight"] = decoder["combine"].T
        # General: ours is q · (k W), theirs q · (W' k); concat: both are matrices of the memory and of the query.
        found["keys.weight"] = decoder["read"]["scorer"]["key"].T
        if "query" in decoder["read"]["scorer"]:
            found["query.weight"] = decoder["read"]["scorer"]["query"].T
            found["score.weight"] = decoder["read"]["scorer"]["scale"][None]
    return found


def sides(name):
    """Our translator, random parameters, the peer with the same, and parameters under the peer's names."""
    model = small(name)
    ours = models.build(model, source_vocabulary=V, target_vocabulary=V)
    ids = np.ones((1, 2), np.int32)
    shapes = jax.eval_shape(ours.init, jax.random.key(0), ids, ids)["params"]
    random = np.random.default_rng(9)
    params = jax.tree.map(lambda x: random.normal(0, 0.3, x.shape).astype(np.float32), shapes)
    renamed = transformer_weights if model.decoder == "transformer" else recurrent_weights
    theirs = peers.build(model, V)
    theirs.load_state_dict({key: torch.tensor(np.ascontiguousarray(w)) for key, w in renamed(params).items()})
    return ours, params, theirs, renamed


def batch():
    random = np.random.default_rng(10)
    sizes = {"source_BS": (7, 2, 5), "target_in_BT": (4, 9, 2), "target_out_BT": (4, 9, 2)}
    found = {name: np.zeros((4, 11), np.int32) for name in sizes}  # the last row and columns are padding alone
    for name, lengths in sizes.items():
        for row, length in enumerate(lengths):
            found[name][row, :length] = random.integers(EOS, V, length)
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_loss_and_gradient(name):
    ours, params, theirs, renamed = sides(name)
    objective = make_objective(ours, smoothing=SMOOTHING, precision="float32")

    @jax.jit
    def loss(params, batch):
        sums = objective(params, batch, jax.random.key(0))
        return sums.loss / sums.tokens

    expected, gradient = jax.value_and_grad(loss)(params, batch())

    cut = trimmed({key: torch.tensor(ids).long() for key, ids in batch().items()})
    assert cut["source_BS"].shape == (3, 7)
    words = cut["target_out_BT"] != PAD
    logits = theirs.logits(theirs(cut["source_BS"], cut["target_in_BT"])[words])
    found = torch.nn.functional.cross_entropy(logits, cut["target_out_BT"][words], label_smoothing=SMOOTHING)
    found.backward()

    assert_allclose(found.item(), expected, rtol=1e-5)
    named = dict(theirs.named_parameters())
    for key, expected_gradient in renamed(jax.tree.map(np.asarray, gradient)).items():
        if "bias_hh" not in key:  # the second of two biases that we have one of
            assert_allclose(named[key].grad.numpy(), expected_gradient, rtol=1e-3, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", ["tiny", "none", "luong", "feeding", "bahdanau"])
@pytest.mark.parametrize("beam", [1, 5])
def test_search(name, beam):
    ours, params, theirs, _ = sides(name)
    theirs.eval()
    source_BS = batch()["source_BS"][:3]

    @jax.jit
    def search(params, source_BS):
        memory = ours.apply({"params": params}, source_BS, method="encode")
        cache = ours.apply({"params": params}, memory, beam, 9, method="start")

        def step(token_B, cache):
            return ours.apply({"params": params}, memory, token_B, cache, method="step")

        marks = {"limits_B": LIMITS, "max_tokens": 9, "pad": PAD, "bos": BOS, "eos": EOS}
        if beam == 1:
            return our_greedy(step, cache, **marks)
        reorder = partial(ours.apply, {"params": params}, method="reorder")
        return our_beam_search(step, reorder, cache, beam=beam, length_penalty=1.0, **marks).tokens_BNT[:, 0]

    expected = np.asarray(search(params, source_BS))
    source, limits = torch.tensor(source_BS).long(), torch.tensor(LIMITS).long()
    found = greedy(theirs, source, limits) if beam == 1 else beam_search(theirs, source, limits, beam, 1.0)
    np.testing.assert_array_equal(found.numpy(), expected[:, : found.shape[1]])
    assert (expected[:, found.shape[1] :] == PAD).all()


def test_reversed_encoder_reads_as_the_packed_one():
    from benchmarks.peers.recurrent import PackedEncoder, ReversedEncoder

    packed, flipped = PackedEncoder(5, 6, 2, 0.0), ReversedEncoder(5, 6, 2, 0.0)
    with torch.no_grad():
        for i in range(2):
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(flipped.forwards[i], f"{part}_l0").copy_(getattr(packed.lstm, f"{part}_l{i}"))
                getattr(flipped.backwards[i], f"{part}_l0").copy_(getattr(packed.lstm, f"{part}_l{i}_reverse"))
        x, lengths = torch.randn(3, 7, 5), torch.tensor([7, 2, 5])
        (one, hidden, _), (two, their_hidden, _) = packed(x, lengths), flipped(x, lengths)
    words = (torch.arange(7) < lengths[:, None])[:, :, None]
    assert_allclose((one * words).numpy(), (two * words).numpy(), rtol=1e-5, atol=1e-6)
    assert_allclose(hidden.numpy(), their_hidden.numpy(), rtol=1e-5, atol=1e-6)


def test_a_model_that_the_peer_has_not_is_refused():
    model = small("luong")
    model.cell = "gru"
    with pytest.raises(ValueError, match=r"model\.cell='gru'"):
        peers.build(model, V)
