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
    """Queries of one sequence, keys and values of another. window: a name in `WINDOWS`, one for all heads.

    radius: how far a local one reaches each way, in positions. What is not plain is computed as the reference, whatever
    the form.
    """

    window: str
    radius: int

    def setup(self) -> None:
        super().setup()
        if self.window in CENTRES:
            self.centre = CENTRES[self.window](self.width)

    def __call__(self, query_BTD: Array, keys_values: KeysValues, words_BS: Array) -> Array:
        """read_BTD of all positions at once. words_BS: real positions of the memory."""
        query_BHTK = self._split(self.query(query_BTD))
        if not self.holds_weights:
            return self.formed(query_BHTK, keys_values, Window(words_BS), None)
        mask_B1TS, factor_B1TS = self._window(query_BTD, jnp.arange(query_BTD.shape[1]), words_BS)
        weights_BHTS = NORMALISERS[self.normaliser].weigh(self.scores(query_BHTK, keys_values[0]), mask_B1TS)
        return self._read(weights_BHTS, factor_B1TS, keys_values[1])

    @property
    def is_plain(self) -> bool:
        return super().is_plain and self.window not in CENTRES

    def start(self, keys_values: KeysValues, hypotheses: int) -> Any:
        """What the normaliser knows before the first step, with axes BHNS."""
        batch, _, sources, _ = keys_values[0].shape
        return NORMALISERS[self.normaliser].start((batch, self.heads, hypotheses), sources)

    def step(
        self, query_BND: Array, keys_values: KeysValues, words_BS: Array, place: Array, past: Any
    ) -> tuple[Array, Any]:
        """read_BND for N hypotheses at one place, who ask as N queries of one sentence, and the next past."""
        self.refuse_to_drop()
        query_BHNK = self._split(self.query(query_BND))
        mask_B1NS, factor_B1NS = self._window(query_BND, jnp.reshape(place, (1,)), words_BS)
        scores_BHNS = self.scores(query_BHNK, keys_values[0])
        weights_BHNS, past = NORMALISERS[self.normaliser].weigh_next(scores_BHNS, mask_B1NS, past)
        return self._read(weights_BHNS, factor_B1NS, keys_values[1]), past

    def _read(self, weights_BHTS: Array, factor_B1TS: Array | None, values_BGSK: Array) -> Array:
        weights_BHTS = weights_BHTS if factor_B1TS is None else weights_BHTS * factor_B1TS
        return self._output(self.read(self.drop(weights_BHTS), values_BGSK), weights_BHTS)

    def _window(self, query_BTD: Array, places_T: Array, words_BS: Array) -> tuple[Array, Array | None]:
        """mask_B1TS, and what weights are multiplied by."""
        constants: Any = ()
        if self.window in CENTRES:
            matrix_DK, constants = self.centre.query_matrix(), self.centre.constants()
            query_BTD = query_BTD if matrix_DK is None else query_BTD @ matrix_DK
        known = self.scorer.known(words_BS.shape[1])
        mask_BTS, factor_BTS = window(self.window, constants, query_BTD, places_T[None], words_BS, known, self.radius)
        return mask_BTS[:, None], None if factor_BTS is None else factor_BTS[:, None]
