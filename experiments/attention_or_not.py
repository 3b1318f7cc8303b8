"""Is attention worth much to a recurrent translator?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Level, Superiority

EXPERIMENT = Experiment(
    question=Message(
        "How much better does an RNN encoder-decoder translate once its decoder may read the encoder's states?"
    ),
    claim=Message("Without attention an RNN translator is unusable, and the gap is larger than one expects."),
    source="Bahdanau et al. 2015; Luong et al. 2015; Britz et al. 2017",
    base="none",
    # Two bidirectional LSTM layers to two, as in Britz et al. 2017.
    fields={"model.layers": 2},
    # In 800 steps two layers have not started to attend, and the fixed vector has learnt little.
    embedded={"model.layers": 1, "training.steps": 2_000},
    arms=vary("architecture", "none", "luong", "bahdanau"),
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy", "aer"),
    # Unusable: below 10 BLEU. Larger than expected: than the middle of the published gaps, 2.8 to 12.5.
    verdict=(Level("none", 10.0, more=False), Superiority("luong", "none", 7.7), Superiority("bahdanau", "none", 7.7)),
    literature=(
        Published("Britz et al. 2017, WMT15 En-De", "BLEU", {"none": 9.98, "luong": 21.8, "bahdanau": 22.5}),
        Published("Bahdanau et al. 2015, WMT14 En-Fr, up to 50 words", "BLEU", {"none": 17.82, "bahdanau": 26.75}),
        Published("Luong et al. 2015, WMT14 En-De", "BLEU", {"none": 14.0, "luong": 16.8}),
    ),
    revised=True,
)
