"""Do the kinds of attention differ in their score function?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Experiment, Published
from research.statistics.hypotheses import Superiority
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
    verdict=tuple(
        Superiority(f"{score}, global", "location, global", 1.0) for score in ("dot", "scaled_dot", "general", "concat")
    ),
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
    notes={
        "embedded_tiny": Words(
            "Windows are far worse than looking everywhere (general: 35.4 BLEU, 10.8 with local_m, 4.3 with local_p), "
            "where Luong et al. found them a little better. The corpus puts verbs last: in English order "
            "(--config.data.embedded.reordering=0.0, three seeds) local_m has 43.2 BLEU beside 38.9, so what a "
            "monotone window does not reach is what was moved. local_p has 4.2 there too: it has not learnt where to "
            "look after 800 steps. Nor has scaled_dot begun to attend (2.0 nats of entropy): its scores are an eighth "
            "of dot's at first.",
            "창은 어디나 보는 것보다 훨씬 못하다(general: 35.4 BLEU, local_m 10.8, local_p 4.3). Luong 등은 창이 조금 "
            "낫다고 했다. 이 말뭉치는 동사를 끝에 둔다. 영어 어순에서는(--config.data.embedded.reordering=0.0, 시드 "
            "셋) local_m이 43.2, 어디나 보는 것이 38.9 BLEU다. 단조로운 창이 닿지 못하는 것은 옮겨진 단어다. "
            "local_p는 거기서도 4.2로, 800 단계 뒤에도 어디를 볼지 배우지 못했다. scaled_dot도 아직 어텐션을 시작하지 "
            "못했다(엔트로피 2.0나트): 처음 점수가 dot의 8분의 1이다.",
        )
    },
    revised=Words(
        "scaled_dot was added to the hypotheses, which refuted the claim; without it, it is supported. Windows of the "
        "embedded corpus had a radius of 10",
        "가설에 scaled_dot을 더했고, 그래서 주장이 반박되었다. 이것이 없으면 지지된다. 내장 말뭉치에서 창의 반지름은 "
        "10이었다",
    ),
)
