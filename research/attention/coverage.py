"""Coverage: how much was read of each source position so far. In one table, `COVERAGES`.

The coverage C_BNSC of each hypothesis and source position is added to the keys, k_s + V C_s, before they are scored.
With the score `concat` this is equation 6 of the paper, vᵀ tanh(W q + U h_s + V C_s), because the keys are already
U h_s. Other scores that read keys see the coverage in the same way.

Reference: Tu et al. 2016.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array
Product = Callable[[str, Array], Array]
"""(name, x) -> x @ the matrix of that name. A recurrence passes its own, which saves the operands for the gradient."""


class Coverage(nn.Module):
    """No coverage: the base of coverages.

    Args:
        query_width: D.
        memory_width: E.
        key_width: K.
        channels: C, the numbers that coverage has for a source position.
    """

    query_width: int
    memory_width: int
    key_width: int
    channels: int

    def matrices(self) -> dict[str, Array]:
        """Return the matrices that multiply something at every position, by their names for `times`."""
        return {}

    def constants(self, memory_BSE: Array) -> Any:
        """Return the values that depend on the memory alone."""
        return ()

    def start(self, rows: int, sources: int) -> Any:
        """Return C_0, before anything was read: zeros_XSC, the N hypotheses of a sentence together; () for none."""
        return ()

    @staticmethod
    def added(times: Product, state: Any, batch: int) -> Array | None:
        """Return V C with axes BNSK, which is added to the keys; None: nothing is added."""
        return None

    @staticmethod
    def advance(times: Product, constants: Any, state: Any, query_XD: Array, weights_BNS: Array) -> Any:
        """Return C after the queries have read with these weights."""
        return state


class StatefulCoverage(Coverage):
    """A coverage with the matrix V and with C_0 = 0, float32 in any precision."""

    def setup(self) -> None:
        self.key_CK = self.param("key", nn.initializers.glorot_uniform(), (self.channels, self.key_width))

    def matrices(self) -> dict[str, Array]:
        return {"coverage_key": self.key_CK}

    def start(self, rows: int, sources: int) -> Array:
        return jnp.zeros((rows, sources, self.channels), jnp.float32)

    @staticmethod
    def added(times: Product, state: Any, batch: int) -> Array:
        rows, sources, channels = state.shape
        added_ZK = times("coverage_key", state.reshape(-1, channels))
        return added_ZK.reshape(batch, rows // batch, sources, -1)


class Linguistic(StatefulCoverage):
    """C_ts = C_t-1,s + α_ts / Φ_s, Φ_s = N σ(U_f h_s), N = 2: the share of a word's fertility that is used up.

    Equations 8 and 9. It is one number a position, so C must be 1.
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
        return 2.0 * jax.nn.sigmoid((memory_BSE @ self.fertility_E1.astype(memory_BSE.dtype)).astype(jnp.float32))

    @staticmethod
    def advance(times: Product, constants: Any, state: Any, query_XD: Array, weights_BNS: Array) -> Array:
        used_BNS1 = weights_BNS[..., None] / constants[:, None]
        return state + used_BNS1.reshape(state.shape)


class Neural(StatefulCoverage):
    """C_ts = GRU(C_t-1,s; α_ts, h_s, q_t), equation 10."""

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
        projected_BSG = memory_BSE @ self.memory_EG.astype(memory_BSE.dtype)
        return projected_BSG + jnp.broadcast_to(self.bias_G.astype(projected_BSG.dtype), projected_BSG.shape)

    @staticmethod
    def advance(times: Product, constants: Any, state: Any, query_XD: Array, weights_BNS: Array) -> Array:
        batch, hypotheses, _ = weights_BNS.shape
        coverage_ZC = state.reshape(-1, state.shape[-1])
        input_BNSG = constants[:, None] + times("coverage_query", query_XD).reshape(batch, hypotheses, 1, -1)
        input_BNSG += times("coverage_weight", weights_BNS.reshape(-1, 1)).reshape(input_BNSG.shape)
        reset, update, candidate = jnp.split(input_BNSG.reshape(coverage_ZC.shape[0], -1), 3, axis=-1)
        reset_recurrent, update_recurrent, candidate_recurrent = jnp.split(times("coverage", coverage_ZC), 3, axis=-1)
        reset = jax.nn.sigmoid(reset + reset_recurrent)
        update = jax.nn.sigmoid(update + update_recurrent)
        candidate = jnp.tanh(candidate + reset * candidate_recurrent)
        return ((1.0 - update) * candidate + update * coverage_ZC).reshape(state.shape).astype(state.dtype)


COVERAGES: dict[str, type[Coverage]] = {"none": Coverage, "linguistic": Linguistic, "neural": Neural}
