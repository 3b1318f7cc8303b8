"""The recurrent decoder: layers of cells, and when they read the source.

Luong reads with the current state, after the cells: c_t = read(h_t). Bahdanau reads with the previous state, before
them: c_t = read(h_{t-1}), and c_t enters the first layer. Both predict from s̃_t = tanh(W_c [c_t; h_t]) (Luong et al.
2015, equation 5). With input feeding s̃_{t-1} enters the first layer (section 3.3).
"""

from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.attention.attend import attend
from research.attention.dropout import Dropout
from research.attention.scores import SCORES
from research.attention.windows import padding
from research.models.cells import State
from research.models.recurrence import Product, recur
from research.models.recurrent_layers import RecurrentLayer, advance, plus

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
    """The state of each layer, and s̃_{t-1}."""

    states: tuple[State, ...]
    attentional_BD: Array


class RecurrentDecoder(nn.Module):
    """cell, layers, width: as in the encoder. reader: "none", "luong" or "bahdanau"; score: a name in `SCORES`.

    input_feeding: for "luong". memory_width: E, the width of the encoder's states. dropout: of inputs, between
    layers, and of s̃. What feeds nothing back (Luong's reading without input feeding, the output layer) is done for
    all positions at once.
    """

    cell: str
    layers: int
    input_width: int
    width: int
    memory_width: int
    reader: str
    score: str
    input_feeding: bool
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        if self.reader not in READERS:
            raise ValueError(f"model.reader={self.reader!r} is unknown; choose one of {', '.join(READERS)}")
        if self.score not in SCORES:
            raise ValueError(f"model.score={self.score!r} is unknown; choose one of {', '.join(SCORES)}")
        if self.input_feeding and self.reader != "luong":
            raise ValueError(f"model.input_feeding=True needs reader='luong', not {self.reader!r}")
        widths = [self.input_width] + [self.width] * (self.layers - 1)
        self.stack = [RecurrentLayer(self.cell, width, self.width) for width in widths]
        kernel = nn.initializers.glorot_uniform()
        if self.reader != "none":
            self.scorer = SCORES[self.score](self.width, self.memory_width, self.width)
            self.combine = self.param("combine", kernel, (self.memory_width + self.width, self.width))
        if self.reads_before or self.input_feeding:
            gates = self.stack[0].kind.gates * self.width
            fed_width = self.memory_width if self.reads_before else self.width
            self.fed = self.param("fed", kernel, (fed_width, gates))
        self.drop = Dropout(self.dropout, self.deterministic)

    @property
    def reads_before(self) -> bool:
        return self.reader == "bahdanau"

    @property
    def reads_after(self) -> bool:
        return self.reader == "luong"

    def memory(self, states_BSE: Array, mask_BS: Array, finals: tuple[State, ...]) -> RecurrentMemory:
        """What depends on the source alone. Decoder layers start where the encoder's end, top from top.

        Sutskever et al. 2014.
        """
        keys_BSK = states_BSE if self.reader == "none" else self.scorer.keys(states_BSE)
        below = len(finals) - self.layers
        initial = tuple(finals[max(0, below + layer)] for layer in range(self.layers))
        return RecurrentMemory(keys_BSK, states_BSE, mask_BS, initial)

    def start(self, memory: RecurrentMemory, hypotheses: int) -> RecurrentCache:
        """The cache before the first token; s̃_0 is zero."""
        states = jax.tree.map(lambda state_BD: jnp.repeat(state_BD, hypotheses, axis=0), memory.initial)
        return RecurrentCache(states, jnp.zeros_like(states[0][0]))

    def step(self, memory: RecurrentMemory, input_BE: Array, cache: RecurrentCache) -> tuple[Array, RecurrentCache]:
        """s̃_BD for one position (h_BD without a reader), and the next cache."""
        weights = self._weights()
        inputs = (self.stack[0].project(input_BE), None)
        carry, (states_BD, context_BE, weights_BNS) = self._position(
            lambda name, x: x @ weights[name], self._constants(memory), (cache.states, cache.attentional_BD), inputs
        )
        if self.reader != "none":
            self.sow("attention", "reader", weights_BNS)
        if self.reads_before:
            states_BD = self._combined(lambda name, x: x @ weights[name], context_BE, states_BD)
        elif self.reads_after:
            states_BD = carry[1]
        return states_BD, RecurrentCache(*carry)

    def __call__(self, memory: RecurrentMemory, inputs_BTE: Array) -> Array:
        """s̃_BTD for all positions, teacher-forced."""
        inputs_BTE = self.drop(inputs_BTE)
        together = self.reads_before or self.input_feeding
        decode = self._one_loop if together else self._layer_by_layer
        states_BTD, weights_BTS = decode(memory, inputs_BTE)
        if weights_BTS is not None:
            self.sow("attention", "reader", weights_BTS)
        return self.drop(states_BTD)

    def _layer_by_layer(self, memory: RecurrentMemory, inputs_BTE: Array) -> tuple[Array, Array | None]:
        states_BTD = inputs_BTE
        for index, (layer, initial) in enumerate(zip(self.stack, memory.initial, strict=True)):
            states_BTD, _ = layer(states_BTD if index == 0 else self.drop(states_BTD), initial)
        if not self.reads_after:
            return states_BTD, None
        scores_BTS = self.scorer(states_BTD, memory.keys_BSK)
        context_BTE, weights_BTS = attend(scores_BTS, memory.values_BSE, padding(memory.mask_BS))
        return jnp.tanh(jnp.concatenate([context_BTE, states_BTD], axis=-1) @ self.combine), weights_BTS

    def _one_loop(self, memory: RecurrentMemory, inputs_BTE: Array) -> tuple[Array, Array]:
        batch, length, _ = inputs_BTE.shape
        between = self.drop.mask((self.layers - 1, length, batch, self.width))
        gates_TBG = self.stack[0].project(inputs_BTE.transpose(1, 0, 2))
        inputs = (gates_TBG, None if between is None else tuple(between))
        cache = self.start(memory, 1)
        carry = (cache.states, cache.attentional_BD)
        _, outputs = recur(self._position, self._weights(), self._constants(memory), carry, inputs)
        states_TBD, context_TBE, weights_TB1S = outputs
        if self.reads_before:
            states_TBD = jnp.tanh(jnp.concatenate([context_TBE, states_TBD], axis=-1) @ self.combine)
        return states_TBD.transpose(1, 0, 2), weights_TB1S[:, :, 0].transpose(1, 0, 2)

    def _weights(self) -> dict[str, Array]:
        """All matrices of one position, by the name under which `_position` multiplies with them."""
        weights = {f"recurrent_{index}": layer.recurrent_DG for index, layer in enumerate(self.stack)}
        weights |= {f"input_{index}": layer.input_EG for index, layer in enumerate(self.stack) if index}
        if self.reader != "none":
            weights["combine"] = self.combine
            if self.scorer.query_matrix() is not None:
                weights["query"] = self.scorer.query_matrix()
        if self.reads_before or self.input_feeding:
            weights["fed"] = self.fed
        return weights

    def _constants(self, memory: RecurrentMemory) -> dict[str, Any]:
        constants: dict[str, Any] = {
            "recurrent_biases": tuple(layer.recurrent_bias() for layer in self.stack),
            "input_biases": tuple(layer.bias_G for layer in self.stack),
        }
        if self.reader != "none":
            constants["memory"] = (memory.keys_BSK, memory.values_BSE, memory.mask_BS.astype(memory.values_BSE.dtype))
            constants["score"] = self.scorer.constants()
        return constants

    def _position(self, times: Product, constants: dict[str, Any], carry: Any, inputs: Any) -> tuple[Any, Any]:
        """One position of everything: the body of the loop, and of `step`."""
        states, attentional_BD = carry
        input_BG, between = inputs
        context_BE = weights_BNS = None
        if self.reads_before:
            context_BE, weights_BNS = self._read(times, constants, states[-1][0])
            input_BG = input_BG + times("fed", context_BE)
        elif self.input_feeding:
            input_BG = input_BG + times("fed", attentional_BD)
        states = list(states)
        for index, layer in enumerate(self.stack):
            if index:
                below_BD = states[index - 1][0]
                if between is not None:
                    below_BD = below_BD * between[index - 1].astype(below_BD.dtype)
                input_BG = plus(times(f"input_{index}", below_BD), constants["input_biases"][index])
            recurrent_BG = times(f"recurrent_{index}", states[index][0])
            bias = constants["recurrent_biases"][index]
            states[index] = advance(layer.kind, recurrent_BG, bias, input_BG, states[index])
        output_BD = states[-1][0]
        if self.reads_after:
            context_BE, weights_BNS = self._read(times, constants, output_BD)
            output_BD = attentional_BD = self._combined(times, context_BE, output_BD)
        return (tuple(states), attentional_BD), (output_BD, context_BE, weights_BNS)

    def _read(self, times: Product, constants: dict[str, Any], state_BD: Array) -> tuple[Array, Array]:
        """context_BE and weights_BNS: the N hypotheses of a sentence ask its memory as N queries."""
        keys_BSK, values_BSE, mask_BS = constants["memory"]
        query_BK = times("query", state_BD) if self._has_query else state_BD
        query_BNK = query_BK.reshape(keys_BSK.shape[0], -1, query_BK.shape[-1])
        scores_BNS = SCORES[self.score].compare(constants["score"], query_BNK, keys_BSK)
        context_BNE, weights_BNS = attend(scores_BNS, values_BSE, padding(mask_BS > 0))
        return context_BNE.reshape(state_BD.shape[0], -1), weights_BNS

    @property
    def _has_query(self) -> bool:
        return self.scorer.query_matrix() is not None

    @staticmethod
    def _combined(times: Product, context_BE: Array, state_BD: Array) -> Array:
        return jnp.tanh(times("combine", jnp.concatenate([context_BE, state_BD], axis=-1)))
