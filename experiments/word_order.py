"""Does attention find the right word when the order changes?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Axis, Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Equivalence, Level

SHARES = (0.0, 0.5, 1.0)

EXPERIMENT = Experiment(
    question=Message("From English order to fully verb-final: does attention still find the word that it translates?"),
    claim=Message("Attention finds the right source word even when the order changes."),
    source="Luong et al. 2015, table 6: AER .34 to .39; Bahdanau et al. 2015, figure 3",
    base="luong",
    arms=cross(vary("architecture", "none", "luong", "transformer"), vary("data.embedded.reordering", *SHARES)),
    axis=Axis("data.embedded.reordering", Message("share of sentences put verb-final")),
    measure="aer",
    also=("token_accuracy", "bleu"),
    # Right more often than not, verb-final too; and order costs little. Reading the diagonal errs by .40 in English
    # order and by .68 verb-final.
    verdict=(
        Level("luong, reordering=1.0", 0.5, more=False),
        Level("transformer, reordering=1.0", 0.5, more=False),
        Equivalence(("luong, reordering=1.0",), "luong, reordering=0.0", 0.05),
        Equivalence(("transformer, reordering=1.0",), "transformer, reordering=0.0", 0.05),
    ),
    literature=(Published("Luong et al. 2015, WMT14 En-De, location scores", "AER", {"luong, reordering=0.5": 0.39}),),
)
