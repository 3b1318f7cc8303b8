"""Is the Transformer only faster, or also better?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment, Published
from research.ablation.hypotheses import Superiority
from research.ablation.words import Words

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
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy", "aer"),
    verdict=(Superiority("transformer", "luong", 0.0), Superiority("transformer", "bahdanau", 0.0)),
    literature=(
        Published(
            "WMT14 En-De: Vaswani et al. 2017, base model; Luong et al. 2015, global attention",
            "BLEU",
            {"transformer": 27.3, "luong": 16.8},
        ),
    ),
)
