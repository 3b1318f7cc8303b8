"""Recurrent cells, in one table, `CELLS`: the elementwise part of a step, after both matrix products."""

from typing import ClassVar

import jax
import jax.numpy as jnp

Array = jax.Array
State = tuple[Array, ...]  # arrays_BD; state[0] is the output h


class Cell:
    """The elementwise part of a recurrent step."""

    gates: ClassVar[int]
    """The number of blocks of D in each of the two projections."""
    parts: ClassVar[int] = 1
    """The number of arrays_BD in the state."""
    recurrent_bias: ClassVar[bool] = False
    """True if U h_{t-1} has a bias of its own."""

    @staticmethod
    def advance(input_BG: Array, recurrent_BG: Array, state: State) -> State:
        """Return the next state.

        Args:
            input_BG: W x_t + b, computed for all positions before the loop.
            recurrent_BG: U h_{t-1}, plus its bias if `recurrent_bias`.
            state: the state at t - 1.
        """
        raise NotImplementedError


class Tanh(Cell):
    """h_t = tanh(W x_t + U h_{t-1} + b).

    Reference: Elman 1990.
    """

    gates = 1

    @staticmethod
    def advance(input_BG: Array, recurrent_BG: Array, state: State) -> State:
        return (jnp.tanh(input_BG + recurrent_BG),)


class GRU(Cell):
    """r, z = σ(W x + U h + b); n = tanh(W_n x + b_n + r ∘ (U_n h + c_n)); h_t = (1 - z) ∘ n + z ∘ h_{t-1}.

    The reset gate comes after the matrix product, as in cuDNN. The blocks are in the order r, z, n.

    Reference: Cho et al. 2014.
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

    The blocks are in the order i, f, g, o. All are one tanh, since σ(x) = ½ + ½ tanh(½ x): a CPU takes half the time
    for it that it takes for a function of each block.

    Reference: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """

    gates = 4
    parts = 2

    @staticmethod
    def advance(input_BG: Array, recurrent_BG: Array, state: State) -> State:
        _, memory_BD = state
        scale_1G = jnp.repeat(jnp.array([[0.5, 0.5, 1.0, 0.5]], input_BG.dtype), memory_BD.shape[-1], axis=-1)
        gates_BG = scale_1G * jnp.tanh(scale_1G * (input_BG + recurrent_BG)) + (1.0 - scale_1G)
        enter, forget, candidate, leave = jnp.split(gates_BG, 4, axis=-1)
        memory_BD = forget * memory_BD + enter * candidate
        return (leave * jnp.tanh(memory_BD), memory_BD)


CELLS: dict[str, type[Cell]] = {"tanh": Tanh, "gru": GRU, "lstm": LSTM}
