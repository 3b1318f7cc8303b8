"""Does it matter when the decoder asks, and whether it is told what it read?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Experiment
from research.ablation.hypotheses import Equivalence, Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "Luong asks with the current state, Bahdanau with the previous one: does it matter, and does input feeding?",
        "루옹은 현재 상태로, 바다나우는 이전 상태로 묻는다: 차이가 있는가? 입력 피딩은?",
    ),
    claim=Words(
        "When the decoder asks makes no difference that matters; feeding the attentional state back helps.",
        "언제 묻는지는 별 차이가 없고, 어텐션 상태를 되먹이면 좋아진다.",
    ),
    source="Luong et al. 2015, section 3.3 and table 1",
    base="luong",
    arms=cross(
        vary("model.reader", "luong", "bahdanau"),
        vary("model.input_feeding", False, True),
        vary("model.score", "general", "concat"),
    ),
    measure="bleu",
    also=("perplexity", "token_accuracy", "aer", "seconds_per_step"),
    verdict=(
        Equivalence(("bahdanau, no input feeding, general",), "luong, no input feeding, general", 0.5),
        Superiority("luong, input feeding, general", "luong, no input feeding, general", 0.5),
    ),
    notes={
        "embedded_tiny": Words(
            "With input feeding the models begin to attend later, and were still learning after 800 steps; Luong et "
            "al. measured what it brings after ten epochs.",
            "입력 피딩을 쓰면 어텐션을 배우기 시작하는 시점이 늦고, 800 단계 뒤에도 배우는 중이었다. Luong 등은 열 "
            "에포크 뒤의 이득을 쟀다.",
        )
    },
)
