"""Does attention find the right word when the order changes?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Axis, Experiment
from research.ablation.hypotheses import Equivalence, Level
from research.words import Words

SHARES = (0.0, 0.5, 1.0)

EXPERIMENT = Experiment(
    question=Words(
        "From English order to fully verb-final: does attention still find the word that it translates?",
        "영어 어순에서 완전한 동사 후치 어순까지, 어텐션은 번역할 단어를 여전히 찾아내는가?",
    ),
    claim=Words(
        "Attention finds the right source word even when the order changes.",
        "어순이 바뀌어도 어텐션은 알맞은 원문 단어를 찾는다.",
    ),
    source="Luong et al. 2015, table 6: AER .34 to .39; Bahdanau et al. 2015, figure 3",
    base="luong",
    arms=cross(vary("architecture", "none", "luong", "transformer"), vary("data.embedded.reordering", *SHARES)),
    axis=Axis("data.embedded.reordering", Words("share of sentences put verb-final", "동사 후치 문장의 비율")),
    measure="aer",
    also=("token_accuracy", "bleu"),
    # Right more often than not, verb-final too; and order costs little. Reading the diagonal errs by .40 in English
    # order and by .68 verb-final.
    verdict=(
        Level("luong, reordering=1.0", 0.5, more=False),
        Level("transformer, reordering=1.0", 0.5, more=False),
        Equivalence(("luong, reordering=1.0",), "luong, reordering=0.0", 0.1),
        Equivalence(("transformer, reordering=1.0",), "transformer, reordering=0.0", 0.1),
    ),
)
