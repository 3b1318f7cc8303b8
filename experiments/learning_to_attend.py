"""How does attention come to look at the right word?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.results.message import Message
from research.statistics.hypotheses import Level

BY_WORDS = ("dot", "scaled_dot", "general", "concat")

EXPERIMENT = Experiment(
    question=Message("How does attention come to look at the right word, though nobody shows it which?"),
    claim=Message(
        "It learns to, from translating alone: alignment error falls from chance to below a half, by every score "
        "that looks at the words."
    ),
    source="Bahdanau et al. 2015, section 5.2.1",
    base="luong",
    fields={"training.attention_sentences": 100, "training.validate_every_steps": 50},
    arms=vary("model.score", *BY_WORDS, "location"),
    measure="aer",
    also=("below_diagonal", "entropy", "bleu", "token_accuracy"),
    watched=("aer", "attention_entropy"),
    verdict=tuple(Level(score, 0.5, more=False) for score in BY_WORDS),
    # And below that of who reads the diagonal and looks at no word, .68 here: it can fail only where the claim does.
    probes=tuple(Level(score, 0.05, more=True, measure="below_diagonal") for score in BY_WORDS),
)
