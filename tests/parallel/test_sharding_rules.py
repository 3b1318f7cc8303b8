"""The cuts of an array over a mesh: by the table, then along the longest axis; what does not divide stays whole."""

import re

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec as P

from research.parallel.sharding_rules import COMPUTED_CUT, STORED_CUT, computed, stored
from tests.models import variants


@pytest.mark.parametrize(
    ("path", "shape", "lies", "is_used"),
    [
        ("params/embeddings/target", (6, 4), P("tensor", "fsdp"), P("tensor", None)),
        ("optimiser/1/0/mu/embeddings/target", (6, 4), P("tensor", "fsdp"), P("tensor", None)),
        ("averaged/embeddings/output", (7, 4), P(None, "fsdp"), P(None, None)),  # 7 is odd
        ("encoder/layer_0/self_attention/query/kernel", (4, 8), P("fsdp", "tensor"), P(None, "tensor")),
        ("decoder/layer_11/cross/output/kernel", (8, 4), P("tensor", "fsdp"), P("tensor", None)),
        ("decoder/layer_0/cross/output/bias", (4,), P("fsdp"), P(None)),
        ("decoder/layer_0/cross/scorer/query", (2, 5, 6), P("tensor", None, "fsdp"), P("tensor", None, None)),
        ("encoder/layer_0/position_wise/inner/bias", (6,), P("tensor"), P("tensor")),
        # Scanned: an axis of layers in front, here the longest, is never cut.
        (
            "params/encoder/layer/self_attention/query/kernel",
            (12, 4, 8),
            P(None, "fsdp", "tensor"),
            P(None, None, "tensor"),
        ),
        (
            "optimiser/1/0/nu/decoder/layer/cross/output/kernel",
            (12, 8, 4),
            P(None, "tensor", "fsdp"),
            P(None, "tensor", None),
        ),
        ("averaged/encoder/layer/position_wise/inner/bias", (12, 6), P(None, "tensor"), P(None, "tensor")),
        (
            "decoder/layer/cross/scorer/query",
            (12, 2, 5, 6),
            P(None, "tensor", None, "fsdp"),
            P(None, "tensor", None, None),
        ),
        ("decoder/layer/self_sublayer/layer_norm/scale", (12, 4), P(None, "fsdp"), P(None, None)),
        ("encoder/stack_1_0/recurrent", (5, 8), P(None, "tensor"), P(None, None)),
        ("decoder/stack_0/input", (10, 8), P("fsdp", "tensor"), P(None, None)),
        ("decoder/read/scorer/key", (3, 6), P(None, "fsdp"), P(None, None)),
        ("encoder/norm/scale", (7,), P(None), P(None)),
        ("a", (2, 8, 6), P(None, "fsdp", None), P(None, None, None)),  # the longest
        ("step", (), P(), P()),
    ],
)
def test_an_array_is_cut_by_its_path_and_its_shape(path, shape, lies, is_used):
    assert stored(path, shape, fsdp=2, tensor=2) == lies
    assert computed(path, shape, tensor=2) == is_used
    whole = P(*[None] * len(shape))
    assert (stored(path, shape, fsdp=1, tensor=1), computed(path, shape, tensor=1)) == (whole, whole)


def test_every_rule_is_of_a_parameter_that_some_model_has():
    """A rule of a parameter that was renamed would do nothing, in silence."""
    names = {"transformer-pre-none-1-2", "transformer-sparse", "luong-feeding-general-lstm-2", "bahdanau-future-gru"}
    paths = set()
    for name in names:
        translator = variants.build(variants.config(name))
        ids = (jax.ShapeDtypeStruct((2, length), jnp.int32) for length in (5, 7))
        params = jax.eval_shape(translator.init, jax.random.key(0), *ids)["params"]
        leaves = jax.tree_util.tree_flatten_with_path(params)[0]
        paths |= {jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves}
    for end in COMPUTED_CUT | STORED_CUT:
        assert any(re.search(f"(^|/)({end})$", path) for path in paths), end
