"""Coverage: what was read so far has a say in what is read next. Tu et al. 2016. In one table, `COVERAGES`.

C_BNSC of each hypothesis and source position is added to the keys, k_s + V C_s, before they are scored. With the score
`concat` this is their equation 6, vᵀ tanh(W q + U h_s + V C_s), for U is done; another score that reads keys sees the
coverage where it sees the words.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array
Product = Callable[[str, Array], Array]
"""(name, x) -> x @ the matrix of that name: a recurrence has its own way to multiply."""


class Coverage(nn.Module):
    """No coverage. query_width, memory_width, key_width: D, E, K. channels: C, numbers a source position has."""

    query_width: int
    memory_width: int
    key_width: int
    channels: int

    def matrices(self) -> dict[str, Array]:
        """What is multiplied at every position, by the name that `times` knows it under."""
        return {}

    def constants(self, memory_BSE: Array) -> Any:
        """What depends on the memory alone."""
        return ()

    def start(self, rows: int, sources: int) -> Any:
        """C_0, nothing read: zeros_XSC, rows of N hypotheses a sentence together."""
        return ()

    @staticmethod
    def added(times: Product, past: Any, batch: int) -> Array | None:
        """V C, to add to the keys: BNSK; None: nothing."""
        return None

    @staticmethod
    def advance(times: Product, constants: Any, past: Any, query_XD: Array, weights_BNS: Array) -> Any:
        """C after a query has read with these weights."""
        return past


class Remembered(Coverage):
    """What both kinds share: V, and C_0 = 0."""

    def setup(self) -> None:
        self.key_CK = self.param("key", nn.initializers.glorot_uniform(), (self.channels, self.key_width))

    def matrices(self) -> dict[str, Array]:
        return {"coverage_key": self.key_CK}

    def start(self, rows: int, sources: int) -> Array:
        return jnp.zeros((rows, sources, self.channels), jnp.float32)

    @staticmethod
    def added(times: Product, past: Any, batch: int) -> Array:
        rows, sources, channels = past.shape
        added_ZK = times("coverage_key", past.reshape(-1, channels))
        return added_ZK.reshape(batch, rows // batch, sources, -1)


class Linguistic(Remembered):
    """C_ts = C_t-1,s + α_ts / Φ_s, Φ_s = N σ(U_f h_s), N = 2: the share of a word's fertility that is used up.

    Equations 8 and 9. One number a position, so C must be 1.
    """

    def setup(self) -> None:
        super().setup()
        if self.channels != 1:
            raise ValueError(
                "model.coverage='linguistic' has one number a position: set model.coverage_width=1, "
                f"not {self.channels}"
            )
        self.fertility_E1 = self.param("fertility", nn.initializers.glorot_uniform(), (self.memory_width, 1))

    def constants(self, memory_BSE: Array) -> Array:
        return 2.0 * jax.nn.sigmoid((memory_BSE @ self.fertility_E1).astype(jnp.float32))

    @staticmethod
    def advance(times: Product, constants: Any, past: Any, query_XD: Array, weights_BNS: Array) -> Array:
        used_BNS1 = weights_BNS[..., None] / constants[:, None]
        return past + used_BNS1.reshape(past.shape)


class Neural(Remembered):
    """C_ts = GRU(C_t-1,s; α_ts, h_s, q_t): what was read is remembered as the network pleases. Equation 10."""

    def setup(self) -> None:
        super().setup()
        kernel, gates = nn.initializers.glorot_uniform(), 3 * self.channels
        self.recurrent_CG = self.param("recurrent", kernel, (self.channels, gates))
        self.weight_1G = self.param("weight", kernel, (1, gates))
        self.memory_EG = self.param("memory", kernel, (self.memory_width, gates))
        self.query_DG = self.param("query", kernel, (self.query_width, gates))
        self.bias_G = self.param("bias", nn.initializers.zeros, (gates,))

    def matrices(self) -> dict[str, Array]:
        own = {"coverage": self.recurrent_CG, "coverage_weight": self.weight_1G, "coverage_query": self.query_DG}
        return {**super().matrices(), **own}

    def constants(self, memory_BSE: Array) -> Array:
        projected_BSG = memory_BSE @ self.memory_EG
        return projected_BSG + jnp.broadcast_to(self.bias_G, projected_BSG.shape)

    @staticmethod
    def advance(times: Product, constants: Any, past: Any, query_XD: Array, weights_BNS: Array) -> Array:
        batch, hypotheses, _ = weights_BNS.shape
        coverage_ZC = past.reshape(-1, past.shape[-1])
        input_BNSG = constants[:, None] + times("coverage_query", query_XD).reshape(batch, hypotheses, 1, -1)
        input_BNSG += times("coverage_weight", weights_BNS.reshape(-1, 1)).reshape(input_BNSG.shape)
        reset, update, candidate = jnp.split(input_BNSG.reshape(len(coverage_ZC), -1), 3, axis=-1)
        reset_recurrent, update_recurrent, candidate_recurrent = jnp.split(times("coverage", coverage_ZC), 3, axis=-1)
        reset = jax.nn.sigmoid(reset + reset_recurrent)
        update = jax.nn.sigmoid(update + update_recurrent)
        candidate = jnp.tanh(candidate + reset * candidate_recurrent)
        return ((1.0 - update) * candidate + update * coverage_ZC).reshape(past.shape).astype(past.dtype)


COVERAGES: dict[str, type[Coverage]] = {"none": Coverage, "linguistic": Linguistic, "neural": Neural}
