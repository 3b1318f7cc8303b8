"""Must the encoder read both ways, and may the decoder?"""

from research.ablation.arms import chain, named, vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Superiority

FUTURE = "decoder sees the future"

EXPERIMENT = Experiment(
    question=Message("Should the encoder read both ways, and what becomes of a decoder that does?"),
    claim=Message("The encoder should be bidirectional; the decoder cannot be."),
    source="Britz et al. 2017, table 4",
    base="luong",
    arms=chain(
        vary("model.direction", "uni", "reversed", "bi"),
        # The control: teacher-forced it reads its own answer, and so it learns nothing that helps to translate.
        named(FUTURE, {"model.decoder_direction": "bi"}),
    ),
    measure="nats",
    also=("bleu", "token_accuracy", "aer"),
    # A decoder that sees the future has the lower loss, of references, and translates worse.
    verdict=(
        Superiority("bi", "uni", 0.02),
        Superiority(FUTURE, "bi", 0.02),
        Superiority("bi", FUTURE, 5.0, measure="bleu"),
    ),
    literature=(Published("Britz et al. 2017, WMT15 En-De", "BLEU", {"uni": 20.98, "reversed": 21.76, "bi": 21.78}),),
)
