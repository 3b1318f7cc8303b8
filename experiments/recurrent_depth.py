"""Does depth still pay once the encoder-decoder can attend?"""

from research.ablation.arms import chain, vary
from research.ablation.experiment import Axis, Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Equivalence, Superiority

EXPERIMENT = Experiment(
    question=Message(
        "How many recurrent layers does a translator that attends need, in the encoder, the decoder, or both?"
    ),
    claim=Message("Two or three layers are a little better than one; a fourth and a fifth are meaningless."),
    source="Britz et al. 2017, table 3",
    base="luong",
    embedded={"training.steps": 1_200},  # deep stacks are slow to begin
    arms=chain(
        vary("model.layers", 1, 2, 3, 4, 5),
        vary("model.encoder_layers", 2, 3, 4, 5),
        vary("model.decoder_layers", 2, 3, 4, 5),
    ),
    axis=Axis("model.layers", Message("layers of both sides")),
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy"),
    verdict=(
        Superiority("layers=2", "layers=1", 0.0),
        Superiority("layers=3", "layers=1", 0.0),
        Equivalence(("layers=4", "layers=5"), "layers=3", 1.0),
    ),
    literature=(
        Published(
            "Britz et al. 2017, WMT15 En-De, decoder",
            "BLEU",
            {"layers=1": 21.76, "decoder_layers=2": 21.78, "decoder_layers=4": 22.37},
        ),
    ),
    revised=True,
)
