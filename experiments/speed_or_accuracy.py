"""Is the Transformer only faster, or also better?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Superiority

EXPERIMENT = Experiment(
    question=Message("Given the same arithmetic to spend, which family translates best?"),
    claim=Message("The Transformer is not only faster, it is also better."),
    source="Vaswani et al. 2017, table 2",
    base="luong",
    arms=vary(
        "architecture", "luong", "none", "bahdanau", "transformer", "transformer_recurrent", "recurrent_transformer"
    ),
    match="flops",
    cost="seconds",
    measure="nats",
    also=("bleu", "chrf", "token_accuracy", "aer"),
    verdict=(Superiority("transformer", "luong", 0.02), Superiority("transformer", "bahdanau", 0.02)),
    literature=(
        Published(
            "WMT14 En-De: Vaswani et al. 2017, base model; Luong et al. 2015, global attention",
            "BLEU",
            {"transformer": 27.3, "luong": 16.8},
        ),
        Published("Vaswani et al. 2017, WMT14 En-De, big model, 2.3e19 FLOPs", "BLEU", {"transformer": 28.4}),
    ),
)
