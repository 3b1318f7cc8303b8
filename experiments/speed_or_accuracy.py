"""Is the Transformer only faster, or also better?"""

from research.ablation.arms import chain, cross, vary
from research.ablation.experiment import Axis, Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Superiority

BUDGETS = (0.25, 1, 4)

EXPERIMENT = Experiment(
    question=Message("Given the same arithmetic to spend, little or much, which family translates best?"),
    claim=Message("The Transformer is not only faster, it is also better."),
    source="Vaswani et al. 2017, table 2",
    base="luong",
    arms=chain(
        cross(vary("architecture", "luong", "bahdanau", "transformer"), vary("budget", *BUDGETS)),
        cross(vary("architecture", "none", "transformer_recurrent", "recurrent_transformer"), vary("budget", 1)),
    ),
    axis=Axis("budget", Message("FLOPs, times those of Luong's model"), log=True),
    match="flops",
    cost="seconds",
    measure="nats",
    also=("bleu", "chrf", "token_accuracy", "aer"),
    # At the large end, as in the paper. With a quarter nothing has done learning, and so there is nothing to judge.
    verdict=(
        Superiority("transformer, budget=4", "luong, budget=4", 0.02),
        Superiority("transformer, budget=4", "bahdanau, budget=4", 0.02),
    ),
    literature=(
        Published(
            "WMT14 En-De: Vaswani et al. 2017, base model; Luong et al. 2015, global attention",
            "BLEU",
            {"transformer, budget=4": 27.3, "luong, budget=4": 16.8},
        ),
    ),
)
