"""Cross-attention: a decoder's positions read the memory, all at once or one after another."""

from typing import Any

import jax
import jax.numpy as jnp

from research.attention.heads import KeysValues, MultiHeadAttention
from research.attention.local import CENTRES, window
from research.attention.normalisers import NORMALISERS
from research.attention.windows import Window

Array = jax.Array


class CrossAttention(MultiHeadAttention):
    """Attention with queries of one sequence and with keys and values of another.

    Args:
        window: a name in `WINDOWS`, for all heads. A local window is always computed as the reference.
        radius: positions that a local window reaches each way.
        others: see `MultiHeadAttention`.
    """

    window: str
    radius: int

    def setup(self) -> None:
        super().setup()
        if self.window in CENTRES:
            self.centre = CENTRES[self.window](self.width)

    def __call__(self, query_BTD: Array, keys_values: KeysValues, words_BS: Array) -> Array:
        """Return read_BTD of all positions at once; words_BS is True at the real positions of the memory."""
        query_BHTK = self._split(self.query(query_BTD))
        if not self.holds_weights:
            return self.by_kernel(query_BHTK, keys_values, Window(words_BS), None)
        mask_B1TS, factor_B1TS = self._window(query_BTD, jnp.arange(query_BTD.shape[1]), words_BS)
        weights_BHTS = NORMALISERS[self.normaliser].weigh(self.scores(query_BHTK, keys_values[0]), mask_B1TS)
        return self._read(weights_BHTS, factor_B1TS, keys_values[1])

    @property
    def is_plain(self) -> bool:
        return super().is_plain and self.window not in CENTRES

    def start(self, keys_values: KeysValues, hypotheses: int) -> Any:
        """Return the normaliser's state before the first step, with axes BHNS."""
        batch, _, sources, _ = keys_values[0].shape
        return NORMALISERS[self.normaliser].start((batch, self.heads, hypotheses), sources)

    def step(
        self, query_BND: Array, keys_values: KeysValues, words_BS: Array, position: Array, state: Any
    ) -> tuple[Array, Any]:
        """Return read_BND for N hypotheses at one position, and the normaliser's next state.

        Args:
            query_BND: the hypotheses of a sentence, as N queries of one sentence.
            keys_values: from `keys_values`.
            words_BS: True at the real positions of the memory.
            position: the position of the queries, from 0.
            state: the normaliser's state.

        Raises:
            ValueError: dropout is on.
        """
        self.refuse_to_drop()
        query_BHNK = self._split(self.query(query_BND))
        mask_B1NS, factor_B1NS = self._window(query_BND, jnp.reshape(position, (1,)), words_BS)
        scores_BHNS = self.scores(query_BHNK, keys_values[0])
        weights_BHNS, state = NORMALISERS[self.normaliser].weigh_next(scores_BHNS, mask_B1NS, state)
        return self._read(weights_BHNS, factor_B1NS, keys_values[1]), state

    def _read(self, weights_BHTS: Array, factor_B1TS: Array | None, values_BGSK: Array) -> Array:
        weights_BHTS = weights_BHTS if factor_B1TS is None else weights_BHTS * factor_B1TS
        return self._output(self.read(self.drop(weights_BHTS), values_BGSK), weights_BHTS)

    def _window(self, query_BTD: Array, positions_T: Array, words_BS: Array) -> tuple[Array, Array | None]:
        """Return mask_B1TS and the factors of the weights, or None."""
        constants: Any = ()
        if self.window in CENTRES:
            matrix_DK, constants = self.centre.query_matrix(), self.centre.constants()
            query_BTD = query_BTD if matrix_DK is None else query_BTD @ matrix_DK.astype(query_BTD.dtype)
        known = self.scorer.known(words_BS.shape[1])
        mask_BTS, factor_BTS = window(
            self.window, constants, query_BTD, positions_T[None], words_BS, known, self.radius
        )
        return mask_BTS[:, None], None if factor_BTS is None else factor_BTS[:, None]
