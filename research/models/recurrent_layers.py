"""A recurrent layer, and an encoder of several layers in one direction or both."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.attention.dropout import Dropout
from research.models.cells import CELLS, Cell, State
from research.models.recurrence import Product, recur
from research.models.translator import Encoded

Array = jax.Array
DIRECTIONS: dict[str, tuple[bool, ...]] = {"uni": (False,), "reversed": (True,), "bi": (False, True)}


class RecurrentLayer(nn.Module):
    """A cell with its weights, run over a sequence.

    Args:
        cell: a name in `CELLS`.
        input_width: E.
        width: D of the states.
        dtype: of products and of the returned states. The recurrent state and the gates are float32.
        reverse: True to go from the end to the beginning.
    """

    cell: str
    input_width: int
    width: int
    dtype: Any = jnp.float32
    reverse: bool = False

    def setup(self) -> None:
        kind = self.kind
        uniform = nn.initializers.uniform(2 * self.width**-0.5)

        def around_zero(key, shape):
            return uniform(key, shape) - self.width**-0.5

        self.input_EG = self.param("input", around_zero, (self.input_width, kind.gates * self.width))
        self.recurrent_DG = self.param("recurrent", around_zero, (self.width, kind.gates * self.width))
        self.bias_G = self.param("bias", nn.initializers.zeros, (kind.gates * self.width,))
        if kind.recurrent_bias:
            self.recurrent_bias_G = self.param("recurrent_bias", nn.initializers.zeros, (kind.gates * self.width,))

    @property
    def kind(self) -> type[Cell]:
        """Return the class of the cell."""
        return CELLS[self.cell]

    def initial(self, batch: int) -> State:
        """Return the zero state, float32."""
        return (jnp.zeros((batch, self.width), jnp.float32),) * self.kind.parts

    def project(self, inputs_BTE: Array) -> Array:
        """Return W x + b of all positions, outside the loop."""
        return add_bias(inputs_BTE.astype(self.dtype) @ self.input_EG.astype(self.dtype), self.bias_G)

    def recurrent_bias(self) -> Array | None:
        """Return the bias that the cell adds to U h, or None."""
        return self.recurrent_bias_G if self.kind.recurrent_bias else None

    def __call__(self, inputs_BTE: Array, initial: State, mask_BT: Array | None = None) -> tuple[Array, State]:
        """Run the cell over a sequence.

        Args:
            inputs_BTE: the inputs.
            initial: the first state.
            mask_BT: False where the state stays as it was; None: it changes everywhere.

        Returns:
            states_BTD, and the last state in float32.
        """
        kind = self.kind

        def body(times: Product, bias: Array | None, state: State, inputs) -> tuple[State, Array]:
            input_BG, mask_B1 = inputs
            after = advance(kind, times("recurrent", state[0]), bias, input_BG, state)
            if mask_B1 is not None:
                after = tuple(jnp.where(mask_B1 > 0, new, old) for new, old in zip(after, state, strict=True))
            return after, after[0].astype(self.dtype)

        mask_TB1 = None if mask_BT is None else mask_BT.T[:, :, None].astype(inputs_BTE.dtype)
        inputs = (self.project(inputs_BTE.transpose(1, 0, 2)), mask_TB1)
        weights = {"recurrent": self.recurrent_DG}
        last, states_TBD = recur(body, weights, self.recurrent_bias(), initial, inputs, self.reverse, self.dtype)
        return states_TBD.transpose(1, 0, 2), last


def advance(kind: type[Cell], recurrent_BG: Array, bias: Array | None, input_BG: Array, state: State) -> State:
    """Return the next state of a cell, computed in the dtype of the state. `bias` is its recurrent bias or None."""
    input_BG, recurrent_BG = input_BG.astype(state[0].dtype), recurrent_BG.astype(state[0].dtype)
    return kind.advance(input_BG, recurrent_BG if bias is None else add_bias(recurrent_BG, bias), state)


def add_bias(x_BG: Array, bias_G: Array) -> Array:
    """Return x + b, with b broadcast explicitly: rank promotion is forbidden."""
    return x_BG + jnp.broadcast_to(bias_G.astype(x_BG.dtype), x_BG.shape)


class RecurrentEncoder(nn.Module):
    """Recurrent layers over the source.

    Args:
        cell: a name in `CELLS`.
        direction: "uni", "reversed" (Sutskever et al. 2014) or "bi".
        layers: the number of layers.
        input_width: the width of embeddings.
        width: D of the states. With "bi" each direction has D / 2, so that directions are compared at one width.
        dropout: rate of dropout of the inputs of each layer.
        deterministic: True for no dropout.
        residual: True if each layer above the first adds its inputs to its states (Wu et al. 2016, section 3.1).
        remat: True to keep the inputs of each layer alone, and compute the rest again in the backward pass.
        dtype: of the computation. Parameters and the states of cells are float32.
    """

    cell: str
    direction: str
    layers: int
    input_width: int
    width: int
    dropout: float
    deterministic: bool
    residual: bool = False
    remat: bool = False
    dtype: Any = jnp.float32

    def setup(self) -> None:
        ways = DIRECTIONS[self.direction]
        if self.width % len(ways):
            raise ValueError(f"model.width={self.width} must be even for direction='bi'; try {self.width + 1}")
        widths = [self.input_width] + [self.width] * (self.layers - 1)
        each = self.width // len(ways)
        layer: Any = nn.remat(RecurrentLayer) if self.remat else RecurrentLayer
        self.stack = [[layer(self.cell, width, each, self.dtype, reverse) for reverse in ways] for width in widths]
        self.drop = Dropout(self.dropout, self.deterministic)

    def __call__(self, inputs_BSE: Array, mask_BS: Array) -> Encoded:
        """Return the outputs of the last layer, and the last state of each layer; directions are concatenated."""
        below_BSE, finals = inputs_BSE, []
        for index, ways in enumerate(self.stack):
            inputs_BSE = self.drop(below_BSE)
            runs = [layer(inputs_BSE, layer.initial(inputs_BSE.shape[0]), mask_BS) for layer in ways]
            states_BSD = jnp.concatenate([states for states, _ in runs], axis=-1)
            below_BSE = states_BSD + below_BSE if self.residual and index else states_BSD
            finals.append(
                tuple(jnp.concatenate(parts, axis=-1) for parts in zip(*(last for _, last in runs), strict=True))
            )
        return Encoded(below_BSE, mask_BS, tuple(finals))
