"""How many heads?"""

from research.ablation.arms import chain, cross, vary
from research.ablation.experiment import Axis, Experiment, Published
from research.statistics.hypotheses import Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "How many heads should attention have, when they share its width and when each has a width of its own?",
        "헤드가 너비를 나누어 가질 때와 저마다 너비를 가질 때, 헤드는 몇 개여야 하는가?",
    ),
    claim=Words(
        "A width of 512 is best used as 8 heads of 64: one head is worse, and so are 32.",
        "너비 512는 64짜리 헤드 8개로 쓰는 것이 좋다: 하나도, 서른둘도 그보다 못하다.",
    ),
    source="Vaswani et al. 2017, table 3 (A)",
    base="transformer",
    arms=chain(
        vary("model.heads", 1, 2, 4, 8, 16, 32),
        cross(vary("model.heads", 1, 2, 4, 8, 16, 32), vary("model.head_width", 8)),
    ),
    axis=Axis("model.heads", Words("heads", "헤드 수"), log=True),
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy", "aer"),
    verdict=(Superiority("heads=8", "heads=1", 0.0), Superiority("heads=8", "heads=32", 0.0)),
    literature=(
        Published(
            "Vaswani et al. 2017, WMT14 En-De (development set)",
            "BLEU",
            {"heads=1": 24.9, "heads=4": 25.5, "heads=8": 25.8, "heads=16": 25.8, "heads=32": 25.4},
        ),
    ),
    notes={
        "embedded_tiny": Words(
            "The width is 64, so 8 heads have 8 numbers each and 32 have 2. Shared among 2, 4, 8 or 16 heads it is "
            "used equally well: that 8 is better than 1 and than 32 is shown, that 8 is best is not, and the claim is "
            "of a width of 512. Heads of a width of their own are better the more there are, up to 16 (53.5 BLEU, as "
            "with 32); no hypothesis speaks of them.",
            "너비는 64라서 헤드가 8개이면 저마다 8개, 32개이면 2개의 수를 가진다. 헤드 2, 4, 8, 16개가 나누어 가져도 "
            "똑같이 좋다. 8개가 하나와 서른둘보다 낫다는 것은 보였지만 가장 좋다는 것은 보이지 않았고, 주장은 너비 "
            "512에 관한 것이다. 저마다 너비를 가지는 헤드는 16개까지 많을수록 낫다(32개와 같은 53.5 BLEU). 이에 관한 "
            "가설은 없다.",
        ),
        "multi30k_small": Words(
            "The width is 64: one head has the 64 numbers that each of Vaswani et al.'s has, and eight have 8 each. "
            "One head is no worse than eight then (22.0 and 21.1 BLEU), and all arms were still learning after 1,500 "
            "steps. The claim is of a width of 512.",
            "너비는 64다. 헤드가 하나이면 Vaswani 등의 헤드 하나와 같은 64개, 여덟이면 저마다 8개의 수를 가진다. "
            "그러면 하나가 여덟보다 못하지 않고(22.0과 21.1 BLEU), 모든 조건이 1,500 단계 뒤에도 배우는 중이었다. "
            "주장은 너비 512에 관한 것이다.",
        ),
    },
    revised=Words(
        "eight heads of a width of 8 were added, of which no hypothesis speaks",
        "너비가 8인 헤드 여덟 개를 더했다. 이에 관한 가설은 없다",
    ),
)
