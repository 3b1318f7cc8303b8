"""Are six layers worth it?"""

from research.ablation.arms import vary
from research.ablation.experiment import Axis, Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Superiority

EXPERIMENT = Experiment(
    question=Message("How many layers does a Transformer need?"),
    claim=Message("Six layers are worth it."),
    source="Vaswani et al. 2017, table 3 (C)",
    base="transformer",
    arms=vary("model.layers", 1, 2, 4, 6, 8),
    axis=Axis("model.layers", Message("layers of each side")),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy"),
    verdict=(Superiority("layers=6", "layers=2", 0.02), Superiority("layers=6", "layers=4", 0.02)),
    at_least={"model.width": 128},
    per_corpus={"embedded_tiny": {"model.width": 128, "model.ffn": 256}},
    literature=(
        Published(
            "Vaswani et al. 2017, WMT14 En-De (development set)",
            "BLEU",
            {"layers=2": 23.7, "layers=4": 25.3, "layers=6": 25.8, "layers=8": 25.5},
        ),
    ),
)
