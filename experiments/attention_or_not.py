"""Is attention worth much to a recurrent translator?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Fraction, Superiority

EXPERIMENT = Experiment(
    question=Message(
        "How much better does an RNN encoder-decoder translate once its decoder may read the encoder's states?"
    ),
    claim=Message("Without attention an RNN translator is unusable, and the gap is larger than one expects."),
    source="Bahdanau et al. 2015; Luong et al. 2015; Britz et al. 2017",
    base="none",
    # Two bidirectional LSTM layers to two, as in Britz et al. 2017; one to one where sentences are as short.
    fields={"model.layers": 2},
    per_corpus={"embedded_tiny": {"model.layers": 1}},
    arms=vary("architecture", "none", "luong", "bahdanau"),
    measure="bleu",
    also=("nats", "chrf", "token_accuracy", "aer"),
    # Unusable: less than half of what attention gives. A gap larger than one expects: than the 5 BLEU between a poor
    # translator and a fair one.
    verdict=(
        Fraction("none", "luong", 0.5),
        Fraction("none", "bahdanau", 0.5),
        Superiority("luong", "none", 5.0),
        Superiority("bahdanau", "none", 5.0),
    ),
    literature=(
        Published(
            "Britz et al. 2017, WMT15 En-De",
            "BLEU",
            {"none": 9.98, "luong": 21.8, "bahdanau": 22.5},
        ),
        Published(
            "Bahdanau et al. 2015, WMT14 En-Fr, up to 50 words",
            "BLEU",
            {"none": 17.82, "bahdanau": 26.75},
        ),
        Published("Luong et al. 2015, WMT14 En-De", "BLEU", {"none": 14.0, "luong": 16.8}),
    ),
)
