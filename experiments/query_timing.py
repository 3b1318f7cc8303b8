"""Does it matter when the decoder asks, and whether it is told what it read?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Equivalence, Superiority

EXPERIMENT = Experiment(
    question=Message(
        "Luong asks with the current state, Bahdanau with the previous one: does it matter, and does input feeding?"
    ),
    claim=Message("When the decoder asks makes no difference that matters; feeding the attentional state back helps."),
    source="Luong et al. 2015, section 3.3 and table 1",
    base="luong",
    arms=cross(
        vary("model.reader", "luong", "bahdanau"),
        vary("model.input_feeding", False, True),
        vary("model.score", "general", "concat"),
    ),
    measure="nats",
    also=("bleu", "token_accuracy", "aer", "seconds_per_step"),
    verdict=(
        Equivalence(("bahdanau, no input feeding, general",), "luong, no input feeding, general", 0.02),
        Superiority("luong, input feeding, general", "luong, no input feeding, general", 0.02),
    ),
    literature=(
        Published(
            "Luong et al. 2015, WMT14 En-De, location scores",
            "BLEU",
            {"luong, no input feeding, general": 16.8, "luong, input feeding, general": 18.1},
        ),
    ),
)
