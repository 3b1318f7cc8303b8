"""Does the recurrent cell matter?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Superiority

EXPERIMENT = Experiment(
    question=Message("Which recurrent cell translates best?"),
    claim=Message("LSTM always beats GRU."),
    source="Britz et al. 2017, table 2",
    base="luong",
    arms=vary("model.cell", "tanh", "gru", "lstm"),
    measure="nats",
    also=("bleu", "chrf", "token_accuracy", "aer"),
    verdict=(Superiority("lstm", "gru", 0.02),),
    literature=(Published("Britz et al. 2017, WMT15 En-De", "BLEU", {"tanh": 15.38, "gru": 21.78, "lstm": 22.22}),),
)
