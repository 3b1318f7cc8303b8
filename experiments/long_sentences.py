"""Does attention cure the decline with sentence length?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.results.calibration import EVIDENCE, Calibration
from research.results.message import Message
from research.statistics.hypotheses import Level, Superiority

EXPERIMENT = Experiment(
    question=Message("How does quality fall with the length of the sentence, with attention and without?"),
    claim=Message("The longer the sentence, the worse the translation; attention cures it."),
    source="Bahdanau et al. 2015, figure 2",
    base="none",
    # Of up to three clauses, and so few words that the fixed vector has some of the short ones right.
    per_corpus={
        "embedded_tiny": {"data.embedded.clauses": 3, "data.embedded.words": 0.05, "data.embedded.ambiguity": 0.0}
    },
    # After 1,600 steps and after 3,200 Luong's model had 0.15 nats a token there, under another seed.
    calibration={
        "embedded_tiny": Calibration("luong", "nats", 0.15, 0.02, f"{EVIDENCE}/embedded_tiny.long_sentences"),
    },
    arms=vary("architecture", "none", "luong", "bahdanau"),
    # The slope of chrF over the logarithm of length: points lost (below 0) each time a sentence is twice as long.
    measure="length_slope",
    also=("chrf", "bleu", "nats"),
    # It falls without attention; attention loses less; and cured means that it loses no more than 1 chrF a doubling.
    verdict=(
        Superiority("luong", "none", 1.0),
        Superiority("bahdanau", "none", 1.0),
        Level("none", -1.0, more=False),
        Level("luong", -1.0, more=True),
        Level("bahdanau", -1.0, more=True),
    ),
)
