"""The word vectors of both languages and of the output layer, shared or not."""

import flax.linen as nn
import jax

Array = jax.Array
TIES = ("none", "decoder", "all")


class Embeddings(nn.Module):
    """Three tables_VD: of source subwords, of target subwords, and of the output layer, logits_V = table_VD @ state_D.

    Args:
        source_vocabulary: the number of source subwords.
        target_vocabulary: the number of target subwords.
        width: of the embeddings.
        output_width: of the states that predict; equal to `width` if the output layer is tied.
        tie: "none"; "decoder": one table for target subwords and output layer (Press & Wolf 2017); "all": one table for
            all three (Vaswani et al. 2017, section 3.4), which needs a joint vocabulary.
    """

    source_vocabulary: int
    target_vocabulary: int
    width: int
    output_width: int
    tie: str

    def setup(self) -> None:
        if self.tie == "all" and self.source_vocabulary != self.target_vocabulary:
            raise ValueError(
                "model.tie='all' shares one table between two vocabularies; set data.vocabulary.joint=True "
                "or model.tie='decoder'"
            )
        if self.tie != "none" and self.width != self.output_width:
            raise ValueError(
                f"model.tie={self.tie!r} needs embeddings as wide as the states that predict ({self.output_width}), "
                f"not {self.width}; make them equal or set model.tie='none'"
            )
        table = nn.initializers.normal(self.width**-0.5)
        self.target_VD = self.param("target", table, (self.target_vocabulary, self.width))
        if self.tie == "all":
            self.source_VD = self.target_VD
        else:
            self.source_VD = self.param("source", table, (self.source_vocabulary, self.width))
        if self.tie == "none":
            output = nn.initializers.normal(self.output_width**-0.5)
            self.output_VD = self.param("output", output, (self.target_vocabulary, self.output_width))
        else:
            self.output_VD = self.target_VD

    def source(self, ids: Array) -> Array:
        """Return the vectors of source subwords, float32; one more axis than `ids`."""
        return self.source_VD[ids]

    def target(self, ids: Array) -> Array:
        """Return the vectors of target subwords, float32; one more axis than `ids`."""
        return self.target_VD[ids]
