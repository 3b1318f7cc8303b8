"""The RNN encoder-decoder, with attention or without: Sutskever 2014, Bahdanau 2015, Luong 2015, and all between."""

import jax

from research.models.recurrent_decoder import RecurrentCache, RecurrentDecoder, RecurrentMemory
from research.models.recurrent_layers import RecurrentEncoder
from research.models.translator import PAD, Translator

Array = jax.Array


class Recurrent(Translator):
    """cell × encoder direction × depth × reader × score × input feeding; see `RecurrentDecoder` for the fields."""

    cell: str
    direction: str
    encoder_layers: int
    decoder_layers: int
    width: int
    reader: str
    score: str
    input_feeding: bool
    dropout: float
    deterministic: bool = True

    def setup(self) -> None:
        shared = {"cell": self.cell, "width": self.width, "input_width": self.embeddings.width}
        shared |= {"dropout": self.dropout, "deterministic": self.deterministic}
        self.encoder = RecurrentEncoder(direction=self.direction, layers=self.encoder_layers, **shared)
        self.decoder = RecurrentDecoder(
            layers=self.decoder_layers,
            memory_width=self.width,
            reader=self.reader,
            score=self.score,
            input_feeding=self.input_feeding,
            **shared,
        )

    def encode(self, source_BS: Array) -> RecurrentMemory:
        mask_BS = source_BS != PAD
        states_BSD, finals = self.encoder(self.embeddings.source(source_BS), mask_BS)
        return self.decoder.memory(states_BSD, mask_BS, finals)

    def states(self, memory: RecurrentMemory, target_in_BT: Array) -> Array:
        return self.decoder(memory, self.embeddings.target(target_in_BT))

    def start(self, memory: RecurrentMemory, hypotheses: int, max_length: int) -> RecurrentCache:
        return self.decoder.start(memory, hypotheses)

    def step_states(
        self, memory: RecurrentMemory, token_B: Array, cache: RecurrentCache
    ) -> tuple[Array, RecurrentCache]:
        return self.decoder.step(memory, self.embeddings.target(token_B), cache)
