"""Why does the softmax run over the keys?"""

from research.ablation.arms import chain, cross, vary
from research.ablation.experiment import Experiment
from research.results.message import Message
from research.statistics.hypotheses import Superiority

QUERIES = "softmax_over_queries"
CONTROLS = ("softmax_over_queries_renormalised", "softmax_over_queries_scaled")

EXPERIMENT = Experiment(
    question=Message(
        "Why does the softmax run over rows, the words to read, and not over columns, the words to write?"
    ),
    claim=Message("Only a softmax over the keys makes a mean of what is read; over the queries it translates worse."),
    source="Bahdanau et al. 2015, equation 6; Vaswani et al. 2017, equation 1",
    base="luong",
    # Over queries: those so far, for a translator has no later ones. Its rows do not sum to 1; two controls ask whether
    # it is that, by rows that do, and by rows that do where all scores are the same.
    arms=chain(
        cross(vary("architecture", "luong"), vary("model.normaliser", "softmax", QUERIES, *CONTROLS)),
        cross(vary("architecture", "transformer"), vary("model.normaliser", "softmax", QUERIES)),
    ),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy", "aer", "on_words"),
    verdict=(
        Superiority("luong, softmax", f"luong, {QUERIES}", 0.02),
        Superiority("transformer, softmax", f"transformer, {QUERIES}", 0.02),
    ),
    probes=tuple(Superiority("luong, softmax", f"luong, {control}", 0.02) for control in CONTROLS),
)
