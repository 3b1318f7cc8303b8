"""Local attention: only near a centre p_t is read. Luong et al. 2015, section 3.2."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.attention.windows import padding

Array = jax.Array


class Centre(nn.Module):
    """Where the window of the query at place t lies: p_t. query_width: D."""

    query_width: int

    peaked: ClassVar[bool] = False
    """Weights fall off from p_t as a `gaussian`."""

    def query_matrix(self) -> Array | None:
        """The matrix_DK that the query is multiplied by; None: p_t does not depend on it."""
        return None

    def constants(self) -> Any:
        """Whatever else `place` needs."""
        return ()

    @staticmethod
    def place(constants: Any, query_BTK: Array, places_BT: Array, lengths_B: Array) -> Array:
        """p_BT, float32, in positions from 0. query_BTK: as multiplied; lengths_B: words of the memory."""
        raise NotImplementedError


class Monotonic(Centre):
    """local-m: p_t = t, as if both languages had the same order."""

    @staticmethod
    def place(constants: Any, query_BTK: Array, places_BT: Array, lengths_B: Array) -> Array:
        return jnp.broadcast_to(places_BT, query_BTK.shape[:2]).astype(jnp.float32)


class Predictive(Centre):
    """local-p: p_t = S σ(vᵀ tanh(W q)). Equation 9."""

    peaked = True

    def setup(self) -> None:
        self.query_DD = self.param("query", nn.initializers.glorot_uniform(), (self.query_width, self.query_width))
        self.scale_D = self.param("scale", nn.initializers.normal(self.query_width**-0.5), (self.query_width,))

    def query_matrix(self) -> Array:
        return self.query_DD

    def constants(self) -> Array:
        return self.scale_D

    @staticmethod
    def place(constants: Any, query_BTK: Array, places_BT: Array, lengths_B: Array) -> Array:
        share_BT = jax.nn.sigmoid(jnp.einsum("btk,k->bt", jnp.tanh(query_BTK), constants).astype(jnp.float32))
        return lengths_B[:, None].astype(jnp.float32) * share_BT


def around(centre_BT: Array, radius: int, sources: int) -> tuple[Array, Array]:
    """mask_BTS, |s - p_t| ≤ radius ≥ 1, and gaussian_BTS, exp(-(s - p_t)² / 2σ²) with σ = radius / 2. Equation 10.

    Weights that are multiplied by the second no longer sum to 1, and p_t is learnt through it alone.
    """
    distance_BTS = jnp.arange(sources, dtype=jnp.float32)[None, None] - centre_BT[:, :, None]
    return jnp.abs(distance_BTS) <= radius, jnp.exp(-(distance_BTS**2) / (2 * (radius / 2) ** 2))


CENTRES: dict[str, type[Centre]] = {"local_m": Monotonic, "local_p": Predictive}
WINDOWS = ("global", *CENTRES)


def window(
    name: str, constants: Any, query_BTK: Array, places_BT: Array, words_BS: Array, known: int, radius: int
) -> tuple[Array, Array | None]:
    """mask_BTS of what may be read through the window of this name, and what weights are multiplied by, if anything.

    words_BS: bool, real positions. known: of the first so many a score can tell anything. The others: see `Centre`.
    """
    sources = words_BS.shape[1]
    mask_BTS = padding(words_BS)
    if known < sources:
        mask_BTS = mask_BTS & (jnp.arange(sources) < known)[None, None]
    if name not in CENTRES:
        return mask_BTS, None
    centre_BT = CENTRES[name].place(constants, query_BTK, places_BT, words_BS.sum(axis=1))
    near_BTS, gaussian_BTS = around(centre_BT, radius, sources)
    return mask_BTS & near_BTS, gaussian_BTS if CENTRES[name].peaked else None
