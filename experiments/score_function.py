"""Do the kinds of attention differ in their score function?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Experiment, Published
from research.ablation.hypotheses import Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "How much do score functions and local windows matter to Luong's attention?",
        "루옹 어텐션에서 점수 함수와 지역 창은 얼마나 중요한가?",
    ),
    claim=Words(
        "The kinds of attention differ in the score function: those that look at the words beat the one that does not.",
        "어텐션의 종류는 점수 함수에서 갈린다: 단어를 보는 것이 보지 않는 것보다 낫다.",
    ),
    source="Luong et al. 2015, table 4",
    base="luong",
    # Sentences of 13 pieces: 21 at a time would be no window.
    embedded={"model.window_radius": 3},
    arms=cross(
        vary("model.score", "dot", "scaled_dot", "general", "concat", "location"),
        vary("model.window", "global", "local_m", "local_p"),
    ),
    measure="bleu",
    also=("perplexity", "token_accuracy", "aer", "entropy"),
    verdict=tuple(Superiority(f"{score}, global", "location, global", 1.0) for score in ("dot", "general", "concat")),
    literature=(
        Published(
            "Luong et al. 2015, WMT14 En-De",
            "BLEU",
            {
                "location, global": 18.1,
                "dot, global": 18.6,
                "general, global": 17.3,
                "general, local_m": 18.6,
                "general, local_p": 19.0,
            },
        ),
        Published(
            "Luong et al. 2015, WMT14 En-De",
            "perplexity",
            {
                "location, global": 6.4,
                "dot, global": 6.1,
                "general, global": 6.1,
                "general, local_m": 6.2,
                "general, local_p": 5.9,
            },
        ),
    ),
)
