"""Local attention: only positions near a centre p_t are read. Reference: Luong et al. 2015, section 3.2."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.attention.windows import padding

Array = jax.Array


class Centre(nn.Module):
    """The centre p_t of the window of the query at position t.

    Args:
        query_width: D.
    """

    query_width: int

    peaked: ClassVar[bool] = False
    """Weights are multiplied by a Gaussian around p_t."""

    def query_matrix(self) -> Array | None:
        """Return the matrix_DK that multiplies the query; None: p_t does not depend on the query."""
        return None

    def constants(self) -> Any:
        """Return the other weights that `position` needs."""
        return ()

    @staticmethod
    def position(constants: Any, query_BTK: Array, positions_BT: Array, lengths_B: Array) -> Array:
        """Return p_BT, float32, in positions from 0.

        Args:
            constants: the weights from `constants`.
            query_BTK: the queries, multiplied by `query_matrix` if there is one.
            positions_BT: the positions t of the queries.
            lengths_B: words of the memory.
        """
        raise NotImplementedError


class Monotonic(Centre):
    """local-m: p_t = t, as if both languages had the same order."""

    @staticmethod
    def position(constants: Any, query_BTK: Array, positions_BT: Array, lengths_B: Array) -> Array:
        return jnp.broadcast_to(positions_BT, query_BTK.shape[:2]).astype(jnp.float32)


class Predictive(Centre):
    """local-p: p_t = S σ(vᵀ tanh(W q)), equation 9."""

    peaked = True

    def setup(self) -> None:
        self.query_DD = self.param("query", nn.initializers.glorot_uniform(), (self.query_width, self.query_width))
        self.scale_D = self.param("scale", nn.initializers.normal(self.query_width**-0.5), (self.query_width,))

    def query_matrix(self) -> Array:
        return self.query_DD

    def constants(self) -> Array:
        return self.scale_D

    @staticmethod
    def position(constants: Any, query_BTK: Array, positions_BT: Array, lengths_B: Array) -> Array:
        scale_K = constants.astype(query_BTK.dtype)
        scores_BT = jnp.einsum("btk,k->bt", jnp.tanh(query_BTK), scale_K, preferred_element_type=jnp.float32)
        share_BT = jax.nn.sigmoid(scores_BT)
        return lengths_B[:, None].astype(jnp.float32) * share_BT


def around(centre_BT: Array, radius: int, sources: int) -> tuple[Array, Array]:
    """Return mask_BTS, |s - p_t| ≤ radius, and gaussian_BTS, exp(-(s - p_t)² / 2σ²) with σ = radius / 2, equation 10.

    Weights that are multiplied by the Gaussian no longer sum to 1. p_t gets its gradient through the Gaussian alone.

    Args:
        centre_BT: p_t, in positions from 0.
        radius: positions each way, at least 1.
        sources: S.
    """
    distance_BTS = jnp.arange(sources, dtype=jnp.float32)[None, None] - centre_BT[:, :, None]
    return jnp.abs(distance_BTS) <= radius, jnp.exp(-(distance_BTS**2) / (2 * (radius / 2) ** 2))


CENTRES: dict[str, type[Centre]] = {"local_m": Monotonic, "local_p": Predictive}
WINDOWS = ("global", *CENTRES)


def window(
    name: str, constants: Any, query_BTK: Array, positions_BT: Array, words_BS: Array, known: int, radius: int
) -> tuple[Array, Array | None]:
    """Return mask_BTS of the positions that may be read, and the factors of the weights or None.

    Args:
        name: a name in `WINDOWS`.
        constants: the weights from `Centre.constants`.
        query_BTK: the queries, multiplied by `Centre.query_matrix` if there is one.
        positions_BT: the positions of the queries.
        words_BS: True at the real positions of the memory.
        known: the number of first positions that the score can tell apart.
        radius: positions that a local window reaches each way.
    """
    sources = words_BS.shape[1]
    mask_BTS = padding(words_BS)
    if known < sources:
        mask_BTS = mask_BTS & (jnp.arange(sources) < known)[None, None]
    if name not in CENTRES:
        return mask_BTS, None
    centre_BT = CENTRES[name].position(constants, query_BTK, positions_BT, words_BS.sum(axis=1))
    near_BTS, gaussian_BTS = around(centre_BT, radius, sources)
    return mask_BTS & near_BTS, gaussian_BTS if CENTRES[name].peaked else None
