"""Multi-head attention: `attend` with an axis H, between two projections."""

import flax.linen as nn
import jax

from research.attention.attend import attend
from research.attention.dropout import Dropout
from research.attention.scores import ScaledDot

Array = jax.Array


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

    def keys_values(self, memory_BSD: Array) -> tuple[Array, Array]:
        """What depends on the memory alone: keys_BHSK and values_BHSK."""
        return self._split(self.key(memory_BSD)), self._split(self.value(memory_BSD))

    def __call__(self, query_BTD: Array, keys_values: tuple[Array, Array], mask_BTS: Array) -> Array:
        """read_BTD, for queries of the same batch as the keys."""
        keys_BHSK, values_BHSK = keys_values
        scores_BHTS = ScaledDot.compare((), self._split(self.query(query_BTD)), keys_BHSK)
        context_BHTK, weights_BHTS = attend(scores_BHTS, values_BHSK, mask_BTS[:, None], self.drop)
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
