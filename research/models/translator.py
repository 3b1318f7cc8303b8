"""The interface of every model, and how to get its attention weights.

memory = encode(source_BS); logits_BTV = decode(memory, target_in_BT) all at once; logits_BV, cache = step(memory,
token_B, cache) one position at a time. `step` repeated equals `decode`, except for a decoder that sees the future.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.models.embeddings import Embeddings
from research.models.layers import STACKED

Array = jax.Array
PAD = 0  # the id of padding: no model reads it
DECODER_DIRECTIONS = ("uni", "bi")
"""Directions in which the target is read: from its beginning ("uni"), or from its end too ("bi"). With "bi" and teacher
forcing a position sees the words after it, the one to predict included. In `step` there are no later words, so "bi"
cannot translate: it is a control that shows why decoders are "uni"."""


@flax.struct.dataclass
class Encoded:
    """The output of an encoder.

    Args:
        states_BSE: a state for each position.
        mask_BS: True at real positions.
        finals: the last state of each recurrent layer, float32, from which a recurrent decoder starts; () without any.
    """

    states_BSE: Array
    mask_BS: Array
    finals: tuple[tuple[Array, ...], ...]


class Translator(nn.Module):
    """An encoder and a decoder between embeddings and the output layer.

    A batch may be searched with N hypotheses a sentence: X = B · N rows, those of a sentence together. Attention
    weights are sown in the collection "attention": pass `mutable=["attention"]` to `apply` to get them.

    Args:
        embeddings: the tables of vectors.
        source_side: a pattern of an encoder, (vectors_BSE, mask_BS) -> Encoded.
        target_side: a pattern of a decoder, with `memory`, `start`, `step`, `reorder` and a call; see
            `RecurrentDecoder` and `TransformerDecoder`.
        deterministic: True for no dropout.
        dtype: of the computation, float32 or bfloat16. Parameters, states of cells, softmax and sums are float32.
    """

    embeddings: Embeddings
    source_side: nn.Module
    target_side: nn.Module
    deterministic: bool = True
    dtype: Any = jnp.float32

    def setup(self) -> None:
        mode = {"deterministic": self.deterministic, "dtype": self.dtype}
        self.encoder, self.decoder = self.source_side.clone(**mode), self.target_side.clone(**mode)

    def encode(self, source_BS: Array) -> Any:
        """Return the memory of a batch, a pytree whose leaves have B in front. Padding (id 0) is never read."""
        return self.decoder.memory(self.encoder(self.embeddings.source(source_BS).astype(self.dtype), source_BS != PAD))

    def states(self, memory: Any, target_in_BT: Array) -> Array:
        """Return states_BTD, from which the output layer predicts, teacher-forced."""
        return self.decoder(memory, self.embeddings.target(target_in_BT).astype(self.dtype), target_in_BT != PAD)

    def start(self, memory: Any, hypotheses: int, max_length: int) -> Any:
        """Return the cache before the first step, a pytree that only the model looks into.

        Args:
            memory: from `encode`.
            hypotheses: N of each sentence.
            max_length: the number of steps that the cache must hold.
        """
        return self.decoder.start(memory, hypotheses, max_length)

    def reorder(self, cache: Any, rows_X: Array) -> Any:
        """Return the cache in which row i continues row rows_X[i] of the same sentence."""
        return self.decoder.reorder(cache, rows_X)

    def decode(self, memory: Any, target_in_BT: Array) -> Array:
        """Return logits_BTV, float32. Position t sees target_in up to t, t included; but see `DECODER_DIRECTIONS`."""
        return self.logits(self.states(memory, target_in_BT))

    def step(self, memory: Any, token_X: Array, cache: Any) -> tuple[Array, Any]:
        """Return logits_XV, float32, and the next cache. The memory is not repeated for N hypotheses a sentence."""
        states_XD, cache = self.decoder.step(memory, self.embeddings.target(token_X).astype(self.dtype), cache)
        return self.logits(states_XD), cache

    def outputs(self, source_BS: Array, target_in_BT: Array) -> tuple[Array, Array]:
        """Return states_BTD and table_VD, whose product is the logits, for a loss that never holds all logits."""
        return self.states(self.encode(source_BS), target_in_BT), self.embeddings.output_VD

    def __call__(self, source_BS: Array, target_in_BT: Array) -> Array:
        """Return logits_BTV, float32, teacher-forced."""
        return self.decode(self.encode(source_BS), target_in_BT)

    def logits(self, states: Array) -> Array:
        """Return the logits of states, float32: V replaces the last axis, D."""
        table_VD = self.embeddings.output_VD
        return jnp.einsum("...d,vd->...v", states, table_VD.astype(states.dtype), preferred_element_type=jnp.float32)


def cross_attention(sown: Mapping[str, Any]) -> dict[str, Array]:
    """Return the decoder's attention over the source: weights_BHTS by layer, "layer_0" first; {} without attention.

    Args:
        sown: the variables returned by `apply(..., mutable=["attention"])`.
    """
    found: dict[str, Array] = {}
    for path, weights in jax.tree_util.tree_flatten_with_path(sown.get("attention", {}))[0]:
        names = [str(getattr(key, "key", "")) for key in path]
        if "cross" in names and STACKED in names:
            found |= {f"layer_{layer}": weights_BHTS for layer, weights_BHTS in enumerate(weights)}
        elif "cross" in names:
            found[next(name for name in names if name.startswith("layer_"))] = weights
        elif "reader" in names:
            found["layer_0"] = weights[:, None]
    return dict(sorted(found.items(), key=lambda item: int(item[0].removeprefix("layer_"))))
