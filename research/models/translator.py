"""The contract that every model keeps, whatever is inside, and how to ask one what it read.

memory = encode(source_BS); logits_BTV = decode(memory, target_in_BT) all at once; logits_BV, cache = step(memory,
token_B, cache) one position at a time. `step` repeated equals `decode`, but for a decoder that sees the future.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.models.embeddings import Embeddings

Array = jax.Array
PAD = 0  # the id of padding: no model reads it
DECODER_DIRECTIONS = ("uni", "bi")
"""How the target is read: from its beginning, or from its end as well. With "bi", teacher-forced, a position sees the
words after it, among them the one that it is to predict. In `step` there are none. So "bi" cannot translate: it is a
control, to show why decoders are "uni"."""


@flax.struct.dataclass
class Encoded:
    """What an encoder says of the sources: states_BSE where mask_BS is True.

    finals: the last state of each recurrent layer, for a decoder that starts where the encoder ended; () without any.
    """

    states_BSE: Array
    mask_BS: Array
    finals: tuple[tuple[Array, ...], ...]


class Translator(nn.Module):
    """An encoder and a decoder between embeddings and the output layer.

    source_side: a pattern of an encoder, (vectors_BSE, mask_BS) -> Encoded. target_side: one of a decoder, with
    `memory`, `start`, `step`, `reorder` and a call; see `RecurrentDecoder`, `TransformerDecoder`. deterministic: no
    dropout.

    A batch may be searched with N hypotheses a sentence: X = B * N rows, those of a sentence together.

    Attention weights are sown in the collection "attention": pass `mutable=["attention"]` to `apply` to have them.
    """

    embeddings: Embeddings
    source_side: nn.Module
    target_side: nn.Module
    deterministic: bool = True

    def setup(self) -> None:
        self.encoder = self.source_side.clone(deterministic=self.deterministic)
        self.decoder = self.target_side.clone(deterministic=self.deterministic)

    def encode(self, source_BS: Array) -> Any:
        """The memory of a batch: a pytree whose leaves have B in front. Padding (id 0) is never read."""
        return self.decoder.memory(self.encoder(self.embeddings.source(source_BS), source_BS != PAD))

    def states(self, memory: Any, target_in_BT: Array) -> Array:
        """states_BTD from which the output layer predicts, teacher-forced."""
        return self.decoder(memory, self.embeddings.target(target_in_BT), target_in_BT != PAD)

    def start(self, memory: Any, hypotheses: int, max_length: int) -> Any:
        """The cache before the first step, a pytree that the model alone looks into. max_length: steps it must hold."""
        return self.decoder.start(memory, hypotheses, max_length)

    def reorder(self, cache: Any, rows_X: Array) -> Any:
        """The cache in which row i goes on from row rows_X[i], which is of the same sentence."""
        return self.decoder.reorder(cache, rows_X)

    def decode(self, memory: Any, target_in_BT: Array) -> Array:
        """logits_BTV, float32: position t sees target_in up to and with t (but see `DECODER_DIRECTIONS`)."""
        return self.logits(self.states(memory, target_in_BT))

    def step(self, memory: Any, token_X: Array, cache: Any) -> tuple[Array, Any]:
        """logits_XV, float32, and the next cache. The memory is not repeated for N hypotheses a sentence."""
        states_XD, cache = self.decoder.step(memory, self.embeddings.target(token_X), cache)
        return self.logits(states_XD), cache

    def outputs(self, source_BS: Array, target_in_BT: Array) -> tuple[Array, Array]:
        """states_BTD and table_VD, whose product is the logits: for a loss that never holds them all at once."""
        return self.states(self.encode(source_BS), target_in_BT), self.embeddings.output_VD

    def __call__(self, source_BS: Array, target_in_BT: Array) -> Array:
        return self.decode(self.encode(source_BS), target_in_BT)

    def logits(self, states: Array) -> Array:
        """Of the output layer, float32, with V in the place of D."""
        table_VD = self.embeddings.output_VD
        return jnp.einsum("...d,vd->...v", states, table_VD, preferred_element_type=jnp.float32)


def cross_attention(sown: Mapping[str, Any]) -> dict[str, Array]:
    """What the decoder read of the source: weights_BHTS by layer, "layer_0" first; {} for a model that reads nothing.

    sown: the variables returned by `apply(..., mutable=["attention"])`.
    """
    found: dict[str, Array] = {}
    for path, weights in jax.tree_util.tree_flatten_with_path(sown.get("attention", {}))[0]:
        names = [str(getattr(key, "key", "")) for key in path]
        if "cross" in names:
            found[next(name for name in names if name.startswith("layer_"))] = weights
        elif "reader" in names:
            found["layer_0"] = weights[:, None]
    return dict(sorted(found.items(), key=lambda item: int(item[0].removeprefix("layer_"))))
