"""Which way may the encoder read, and which way the decoder?"""

from research.ablation.arms import chain, named, vary
from research.ablation.experiment import Experiment, Published
from research.ablation.hypotheses import Superiority
from research.words import Words

FUTURE = "decoder sees the future"

EXPERIMENT = Experiment(
    question=Words(
        "Should the encoder read both ways, and what becomes of a decoder that does?",
        "인코더는 양방향으로 읽어야 하는가? 디코더가 그렇게 하면 어떻게 되는가?",
    ),
    claim=Words(
        "The encoder should be bidirectional; the decoder cannot be.",
        "인코더는 양방향이어야 하고, 디코더는 양방향일 수 없다.",
    ),
    source="Britz et al. 2017, table 4",
    base="luong",
    arms=chain(
        vary("model.direction", "uni", "reversed", "bi"),
        # The control: teacher-forced it reads its own answer, and so it learns nothing that helps to translate.
        named(FUTURE, {"model.decoder_direction": "bi"}),
    ),
    measure="bleu",
    also=("perplexity", "token_accuracy", "aer"),
    verdict=(
        Superiority("bi", "uni", 0.0),
        Superiority(FUTURE, "bi", 0.0, measure="perplexity"),
        Superiority("bi", FUTURE, 5.0),
    ),
    literature=(Published("Britz et al. 2017, WMT15 En-De", "BLEU", {"uni": 20.98, "reversed": 21.76, "bi": 21.78}),),
)
