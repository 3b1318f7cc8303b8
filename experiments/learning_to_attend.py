"""How does attention come to look at the right word?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.ablation.hypotheses import Level
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "How does attention come to look at the right word, though nobody shows it which?",
        "아무도 가르쳐 주지 않는데 어텐션은 어떻게 알맞은 단어를 보게 되는가?",
    ),
    claim=Words(
        "It learns to, from translating alone: alignment error falls from chance to below a half under every score.",
        "번역만 배우면서 스스로 배운다: 어떤 점수 함수로도 정렬 오류율이 절반 아래로 떨어진다.",
    ),
    source="Bahdanau et al. 2015, section 5.2.1",
    base="luong",
    fields={"training.attention_sentences": 100, "training.validate_every_steps": 50},
    arms=vary("model.score", "dot", "general", "concat"),
    measure="aer",
    also=("entropy", "bleu", "token_accuracy"),
    watched=("aer", "attention_entropy"),
    verdict=tuple(Level(score, 0.5, more=False) for score in ("dot", "general", "concat")),
)
