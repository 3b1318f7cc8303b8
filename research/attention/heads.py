"""Multi-head attention: `attend` with an axis H, between two projections."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.attention.attend import attend
from research.attention.dropout import Dropout
from research.attention.reserved import read_filled
from research.attention.scores import ScaledDot

Array = jax.Array
KeysValues = tuple[Array, Array]


class MultiHeadAttention(nn.Module):
    """Concat(head_1 … head_H) W_O, head_i = attend(Q W_Qi, K W_Ki, V W_Vi). Vaswani et al. 2017, section 3.2.2.

    heads: H, must divide width. width: D of queries, memory and result. dropout: of the weights.
    Sows weights_BHTS as "weights" in the collection "attention".
    """

    heads: int
    width: int
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        check_heads(self.heads, self.width)
        dense = nn.initializers.glorot_uniform()
        self.query = nn.Dense(self.width, kernel_init=dense)
        self.key = nn.Dense(self.width, kernel_init=dense)
        self.value = nn.Dense(self.width, kernel_init=dense)
        self.output = nn.Dense(self.width, kernel_init=dense)
        self.drop = Dropout(self.dropout, self.deterministic)

    def keys_values(self, memory_BSD: Array) -> KeysValues:
        """What depends on the memory alone: keys_BHSK and values_BHSK."""
        return self._split(self.key(memory_BSD)), self._split(self.value(memory_BSD))

    def __call__(self, query_BTD: Array, keys_values: KeysValues, mask_BTS: Array) -> Array:
        """read_BTD, for queries of the same batch as the keys."""
        keys_BHSK, values_BHSK = keys_values
        query_BHTK = self._split(self.query(query_BTD))
        return self._output(*self._attend(query_BHTK, keys_BHSK, values_BHSK, mask_BTS))

    def reserve(self, batch: int, places: int, dtype: jnp.dtype) -> KeysValues:
        """A cache for `step`, keys_BHKS and values_BHSK, each as its matmul reads it."""
        shape = batch, self.heads, places, self.width // self.heads
        return jnp.zeros(shape, dtype).swapaxes(2, 3), jnp.zeros(shape, dtype)

    def step(self, states_BND: Array, cache: KeysValues, mask_BNS: Array, filled: Array) -> tuple[Array, KeysValues]:
        """read_BND for N states that are written into the cache and then ask it, and the next cache.

        filled: places that were taken before. mask_BNS: which ones each of the N may read, itself included and none of
        those that are still empty. Raises ValueError where weights are dropped: that is for training.
        """
        if self.dropout and not self.deterministic:
            raise ValueError("a step of decoding drops no weights: clone the model with deterministic=True")
        (keys_BHNK, values_BHNK), query_BHNK = self.keys_values(states_BND), self._split(self.query(states_BND))
        keys_BHKS = jax.lax.dynamic_update_slice_in_dim(cache[0], keys_BHNK.swapaxes(2, 3), filled, axis=3)
        values_BHSK = jax.lax.dynamic_update_slice_in_dim(cache[1], values_BHNK, filled, axis=2)
        reserved, added = mask_BNS.shape[2], mask_BNS.shape[1]

        def read(places: int) -> tuple[Array, Array]:
            # Turned in here: outside, the whole cache would be written anew at every step.
            keys_BHSK = keys_BHKS[..., :places].swapaxes(2, 3)
            context_BHNK, weights_BHNS = self._attend(
                query_BHNK, keys_BHSK, values_BHSK[:, :, :places], mask_BNS[..., :places]
            )
            return context_BHNK, jnp.pad(weights_BHNS, [(0, 0)] * 3 + [(0, reserved - places)])

        return self._output(*read_filled(read, filled + added, reserved, added)), (keys_BHKS, values_BHSK)

    def _attend(self, query_BHTK: Array, keys_BHSK: Array, values_BHSK: Array, mask_BTS: Array) -> tuple[Array, Array]:
        return attend(ScaledDot.compare((), query_BHTK, keys_BHSK), values_BHSK, mask_BTS[:, None], self.drop)

    def _output(self, context_BHTK: Array, weights_BHTS: Array) -> Array:
        """read_BTD, with the weights sown."""
        self.sow("attention", "weights", weights_BHTS)
        batch, _, time, _ = context_BHTK.shape
        return self.output(context_BHTK.transpose(0, 2, 1, 3).reshape(batch, time, self.width))

    def _split(self, states_BTD: Array) -> Array:
        batch, time, width = states_BTD.shape
        return states_BTD.reshape(batch, time, self.heads, width // self.heads).transpose(0, 2, 1, 3)


def check_heads(heads: int, width: int) -> None:
    """Raises ValueError, with the nearest numbers that work, unless `heads` divides `width`."""
    if heads < 1 or width % heads:
        fits = sorted((h for h in range(1, width + 1) if width % h == 0), key=lambda h: (abs(h - heads), h))[:3]
        tries = ", ".join(map(str, sorted(fits)))
        raise ValueError(f"model.heads={heads} does not divide model.width={width}; try one of {tries}")
