"""Recurrent cells, in one table, `CELLS`: what a step does once both matmuls are done."""

from typing import ClassVar

import jax
import jax.numpy as jnp

Array = jax.Array
State = tuple[Array, ...]  # state[0] is what the cell shows, state_BD


class Cell:
    """gates: G, how many blocks of D the two projections have. parts: how many arrays_BD the state has.

    `advance(input_BG, recurrent_BG, state)` is elementwise: input_BG = W x_t + b is done for all positions before the
    loop, recurrent_BG = U h_{t-1} (+ c where `recurrent_bias`) inside it.
    """

    gates: ClassVar[int]
    parts: ClassVar[int] = 1
    recurrent_bias: ClassVar[bool] = False

    @staticmethod
    def advance(input_BG: Array, recurrent_BG: Array, state: State) -> State:
        raise NotImplementedError


class Tanh(Cell):
    """h_t = tanh(W x_t + U h_{t-1} + b). Elman 1990."""

    gates = 1

    @staticmethod
    def advance(input_BG: Array, recurrent_BG: Array, state: State) -> State:
        return (jnp.tanh(input_BG + recurrent_BG),)


class GRU(Cell):
    """r, z = σ(W x + U h + b); n = tanh(W_n x + b_n + r ∘ (U_n h + c_n)); h_t = (1 - z) ∘ n + z ∘ h_{t-1}.

    Cho et al. 2014, with the reset gate after the matmul, as cuDNN computes it. Blocks in the order r, z, n.
    """

    gates = 3
    recurrent_bias = True

    @staticmethod
    def advance(input_BG: Array, recurrent_BG: Array, state: State) -> State:
        (hidden_BD,) = state
        reset_input, update_input, candidate_input = jnp.split(input_BG, 3, axis=-1)
        reset_recurrent, update_recurrent, candidate_recurrent = jnp.split(recurrent_BG, 3, axis=-1)
        reset = jax.nn.sigmoid(reset_input + reset_recurrent)
        update = jax.nn.sigmoid(update_input + update_recurrent)
        candidate = jnp.tanh(candidate_input + reset * candidate_recurrent)
        return ((1.0 - update) * candidate + update * hidden_BD,)


class LSTM(Cell):
    """i, f, o = σ(·), g = tanh(·) of W x + U h + b; c_t = f ∘ c_{t-1} + i ∘ g; h_t = o ∘ tanh(c_t).

    Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000. Blocks in the order i, f, g, o.
    """

    gates = 4
    parts = 2

    @staticmethod
    def advance(input_BG: Array, recurrent_BG: Array, state: State) -> State:
        _, memory_BD = state
        enter, forget, candidate, leave = jnp.split(input_BG + recurrent_BG, 4, axis=-1)
        memory_BD = jax.nn.sigmoid(forget) * memory_BD + jax.nn.sigmoid(enter) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(leave) * jnp.tanh(memory_BD), memory_BD)


CELLS: dict[str, type[Cell]] = {"tanh": Tanh, "gru": GRU, "lstm": LSTM}
