"""Does attention cure the decline with sentence length?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.results.message import Message
from research.statistics.hypotheses import Level, Superiority

EXPERIMENT = Experiment(
    question=Message("How does quality fall with the length of the sentence, with attention and without?"),
    claim=Message("The longer the sentence, the worse the translation; attention cures it."),
    source="Bahdanau et al. 2015, figure 2",
    base="none",
    # Sentences of up to three clauses, and so few words that the fixed vector has some of the short ones right.
    embedded={
        "model.width": 128,
        "data.embedded.clauses": 3,
        "data.embedded.words": 0.05,
        "data.embedded.ambiguity": 0.0,
        "data.buckets": 2,
        "training.learning_rate": 3e-3,
        "training.steps": 1_200,
    },
    arms=vary("architecture", "none", "luong", "bahdanau"),
    # The slope of chrF over the logarithm of length: points lost (below 0) each time a sentence is twice as long.
    measure="length_slope",
    also=("chrf", "bleu", "token_accuracy"),
    # It falls without attention; attention loses less; and cured means at most 3 chrF a doubling.
    verdict=(Level("none", 0.0, more=False), Superiority("luong", "none", 0.0), Level("luong", -3.0, more=True)),
)
