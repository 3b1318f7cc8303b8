"""Does depth still pay once the encoder-decoder can attend?"""

from research.ablation.arms import chain, vary
from research.ablation.experiment import Axis, Experiment, Published
from research.statistics.hypotheses import Equivalence, Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "How many recurrent layers does a translator that attends need, in the encoder, the decoder, or both?",
        "어텐션이 있는 번역기에는 순환층이 인코더, 디코더, 또는 양쪽에 몇 개 필요한가?",
    ),
    claim=Words(
        "Two or three layers are a little better than one; a fourth and a fifth are meaningless.",
        "두세 층은 한 층보다 조금 낫고, 네다섯 층은 의미가 없다.",
    ),
    source="Britz et al. 2017, table 3",
    base="luong",
    embedded={"training.steps": 1_200},  # deep stacks are slow to begin
    arms=chain(
        vary("model.layers", 1, 2, 3, 4, 5),
        vary("model.encoder_layers", 2, 3, 4, 5),
        vary("model.decoder_layers", 2, 3, 4, 5),
    ),
    axis=Axis("model.layers", Words("layers of both sides", "양쪽의 층 수")),
    rates=(2e-3, 5e-3),  # a stack is not judged by a rate that another depth likes
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy"),
    verdict=(
        Superiority("layers=2", "layers=1", 0.0),
        Superiority("layers=3", "layers=1", 0.0),
        Equivalence(("layers=4", "layers=5"), "layers=3", 1.0),
    ),
    literature=(
        Published(
            "Britz et al. 2017, WMT15 En-De, decoder",
            "BLEU",
            {"layers=1": 21.76, "decoder_layers=2": 21.78, "decoder_layers=4": 22.37},
        ),
    ),
    notes={
        "embedded_tiny": Words(
            "Stacked cells have no residual connections here, and each layer delays the moment at which the model "
            "begins to attend, in the encoder more than in the decoder (two layers: 33 and 56 BLEU, one 69): every "
            "deeper arm was still learning when it stopped. This is how soon depth pays, not how much; Britz et al. "
            "trained for days.",
            "여기서 쌓은 셀에는 잔차 연결이 없어, 층이 늘수록 어텐션을 배우기 시작하는 시점이 늦어진다. 디코더보다 "
            "인코더에서 더 그렇다(두 층이면 56과 33 BLEU, 한 층이면 69). 깊은 조건은 모두 배우는 중에 멈췄다. 깊이가 "
            "얼마나 좋은가가 아니라 얼마나 빨리 좋아지는가를 보여 준다.",
        ),
        "multi30k_small": Words(
            "As on the embedded corpus each layer delays the moment at which the model begins to attend: after 500 of "
            "1,500 steps one layer (seed 0) has a perplexity of 71, two 117, and more about 250. Three layers and "
            "more differ little in BLEU: none of them seems to have begun. Two epochs at one learning rate say how "
            "soon depth pays, not how much.",
            "내장 말뭉치에서처럼 층이 늘수록 어텐션을 배우기 시작하는 시점이 늦어진다. 1,500 단계 중 500 단계 뒤의 "
            "퍼플렉서티는 한 층 71, 두 층 117, 그 이상은 약 250이다. 세 층 이상이 BLEU가 서로 비슷하다. 어느 것도 "
            "시작하지 못한 듯하다. 학습률 하나로 두 에포크를 학습한 것은 깊이가 얼마나 좋은가가 아니라 얼마나 빨리 "
            "좋아지는가를 말한다.",
        ),
    },
    revised=Words(
        "that two layers are better than one was added, without which the claim is refuted as well; the embedded "
        "corpus had 800 steps, in which deep stacks had hardly begun, and what that came to is not kept",
        "두 층이 한 층보다 낫다는 가설을 더했고, 이것이 없어도 주장은 반박된다. 내장 말뭉치에서는 800 단계를 "
        "학습했는데 깊은 조건은 막 시작했을 뿐이었고, 그때의 결과는 남아 있지 않다",
    ),
)
