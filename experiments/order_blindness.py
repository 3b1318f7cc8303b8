"""What does a Transformer know of order without positions?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment, Published
from research.statistics.hypotheses import Equivalence, Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "What is lost when a Transformer is not told where words stand, and does it matter how it is told?",
        "단어의 위치를 알려 주지 않으면 트랜스포머는 무엇을 잃는가? 알려 주는 방식은 중요한가?",
    ),
    claim=Words(
        "Reading everything at once needs positions; learned ones are as good as sinusoids.",
        "한꺼번에 읽으려면 위치가 필요하다; 학습한 위치는 사인파만큼 좋다.",
    ),
    source="Vaswani et al. 2017, table 3 (E)",
    base="transformer",
    embedded={"training.steps": 1_200},  # in 800 none has learnt enough for a margin of 1 BLEU
    arms=vary("model.positions", "none", "sinusoidal", "learned", "relative", "rotary", "alibi"),
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy", "aer", "order_sensitivity"),
    verdict=(Superiority("sinusoidal", "none", 1.0), Equivalence(("learned",), "sinusoidal", 1.0)),
    literature=(
        Published("Vaswani et al. 2017, WMT14 En-De (development set)", "BLEU", {"sinusoidal": 25.8, "learned": 25.7}),
    ),
    revised=Words(
        "the margin of learned positions was 2 BLEU, and the embedded corpus had 800 steps; with either it was "
        "inconclusive",
        "학습한 위치의 여유는 2 BLEU였고, 내장 말뭉치에서는 800 단계를 학습했다. 어느 쪽으로도 미결이었다",
    ),
)
