"""What is attention worth to a recurrent translator?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment, Published
from research.ablation.hypotheses import Level, Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "How much better does an RNN encoder-decoder translate once its decoder may read the encoder's states?",
        "RNN 인코더-디코더는 디코더가 인코더의 상태를 다시 읽을 수 있게 되면 얼마나 더 잘 번역하는가?",
    ),
    claim=Words(
        "Without attention an RNN translator is unusable, and the gap is larger than one expects.",
        "어텐션 없는 RNN 번역기는 쓸 수 없는 수준이고, 그 차이는 예상보다 크다.",
    ),
    source="Bahdanau et al. 2015; Luong et al. 2015; Britz et al. 2017",
    base="none",
    # Two bidirectional LSTM layers to two, as in Britz et al. 2017.
    fields={"model.layers": 2},
    # In so few steps two layers have hardly begun, and in 800 the fixed vector has not.
    embedded={"model.layers": 1, "training.steps": 2_000},
    arms=vary("architecture", "none", "luong", "bahdanau"),
    measure="bleu",
    also=("chrf", "perplexity", "token_accuracy", "aer"),
    # Unusable: below 10 BLEU. Larger than expected: than the middle of the published gaps, 2.8 to 12.5.
    verdict=(Level("none", 10.0, more=False), Superiority("luong", "none", 7.7), Superiority("bahdanau", "none", 7.7)),
    literature=(
        Published("Britz et al. 2017, WMT15 En-De", "BLEU", {"none": 9.98, "luong": 21.8, "bahdanau": 22.5}),
        Published("Bahdanau et al. 2015, WMT14 En-Fr, up to 50 words", "BLEU", {"none": 17.82, "bahdanau": 26.75}),
        Published("Luong et al. 2015, WMT14 En-De", "BLEU", {"none": 14.0, "luong": 16.8}),
    ),
    notes={
        "multi30k_small": Words(
            "Two layers of width 64 have hardly begun to attend after 1,500 steps. One layer of width 256, trained to "
            "its end on the same corpus, gains 20 BLEU by attention (13.2 and 33.3, beam 5; docs/results.md): the gap "
            "is as large as claimed where a model is trained long enough to use it.",
            "너비 64짜리 두 층은 1,500 단계 뒤에도 어텐션을 막 배우기 시작했을 뿐이다. 같은 말뭉치에서 끝까지 학습한 "
            "너비 256 한 층은 어텐션으로 20 BLEU를 얻는다(13.2와 33.3, 빔 5; docs/results.md). 어텐션을 쓸 만큼 오래 "
            "학습하면 차이는 주장만큼 크다.",
        )
    },
)
