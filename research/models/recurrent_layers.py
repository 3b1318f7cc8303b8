"""One recurrent layer, and an encoder of several in one direction or both."""

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
    """A cell and its weights. cell: a name in `CELLS`; input_width: E; width: D of its states."""

    cell: str
    input_width: int
    width: int

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
        return CELLS[self.cell]

    def initial(self, batch: int) -> State:
        """The state of zeros."""
        return (jnp.zeros((batch, self.width), self.bias_G.dtype),) * self.kind.parts

    def project(self, inputs_BTE: Array) -> Array:
        """W x + b for all positions, outside the loop."""
        return plus(inputs_BTE @ self.input_EG, self.bias_G)

    def recurrent_bias(self) -> Array | None:
        """What a cell adds to U h, or None."""
        return self.recurrent_bias_G if self.kind.recurrent_bias else None

    def __call__(
        self, inputs_BTE: Array, initial: State, mask_BT: Array | None = None, reverse: bool = False
    ) -> tuple[Array, State]:
        """states_BTD and the last state. Where mask_BT is False the state stays as it was. reverse: from the end."""
        kind = self.kind

        def body(times: Product, bias: Array | None, state: State, inputs) -> tuple[State, Array]:
            input_BG, mask_B1 = inputs
            after = advance(kind, times("recurrent", state[0]), bias, input_BG, state)
            if mask_B1 is not None:
                after = tuple(jnp.where(mask_B1 > 0, new, old) for new, old in zip(after, state, strict=True))
            return after, after[0]

        mask_TB1 = None if mask_BT is None else mask_BT.T[:, :, None].astype(inputs_BTE.dtype)
        inputs = (self.project(inputs_BTE.transpose(1, 0, 2)), mask_TB1)
        weights = {"recurrent": self.recurrent_DG}
        last, states_TBD = recur(body, weights, self.recurrent_bias(), initial, inputs, reverse)
        return states_TBD.transpose(1, 0, 2), last


def advance(kind: type[Cell], recurrent_BG: Array, bias: Array | None, input_BG: Array, state: State) -> State:
    """One step of a cell, with its recurrent bias where it has one."""
    return kind.advance(input_BG, recurrent_BG if bias is None else plus(recurrent_BG, bias), state)


def plus(x_BG: Array, bias_G: Array) -> Array:
    """x + b, the rank of b raised in the open."""
    return x_BG + jnp.broadcast_to(bias_G, x_BG.shape)


class RecurrentEncoder(nn.Module):
    """Layers over the source: direction "uni", "reversed" (Sutskever et al. 2014) or "bi".

    width: D of a layer's states; with "bi" each direction has D / 2 and the two are put side by side, so that
    directions are compared at one width.
    """

    cell: str
    direction: str
    layers: int
    input_width: int
    width: int
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        ways = DIRECTIONS[self.direction]
        if self.width % len(ways):
            raise ValueError(f"model.width={self.width} must be even for direction='bi'; try {self.width + 1}")
        widths = [self.input_width] + [self.width] * (self.layers - 1)
        self.stack = [[RecurrentLayer(self.cell, width, self.width // len(ways)) for _ in ways] for width in widths]
        self.drop = Dropout(self.dropout, self.deterministic)

    def __call__(self, inputs_BSE: Array, mask_BS: Array) -> Encoded:
        """The states of the last layer, and each layer's last state, both directions side by side."""
        states_BSD, finals = inputs_BSE, []
        for ways in self.stack:
            inputs_BSE = self.drop(states_BSD)
            runs = [
                layer(inputs_BSE, layer.initial(inputs_BSE.shape[0]), mask_BS, reverse)
                for layer, reverse in zip(ways, DIRECTIONS[self.direction], strict=True)
            ]
            states_BSD = jnp.concatenate([states for states, _ in runs], axis=-1)
            finals.append(
                tuple(jnp.concatenate(parts, axis=-1) for parts in zip(*(last for _, last in runs), strict=True))
            )
        return Encoded(states_BSD, mask_BS, tuple(finals))
