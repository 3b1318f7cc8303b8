"""How many heads?"""

from research.ablation.arms import chain, cross, vary
from research.ablation.experiment import Axis, Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Superiority

EXPERIMENT = Experiment(
    question=Message(
        "How many heads should attention have, when they share its width and when each has a width of its own?"
    ),
    claim=Message("A width of 512 is best used as 8 heads of 64: one head is worse, and so are 32."),
    source="Vaswani et al. 2017, table 3 (A)",
    base="transformer",
    arms=chain(
        vary("model.heads", 1, 2, 4, 8, 16, 32),
        cross(vary("model.heads", 1, 2, 4, 8, 16, 32), vary("model.head_width", 8)),
    ),
    axis=Axis("model.heads", Message("heads"), log=True),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy", "aer"),
    verdict=(Superiority("heads=8", "heads=1", 0.02), Superiority("heads=8", "heads=32", 0.02)),
    at_least={"model.width": 256},
    literature=(
        Published(
            "Vaswani et al. 2017, WMT14 En-De (development set)",
            "BLEU",
            {"heads=1": 24.9, "heads=4": 25.5, "heads=8": 25.8, "heads=16": 25.8, "heads=32": 25.4},
        ),
    ),
)
