"""Are six layers worth it?"""

from research.ablation.arms import vary
from research.ablation.experiment import Axis, Experiment, Published
from research.statistics.hypotheses import Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words("How many layers does a Transformer need?", "트랜스포머에는 몇 개의 층이 필요한가?"),
    claim=Words("Six layers are worth it.", "여섯 층은 그만한 가치가 있다."),
    source="Vaswani et al. 2017, table 3 (C)",
    base="transformer",
    arms=vary("model.layers", 1, 2, 4, 6, 8),
    axis=Axis("model.layers", Words("layers of each side", "각 쪽의 층 수")),
    rates=(2e-3, 5e-3),  # a stack is not judged by a rate that another depth likes
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy"),
    verdict=(Superiority("layers=6", "layers=2", 0.5), Superiority("layers=6", "layers=4", 0.0)),
    literature=(
        Published(
            "Vaswani et al. 2017, WMT14 En-De (development set)",
            "BLEU",
            {"layers=2": 23.7, "layers=4": 25.3, "layers=6": 25.8, "layers=8": 25.5},
        ),
    ),
    notes={
        "embedded_tiny": Words(
            "All arms were still learning after 800 steps, those of four layers and more most: with so few updates "
            "two layers are what can be trained. The learning rate chosen was the larger of the two for every arm.",
            "800 단계 뒤에도 모든 조건이 배우는 중이었고 네 층 이상이 가장 그랬다. 이만큼의 갱신으로 훈련할 수 있는 "
            "것은 두 층이다. 모든 조건에서 두 학습률 중 큰 쪽이 선택되었다.",
        ),
        "multi30k_small": Words(
            "Two and four layers are alike and six are worse, after two epochs at one learning rate for all. All were "
            "still learning, the deeper ones a little more (perplexity fell by 52 to 57 % in the second half), and "
            "six layers of width 64 have less than a million parameters: Vaswani et al. stack layers of 512, and "
            "train them for 100,000 steps.",
            "학습률 하나로 두 에포크를 학습한 뒤 두 층과 네 층은 비슷하고 여섯 층은 못하다. 모두 아직 배우는 중이었고 "
            "깊은 쪽이 조금 더 그랬으며(후반에 퍼플렉서티가 52~57 % 줄었다), 너비 64짜리 여섯 층의 매개변수는 백만 "
            "개가 안 된다. Vaswani 등은 너비 512의 층을 쌓아 100,000 단계를 학습했다.",
        ),
    },
)
