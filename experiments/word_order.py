"""Does attention find the right word when the order changes?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Axis, Experiment
from research.results.answers import Published
from research.results.message import Message
from research.statistics.hypotheses import Equivalence, Level

READERS = ("luong", "transformer")
FARTHEST = "reordering=1.0, clauses=3"

EXPERIMENT = Experiment(
    question=Message(
        "In English order and verb-final, near and far: does attention still find the word it translates?"
    ),
    claim=Message("Attention finds the right source word even when the order changes."),
    source="Luong et al. 2015, table 6: AER .34 to .39; Bahdanau et al. 2015, figure 3",
    base="luong",
    # Verb-final, a verb goes to the end of its clause, and that of the main clause behind all others: the more clauses,
    # the farther.
    arms=cross(
        vary("architecture", *READERS),
        vary("data.embedded.reordering", 0.0, 1.0),
        vary("data.embedded.clauses", 1, 2, 3),
    ),
    axis=Axis("data.embedded.clauses", Message("clauses of a sentence: how far verbs go")),
    measure="aer",
    also=("below_diagonal", "below_ibm_model1", "token_accuracy", "bleu"),
    # Right more often than not where words go farthest; and order costs little.
    verdict=(
        *(Level(f"{reader}, {FARTHEST}", 0.5, more=False) for reader in READERS),
        *(Equivalence((f"{reader}, {FARTHEST}",), f"{reader}, reordering=0.0, clauses=3", 0.05) for reader in READERS),
    ),
    # Better than who reads the diagonal where the diagonal is best, which has an AER of .42 in English order and of .81
    # verb-final; as good as IBM model 1, which knows no order, where verbs go farthest; and as good there as near.
    probes=(
        *(
            Level(f"{reader}, reordering=0.0, clauses=1", 0.05, more=True, measure="below_diagonal")
            for reader in READERS
        ),
        *(Level(f"{reader}, {FARTHEST}", -0.05, more=True, measure="below_ibm_model1") for reader in READERS),
        *(Equivalence((f"{reader}, {FARTHEST}",), f"{reader}, reordering=1.0, clauses=1", 0.05) for reader in READERS),
    ),
    literature=(Published("Luong et al. 2015, WMT14 En-De, location scores", "AER", {f"luong, {FARTHEST}": 0.39}),),
)
