"""Does attention cure the decline with sentence length?"""

from research.ablation.arms import vary
from research.ablation.experiment import Experiment
from research.statistics.hypotheses import Level, Superiority
from research.words import Words

EXPERIMENT = Experiment(
    question=Words(
        "How does quality fall with the length of the sentence, with attention and without?",
        "문장이 길어지면 번역 품질은 어텐션이 있을 때와 없을 때 각각 어떻게 떨어지는가?",
    ),
    claim=Words(
        "The longer the sentence, the worse the translation; attention cures it.",
        "문장이 길수록 번역은 나빠지고, 어텐션이 이를 고친다.",
    ),
    source="Bahdanau et al. 2015, figure 2",
    base="none",
    # Sentences of up to three clauses, and so few words that the fixed vector has some of the short ones right.
    embedded={
        "model.width": 128,
        "data.embedded.clauses": 3,
        "data.embedded.words": 0.05,
        "data.embedded.ambiguity": 0.0,
        "data.buckets": 2,
        "training.learning_rate": 3e-3,
        "training.steps": 1_200,
    },
    arms=vary("architecture", "none", "luong", "bahdanau"),
    # The slope of chrF over the logarithm of length: points lost (below 0) each time a sentence is twice as long.
    measure="length_slope",
    also=("chrf", "bleu", "token_accuracy"),
    # It falls without attention; attention loses less; and cured means at most 3 chrF a doubling.
    verdict=(Level("none", 0.0, more=False), Superiority("luong", "none", 0.0), Level("luong", -3.0, more=True)),
    notes={
        "embedded_tiny": Words(
            "The readers score about 80 BLEU where the fixed vector scores 6, but they lose points with length as "
            "well: attention lifts the curve more than it flattens it. The fixed vector's slope is held up by the "
            "floor that its long sentences lie on.",
            "고정 벡터가 6 BLEU일 때 읽는 모델은 약 80 BLEU지만, 길이에 따라 역시 점수를 잃는다: 어텐션은 곡선을 "
            "펴기보다 들어 올린다. 고정 벡터의 기울기는 긴 문장이 바닥에 있어 완만해 보인다.",
        )
    },
)
