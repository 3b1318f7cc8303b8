"""Does a Transformer know anything of order without positions?"""

from research.ablation.arms import chain, named, vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Equivalence, Superiority

EXPERIMENT = Experiment(
    question=Message(
        "What is lost when a Transformer's encoder is not told where words stand, and does it matter how it is told?"
    ),
    claim=Message("Reading everything at once needs positions; learned ones are as good as sinusoids."),
    source="Vaswani et al. 2017, table 3 (E)",
    base="transformer",
    # The encoder's: a decoder is told the order by its causal mask (Haviv et al. 2022).
    arms=chain(
        vary("model.encoder_positions", "none", "sinusoidal", "learned", "relative", "rotary", "alibi"),
        named("none on both sides", {"model.positions": "none"}),
    ),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy", "aer", "order_sensitivity"),
    verdict=(Superiority("sinusoidal", "none", 0.02), Equivalence(("learned",), "sinusoidal", 0.02)),
    literature=(
        Published("Vaswani et al. 2017, WMT14 En-De (development set)", "BLEU", {"sinusoidal": 25.8, "learned": 25.7}),
    ),
)
