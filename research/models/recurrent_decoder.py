"""The recurrent decoder: layers of cells that read the source before or after a step.

Luong reads with the current state, after the cells: c_t = read(h_t). Bahdanau reads with the previous state, before
the cells: c_t = read(h_{t-1}), and c_t enters the first layer. Both predict from s̃_t = tanh(W_c [c_t; h_t]). With input
feeding s̃_{t-1} enters the first layer too.

Reference: Luong et al. 2015, equation 5 and section 3.3; Bahdanau et al. 2015.
"""

import functools
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.attention.dropout import Dropout
from research.attention.reader import Reader, ReaderState
from research.models.cells import State
from research.models.recurrence import Product, recur
from research.models.recurrent_layers import RecurrentLayer, add_bias, advance
from research.models.translator import Encoded

Array = jax.Array
READERS = ("none", "luong", "bahdanau")


@flax.struct.dataclass
class RecurrentMemory:
    """The encoded sources.

    Args:
        keys_BSK: what queries are compared with.
        values_BSE: the states of the encoder.
        mask_BS: True at real positions.
        initial: the first state of each layer, float32.
    """

    keys_BSK: Array
    values_BSE: Array
    mask_BS: Array
    initial: tuple[State, ...]


@flax.struct.dataclass
class RecurrentCache:
    """The state of decoding between two positions, with a row for each hypothesis.

    Args:
        states: the state of each layer, float32.
        attentional_XD: s̃_{t-1}.
        reader: the state of the reader; () without a reader.
    """

    states: tuple[State, ...]
    attentional_XD: Array
    reader: ReaderState | tuple[()]


class RecurrentDecoder(nn.Module):
    """Layers of cells that predict the target and read the source.

    Computations that do not feed the recurrence (Luong's reading without input feeding or coverage, the output layer)
    are done for all positions at once.

    Args:
        cell: a name in `CELLS`.
        layers: the number of layers.
        input_width: the width of embeddings.
        width: D of the states.
        memory_width: E, the width of the encoder's states.
        timing: when the source is read: a name in `READERS`.
        reader: a pattern of the reader, without weights.
        input_feeding: True if s̃_{t-1} enters the first layer.
        direction: a name in `DECODER_DIRECTIONS`. "bi" predicts from W_b [s̃_t; b_t], where b_t is the state of one more
            cell, which reads the target from its end to t.
        dropout: rate of dropout of the inputs, between layers, and of s̃.
        deterministic: True for no dropout.
        residual: True if each layer above the first adds its inputs to its states, so that the output of a layer is the
            sum of the states up to it (Wu et al. 2016, section 3.1).
        remat: True to keep the inputs of each layer alone, and compute the rest again in the backward pass. Layers that
            are run in one loop, since what they read feeds the recurrence, count as one.
        dtype: of the computation. Parameters and the states of cells are float32.
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
    residual: bool = False
    remat: bool = False
    dtype: Any = jnp.float32

    def setup(self) -> None:
        if self.input_feeding and not self.reads:
            raise ValueError(
                "model.input_feeding=True feeds the attentional state, and model.reader='none' has none: set "
                "model.reader=luong or bahdanau, or model.input_feeding=False"
            )
        if self.reader.coverage != "none" and not self.reads:
            raise ValueError(
                f"model.coverage={self.reader.coverage!r} needs a reader, and model.reader='none' has none: set "
                "model.reader=luong or bahdanau, or model.coverage=none"
            )
        widths = [self.input_width] + [self.width] * (self.layers - 1)
        layer: Any = nn.remat(RecurrentLayer) if self.remat else RecurrentLayer
        self.stack = [layer(self.cell, width, self.width, self.dtype) for width in widths]
        kernel, gates = nn.initializers.glorot_uniform(), self.stack[0].kind.gates * self.width
        if self.reads:
            self.read = self.reader.clone()
            self.combine = self.param("combine", kernel, (self.memory_width + self.width, self.width))
        if self.reads_before:
            self.context = self.param("context", kernel, (self.memory_width, gates))
        if self.input_feeding:
            self.fed = self.param("fed", kernel, (self.width, gates))
        if self.direction == "bi":
            self.future = layer(self.cell, self.input_width, self.width, self.dtype, reverse=True)
            self.beside = self.param("beside", kernel, (2 * self.width, self.width))
        self.drop = Dropout(self.dropout, self.deterministic)

    @property
    def reads(self) -> bool:
        """True if the decoder reads the source."""
        return self.timing != "none"

    @property
    def reads_before(self) -> bool:
        """True if it reads before the cells, as Bahdanau does."""
        return self.timing == "bahdanau"

    def memory(self, encoded: Encoded) -> RecurrentMemory:
        """Return the values that depend on the source alone.

        Each layer starts from the last state of an encoder layer, the top one from the top one (Sutskever et al. 2014).
        After an encoder that is not recurrent, all layers start from the mean of its states.
        """
        states_BSE, finals = encoded.states_BSE, encoded.finals
        if not finals:
            finals = (self._mean(encoded),)
        below = len(finals) - self.layers
        initial = tuple(finals[max(0, below + layer)] for layer in range(self.layers))
        keys_BSK = self.read.keys(states_BSE) if self.reads else states_BSE
        return RecurrentMemory(keys_BSK, states_BSE, encoded.mask_BS, initial)

    def start(self, memory: RecurrentMemory, hypotheses: int, max_length: int = 0) -> RecurrentCache:
        """Return the cache before the first token, with s̃_0 = 0. It holds any number of steps."""
        states = jax.tree.map(lambda state_BD: jnp.repeat(state_BD, hypotheses, axis=0), memory.initial)
        reader = self.read.start(memory.keys_BSK, hypotheses) if self.reads else ()
        return RecurrentCache(states, jnp.zeros_like(states[0][0], self.dtype), reader)

    def reorder(self, cache: RecurrentCache, rows_X: Array) -> RecurrentCache:
        """Return the cache in which row i continues row rows_X[i]."""
        return jax.tree.map(lambda leaf: jnp.take(leaf, rows_X, axis=0, mode="clip"), cache)

    def step(self, memory: RecurrentMemory, input_XE: Array, cache: RecurrentCache) -> tuple[Array, RecurrentCache]:
        """Return s̃_XD of one position (h_XD without a reader) and the next cache."""
        weights = self._weights()

        def times(name: str, x: Array) -> Array:
            return x.astype(self.dtype) @ weights[name].astype(self.dtype)

        inputs = (self.stack[0].project(input_XE), None)
        carry = (cache.states, cache.attentional_XD, cache.reader)
        carry, (states_XD, context_XE, weights_BNS) = self._position(times, self._constants(memory), carry, inputs)
        if self.reads:
            self.sow("attention", "reader", weights_BNS)
        if self._combines_later:
            states_XD = self._combined(times, context_XE, states_XD)
        if self.direction == "bi":  # the only known token of the future is the current one
            states_XD = self._with_future(states_XD[:, None], input_XE[:, None], None)[:, 0]
        return states_XD, RecurrentCache(*carry)

    def __call__(self, memory: RecurrentMemory, inputs_BTE: Array, mask_BT: Array) -> Array:
        """Return s̃_BTD of all positions, teacher-forced."""
        inputs_BTE = self.drop(inputs_BTE)
        feeds_back = self.reads and (self.reads_before or self.input_feeding or self.read.has_state)
        one_loop = nn.remat(RecurrentDecoder._one_loop) if self.remat else RecurrentDecoder._one_loop
        decode = one_loop if feeds_back else RecurrentDecoder._layer_by_layer
        states_BTD, weights_BTS = decode(self, memory, inputs_BTE)
        if weights_BTS is not None:
            self.sow("attention", "reader", weights_BTS)
        if self.direction == "bi":
            states_BTD = self._with_future(states_BTD, inputs_BTE, mask_BT)
        return self.drop(states_BTD)

    def _with_future(self, states_BTD: Array, inputs_BTE: Array, mask_BT: Array | None) -> Array:
        future_BTD, _ = self.future(inputs_BTE, self.future.initial(inputs_BTE.shape[0]), mask_BT)
        return jnp.concatenate([states_BTD, future_BTD], axis=-1) @ self.beside.astype(self.dtype)

    def _layer_by_layer(self, memory: RecurrentMemory, inputs_BTE: Array) -> tuple[Array, Array | None]:
        states_BTD, _ = self.stack[0](inputs_BTE, memory.initial[0])
        for layer, initial in zip(self.stack[1:], memory.initial[1:], strict=True):
            below_BTD = states_BTD
            states_BTD, _ = layer(self.drop(below_BTD), initial)
            if self.residual:
                states_BTD = states_BTD + below_BTD
        if not self.reads:
            return states_BTD, None
        context_BTE, weights_BTS = self.read(states_BTD, memory.keys_BSK, memory.values_BSE, memory.mask_BS)
        return jnp.tanh(
            jnp.concatenate([context_BTE, states_BTD], axis=-1) @ self.combine.astype(self.dtype)
        ), weights_BTS

    def _one_loop(self, memory: RecurrentMemory, inputs_BTE: Array) -> tuple[Array, Array]:
        batch, length, _ = inputs_BTE.shape
        between = self.drop.mask((self.layers - 1, length, batch, self.width))
        gates_TBG = self.stack[0].project(inputs_BTE.transpose(1, 0, 2))
        inputs = (gates_TBG, None if between is None else tuple(between))
        cache = self.start(memory, 1)
        carry = (cache.states, cache.attentional_XD, cache.reader)
        _, outputs = recur(self._position, self._weights(), self._constants(memory), carry, inputs, dtype=self.dtype)
        states_TBD, context_TBE, weights_TB1S = outputs
        if self._combines_later:
            states_TBD = jnp.tanh(jnp.concatenate([context_TBE, states_TBD], axis=-1) @ self.combine.astype(self.dtype))
        return states_TBD.transpose(1, 0, 2), weights_TB1S[:, :, 0].transpose(1, 0, 2)

    @property
    def _combines_later(self) -> bool:
        """True if s̃ is used by the output alone; it is then computed after the loop, for all positions at once."""
        return self.reads_before and not self.input_feeding

    def _weights(self) -> dict[str, Array]:
        """Return all matrices of one position, by the names that `_position` uses."""
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
        """Compute one position: the body of the loop and of `step`."""
        states, attentional_XD, reader = carry
        input_XG, between = inputs
        context_XE: Any = None
        weights_BNS: Any = None
        if self.reads_before:
            context_XE, weights_BNS, reader = self.read.read_next(
                times, constants["reader"], self._output(states), reader
            )
            input_XG = input_XG + times("context", context_XE)
        if self.input_feeding:
            input_XG = input_XG + times("fed", attentional_XD)
        states = list(states)
        for index, layer in enumerate(self.stack):
            if index:
                below_XD = self._output(states[:index])
                if between is not None:
                    below_XD = below_XD * between[index - 1].astype(below_XD.dtype)
                input_XG = add_bias(times(f"input_{index}", below_XD), constants["input_biases"][index])
            recurrent_XG = times(f"recurrent_{index}", states[index][0])
            bias = constants["recurrent_biases"][index]
            states[index] = advance(layer.kind, recurrent_XG, bias, input_XG, states[index])
        output_XD = self._output(states)
        if self.reads and not self.reads_before:
            context_XE, weights_BNS, reader = self.read.read_next(times, constants["reader"], output_XD, reader)
        if self.reads and not self._combines_later:
            output_XD = attentional_XD = self._combined(times, context_XE, output_XD)
        return (tuple(states), attentional_XD, reader), (output_XD, context_XE, weights_BNS)

    def _output(self, states: Sequence[State]) -> Array:
        """Return the output of the last of some layers, from the bottom up, after a step."""
        summed = states if self.residual else states[-1:]
        return functools.reduce(jnp.add, [state[0].astype(self.dtype) for state in summed])

    def _mean(self, encoded: Encoded) -> State:
        """Return a cell state whose h is the mean over the words; the rest of the state is zero."""
        if self.memory_width != self.width:
            raise ValueError(
                f"the mean of states of width {self.memory_width} cannot start cells of width {self.width}: "
                "make both equal"
            )
        mask_BS1 = encoded.mask_BS[:, :, None].astype(jnp.float32)
        mean_BD = (encoded.states_BSE * mask_BS1).sum(axis=1) / jnp.maximum(mask_BS1.sum(axis=1), 1)
        return (mean_BD, *[jnp.zeros_like(mean_BD)] * (self.stack[0].kind.parts - 1))

    @staticmethod
    def _combined(times: Product, context_XE: Array, state_XD: Array) -> Array:
        return jnp.tanh(times("combine", jnp.concatenate([context_XE, state_XD], axis=-1)))
