"""Is the Transformer only faster, or also better?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment, Published
from research.statistics.hypotheses import Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "Given the same arithmetic to spend, which family translates best?",
        "같은 양의 연산을 쓸 때 어느 계열이 가장 잘 번역하는가?",
    ),
    claim=Words(
        "The Transformer is not only faster, it is also better.", "트랜스포머는 빠르기만 한 것이 아니라 더 낫기도 하다."
    ),
    source="Vaswani et al. 2017, table 2",
    base="luong",
    arms=vary(
        "architecture", "luong", "none", "bahdanau", "transformer", "transformer_recurrent", "recurrent_transformer"
    ),
    match="flops",
    cost="seconds",
    rates=(2e-3, 5e-3),  # a model is not judged by a rate that another one likes
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy", "aer"),
    verdict=(Superiority("transformer", "luong", 0.0), Superiority("transformer", "bahdanau", 0.0)),
    literature=(
        Published(
            "WMT14 En-De: Vaswani et al. 2017, base model; Luong et al. 2015, global attention",
            "BLEU",
            {"transformer": 27.3, "luong": 16.8},
        ),
        Published("Vaswani et al. 2017, WMT14 En-De, big model, 2.3e19 FLOPs", "BLEU", {"transformer": 28.4}),
    ),
    notes={
        "embedded_tiny": Words(
            "At equal arithmetic the Transformer took 381 steps where Luong's model took 800; at equal steps it is "
            "ahead (44.2 and 35.4 BLEU in softmax_axis). Both budgets end long before the models have converged, and a "
            "quarter of the Transformer's is warm-up: this says who learns more from little arithmetic, not who is "
            "better with much, which is what Vaswani et al. claim.",
            "같은 연산량에서 루옹 모델이 800 단계를 갈 때 트랜스포머는 381 단계를 갔다. 같은 단계 수에서는 "
            "트랜스포머가 앞선다(softmax_axis에서 44.2과 35.4 BLEU). 두 예산 모두 수렴하기 훨씬 전에 끝나고, "
            "트랜스포머는 그 4분의 1이 워밍업이다. 적은 연산으로 누가 더 배우는지를 말할 뿐, Vaswani 등이 주장하듯 "
            "연산이 많을 때 누가 나은지는 말하지 않는다.",
        )
    },
    revised=Words(
        "arms tried no learning rates; the claim was refuted with that of the config as well",
        "조건마다 학습률을 시도하지는 않았다. 설정 파일의 학습률로도 주장은 반박되었다",
    ),
)
