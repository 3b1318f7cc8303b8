"""Does rereading repair the fixed-size vector, or would a larger vector do?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Axis, Experiment
from research.statistics.hypotheses import Superiority, Trend
from research.words import Words

WIDTHS = (32, 64, 128)

EXPERIMENT = Experiment(
    question=Words(
        "Can a wider fixed vector do what rereading the encoder does?",
        "고정 벡터를 넓히면 인코더를 다시 읽는 것을 대신할 수 있는가?",
    ),
    claim=Words(
        "Rereading the encoder repairs the bottleneck of the fixed-size vector.",
        "인코더를 다시 읽으면 고정 크기 벡터의 병목이 해소된다.",
    ),
    source="Cho et al. 2014; Bahdanau et al. 2015",
    base="none",
    embedded={"training.steps": 2_000},  # in 800 the narrowest reader has hardly begun
    arms=cross(vary("architecture", "none", "luong"), vary("model.width", *WIDTHS)),
    axis=Axis("model.width", Words("width", "너비"), log=True),
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy"),
    # Width helps the vector, and yet the narrowest reader beats the widest vector.
    verdict=(
        Trend(tuple(f"none, width={width}" for width in WIDTHS), WIDTHS, 0.0, log=True),
        Superiority("luong, width=32", "none, width=128", 0.0),
    ),
    revised=Words(
        "the embedded corpus had 800 steps, in which the narrowest reader had hardly begun; "
        "what that came to is not kept",
        "내장 말뭉치에서 800 단계를 학습했는데, 가장 좁은 모델은 막 시작했을 뿐이었다. 그때의 결과는 남아 있지 않다",
    ),
)
