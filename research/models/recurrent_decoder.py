"""The recurrent decoder: layers of cells, and when they read the source.

Luong reads with the current state, after the cells: c_t = read(h_t). Bahdanau reads with the previous state, before
them: c_t = read(h_{t-1}), and c_t enters the first layer. Both predict from s̃_t = tanh(W_c [c_t; h_t]) (Luong et al.
2015, equation 5). With input feeding s̃_{t-1} enters the first layer (section 3.3), too.
"""

from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.attention.dropout import Dropout
from research.attention.reader import Past, Reader
from research.models.cells import State
from research.models.recurrence import Product, recur
from research.models.recurrent_layers import RecurrentLayer, advance, plus
from research.models.translator import Encoded

Array = jax.Array
READERS = ("none", "luong", "bahdanau")


@flax.struct.dataclass
class RecurrentMemory:
    """What the decoder reads, keys_BSK and values_BSE where mask_BS, and the states that its layers start from."""

    keys_BSK: Array
    values_BSE: Array
    mask_BS: Array
    initial: tuple[State, ...]


@flax.struct.dataclass
class RecurrentCache:
    """The state of each layer, s̃_{t-1}, and what the reader remembers; a row for each hypothesis."""

    states: tuple[State, ...]
    attentional_XD: Array
    past: Past | tuple[()]


class RecurrentDecoder(nn.Module):
    """cell, layers, width: as in the encoder. memory_width: E, the width of the encoder's states.

    timing: "none", "luong" or "bahdanau", when it reads; reader: a pattern, how. input_feeding: s̃_{t-1} enters.
    direction: of `DECODER_DIRECTIONS`; "bi" predicts from W_b [s̃_t; b_t], b_t the state of one more cell, which reads
    the target from its end to t. dropout: of inputs, between layers, and of s̃. What feeds nothing back (Luong's reading
    without input feeding or coverage, the output layer) is done for all positions at once.
    """

    cell: str
    layers: int
    input_width: int
    width: int
    memory_width: int
    timing: str
    reader: Reader
    input_feeding: bool
    direction: str
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        if self.input_feeding and not self.reads:
            raise ValueError("model.input_feeding=True feeds what was read, and model.reader='none' reads nothing")
        if self.reader.coverage != "none" and not self.reads:
            raise ValueError("model.coverage says what was read before, and model.reader='none' reads nothing")
        widths = [self.input_width] + [self.width] * (self.layers - 1)
        self.stack = [RecurrentLayer(self.cell, width, self.width) for width in widths]
        kernel, gates = nn.initializers.glorot_uniform(), self.stack[0].kind.gates * self.width
        if self.reads:
            self.read = self.reader.clone()
            self.combine = self.param("combine", kernel, (self.memory_width + self.width, self.width))
        if self.reads_before:
            self.context = self.param("context", kernel, (self.memory_width, gates))
        if self.input_feeding:
            self.fed = self.param("fed", kernel, (self.width, gates))
        if self.direction == "bi":
            self.future = RecurrentLayer(self.cell, self.input_width, self.width)
            self.beside = self.param("beside", kernel, (2 * self.width, self.width))
        self.drop = Dropout(self.dropout, self.deterministic)

    @property
    def reads(self) -> bool:
        return self.timing != "none"

    @property
    def reads_before(self) -> bool:
        return self.timing == "bahdanau"

    def memory(self, encoded: Encoded) -> RecurrentMemory:
        """What depends on the source alone. Decoder layers start where the encoder's end, top from top.

        Sutskever et al. 2014. After an encoder that is not recurrent all start from the mean of its states.
        """
        states_BSE, finals = encoded.states_BSE, encoded.finals
        if not finals:
            finals = (self._mean(encoded),)
        below = len(finals) - self.layers
        initial = tuple(finals[max(0, below + layer)] for layer in range(self.layers))
        keys_BSK = self.read.keys(states_BSE) if self.reads else states_BSE
        return RecurrentMemory(keys_BSK, states_BSE, encoded.mask_BS, initial)

    def start(self, memory: RecurrentMemory, hypotheses: int, max_length: int = 0) -> RecurrentCache:
        """The cache before the first token; s̃_0 is zero. It holds any number of steps."""
        states = jax.tree.map(lambda state_BD: jnp.repeat(state_BD, hypotheses, axis=0), memory.initial)
        past = self.read.start(memory.keys_BSK, hypotheses) if self.reads else ()
        return RecurrentCache(states, jnp.zeros_like(states[0][0]), past)

    def reorder(self, cache: RecurrentCache, rows_X: Array) -> RecurrentCache:
        """The cache in which row i goes on from row rows_X[i]."""
        return jax.tree.map(lambda leaf: jnp.take(leaf, rows_X, axis=0, mode="clip"), cache)

    def step(self, memory: RecurrentMemory, input_XE: Array, cache: RecurrentCache) -> tuple[Array, RecurrentCache]:
        """s̃_XD for one position (h_XD without a reader), and the next cache."""
        weights = self._weights()

        def times(name: str, x: Array) -> Array:
            return x @ weights[name]

        inputs = (self.stack[0].project(input_XE), None)
        carry = (cache.states, cache.attentional_XD, cache.past)
        carry, (states_XD, context_XE, weights_BNS) = self._position(times, self._constants(memory), carry, inputs)
        if self.reads:
            self.sow("attention", "reader", weights_BNS)
        if self._combines_later:
            states_XD = self._combined(times, context_XE, states_XD)
        if self.direction == "bi":  # of the future there is no more than the token at hand
            states_XD = self._with_future(states_XD[:, None], input_XE[:, None], None)[:, 0]
        return states_XD, RecurrentCache(*carry)

    def __call__(self, memory: RecurrentMemory, inputs_BTE: Array, mask_BT: Array) -> Array:
        """s̃_BTD for all positions, teacher-forced."""
        inputs_BTE = self.drop(inputs_BTE)
        feeds_back = self.reads and (self.reads_before or self.input_feeding or self.read.remembers)
        decode = self._one_loop if feeds_back else self._layer_by_layer
        states_BTD, weights_BTS = decode(memory, inputs_BTE)
        if weights_BTS is not None:
            self.sow("attention", "reader", weights_BTS)
        if self.direction == "bi":
            states_BTD = self._with_future(states_BTD, inputs_BTE, mask_BT)
        return self.drop(states_BTD)

    def _with_future(self, states_BTD: Array, inputs_BTE: Array, mask_BT: Array | None) -> Array:
        future_BTD, _ = self.future(inputs_BTE, self.future.initial(len(inputs_BTE)), mask_BT, reverse=True)
        return jnp.concatenate([states_BTD, future_BTD], axis=-1) @ self.beside

    def _layer_by_layer(self, memory: RecurrentMemory, inputs_BTE: Array) -> tuple[Array, Array | None]:
        states_BTD = inputs_BTE
        for index, (layer, initial) in enumerate(zip(self.stack, memory.initial, strict=True)):
            states_BTD, _ = layer(states_BTD if index == 0 else self.drop(states_BTD), initial)
        if not self.reads:
            return states_BTD, None
        context_BTE, weights_BTS = self.read(states_BTD, memory.keys_BSK, memory.values_BSE, memory.mask_BS)
        return jnp.tanh(jnp.concatenate([context_BTE, states_BTD], axis=-1) @ self.combine), weights_BTS

    def _one_loop(self, memory: RecurrentMemory, inputs_BTE: Array) -> tuple[Array, Array]:
        batch, length, _ = inputs_BTE.shape
        between = self.drop.mask((self.layers - 1, length, batch, self.width))
        gates_TBG = self.stack[0].project(inputs_BTE.transpose(1, 0, 2))
        inputs = (gates_TBG, None if between is None else tuple(between))
        cache = self.start(memory, 1)
        carry = (cache.states, cache.attentional_XD, cache.past)
        _, outputs = recur(self._position, self._weights(), self._constants(memory), carry, inputs)
        states_TBD, context_TBE, weights_TB1S = outputs
        if self._combines_later:
            states_TBD = jnp.tanh(jnp.concatenate([context_TBE, states_TBD], axis=-1) @ self.combine)
        return states_TBD.transpose(1, 0, 2), weights_TB1S[:, :, 0].transpose(1, 0, 2)

    @property
    def _combines_later(self) -> bool:
        """s̃ is wanted for the output alone: it is made after the loop, for all positions at once."""
        return self.reads_before and not self.input_feeding

    def _weights(self) -> dict[str, Array]:
        """All matrices of one position, by the name under which `_position` multiplies with them."""
        weights = {f"recurrent_{index}": layer.recurrent_DG for index, layer in enumerate(self.stack)}
        weights |= {f"input_{index}": layer.input_EG for index, layer in enumerate(self.stack) if index}
        if self.reads:
            weights |= {"combine": self.combine, **self.read.matrices()}
        if self.reads_before:
            weights["context"] = self.context
        if self.input_feeding:
            weights["fed"] = self.fed
        return weights

    def _constants(self, memory: RecurrentMemory) -> dict[str, Any]:
        constants: dict[str, Any] = {
            "recurrent_biases": tuple(layer.recurrent_bias() for layer in self.stack),
            "input_biases": tuple(layer.bias_G for layer in self.stack),
        }
        if self.reads:
            constants["reader"] = self.read.constants(memory.keys_BSK, memory.values_BSE, memory.mask_BS)
        return constants

    def _position(self, times: Product, constants: dict[str, Any], carry: Any, inputs: Any) -> tuple[Any, Any]:
        """One position of everything: the body of the loop, and of `step`."""
        states, attentional_XD, past = carry
        input_XG, between = inputs
        context_XE: Any = None
        weights_BNS: Any = None
        if self.reads_before:
            context_XE, weights_BNS, past = self.read.read_next(times, constants["reader"], states[-1][0], past)
            input_XG = input_XG + times("context", context_XE)
        if self.input_feeding:
            input_XG = input_XG + times("fed", attentional_XD)
        states = list(states)
        for index, layer in enumerate(self.stack):
            if index:
                below_XD = states[index - 1][0]
                if between is not None:
                    below_XD = below_XD * between[index - 1].astype(below_XD.dtype)
                input_XG = plus(times(f"input_{index}", below_XD), constants["input_biases"][index])
            recurrent_XG = times(f"recurrent_{index}", states[index][0])
            bias = constants["recurrent_biases"][index]
            states[index] = advance(layer.kind, recurrent_XG, bias, input_XG, states[index])
        output_XD = states[-1][0]
        if self.reads and not self.reads_before:
            context_XE, weights_BNS, past = self.read.read_next(times, constants["reader"], output_XD, past)
        if self.reads and not self._combines_later:
            output_XD = attentional_XD = self._combined(times, context_XE, output_XD)
        return (tuple(states), attentional_XD, past), (output_XD, context_XE, weights_BNS)

    def _mean(self, encoded: Encoded) -> State:
        """A state that shows the mean over the words; whatever else the cell has is zero."""
        if self.memory_width != self.width:
            raise ValueError(f"the mean of states of width {self.memory_width} cannot start cells of {self.width}")
        mask_BS1 = encoded.mask_BS[:, :, None].astype(encoded.states_BSE.dtype)
        mean_BD = (encoded.states_BSE * mask_BS1).sum(axis=1) / jnp.maximum(mask_BS1.sum(axis=1), 1)
        return (mean_BD, *[jnp.zeros_like(mean_BD)] * (self.stack[0].kind.parts - 1))

    @staticmethod
    def _combined(times: Product, context_XE: Array, state_XD: Array) -> Array:
        return jnp.tanh(times("combine", jnp.concatenate([context_XE, state_XD], axis=-1)))
