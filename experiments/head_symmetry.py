"""Why do heads differ?"""

from research.ablation.arms import chain, named
from research.ablation.experiment import Experiment
from research.results.message import Message
from research.statistics.hypotheses import Level

IDENTICAL, DROPOUT, APART, INDEPENDENT = "identical", "identical, dropout", "0.01 apart", "independent"
STILL = {"model.dropout": 0.0, "model.attention_dropout": 0.0}

EXPERIMENT = Experiment(
    question=Message("All heads run the same equation on the same input: why do they come to read different words?"),
    claim=Message("Heads differ because their initial weights do: alike at first, they stay alike."),
    source="a lecture's claim; symmetry of gradient descent",
    base="transformer",
    fields={"training.attention_sentences": 100, "training.validate_every_steps": 100},
    arms=chain(
        named(IDENTICAL, {"model.head_spread": 0.0, **STILL}),
        named(DROPOUT, {"model.head_spread": 0.0, "model.dropout": 0.0, "model.attention_dropout": 0.1}),
        named(APART, {"model.head_spread": 0.01, **STILL}),
        named(INDEPENDENT, {"model.head_spread": 1.0, **STILL}),
    ),
    measure="head_distance",
    also=("bleu", "perplexity", "aer"),
    watched=("head_distance",),
    # Alike they stay, by the symmetry of the gradient; unlike they become. Noise breaks the symmetry as well.
    verdict=(Level(IDENTICAL, 0.01, more=False), Level(INDEPENDENT, 0.1, more=True)),
    probes=(Level(DROPOUT, 0.1, more=True),),
)
