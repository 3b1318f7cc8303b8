"""Why does the softmax run over the keys?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Experiment
from research.results.message import Message
from research.statistics.hypotheses import Superiority

EXPERIMENT = Experiment(
    question=Message(
        "Why does the softmax run over rows, the words to read, and not over columns, the words to write?"
    ),
    claim=Message("Only a softmax over the keys makes a mean of what is read; over the queries it translates worse."),
    source="Bahdanau et al. 2015, equation 6; Vaswani et al. 2017, equation 1",
    base="luong",
    # Over queries: those so far, for a translator has no later ones. Its rows do not sum to 1.
    arms=cross(
        vary("architecture", "luong", "transformer"), vary("model.normaliser", "softmax", "softmax_over_queries")
    ),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy", "aer", "on_words"),
    verdict=(
        Superiority("luong, softmax", "luong, softmax_over_queries", 0.02),
        Superiority("transformer, softmax", "transformer, softmax_over_queries", 0.02),
    ),
)
