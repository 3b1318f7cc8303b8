"""Is feeding the sentence at once faster than one word after another?"""

from research.ablation.arms import cross, vary
from research.ablation.experiment import Axis, Experiment
from research.ablation.hypotheses import Superiority
from research.words import Words

LENGTHS = (8, 32, 128, 512)

EXPERIMENT = Experiment(
    question=Words(
        "How long does a training step take, one word after another or all at once, as sentences grow?",
        "문장이 길어질 때, 한 단어씩 읽는 학습 단계와 한꺼번에 읽는 학습 단계는 각각 얼마나 걸리는가?",
    ),
    claim=Words(
        "Feeding the sentence at once is faster than one word after another.",
        "문장을 한꺼번에 넣는 것이 한 단어씩 넣는 것보다 빠르다.",
    ),
    source="Vaswani et al. 2017, table 1: O(1) sequential operations against O(n)",
    base="luong",
    work="time",
    # Every step has as many tokens, whatever their sentences' length: 8 sentences of 512, 512 of 8.
    fields={"data.batch_tokens": 4_096, "model.places": 512},
    embedded={"model.width": 128, "data.vocabulary.size": 2_000},
    arms=cross(vary("architecture", "none", "luong", "bahdanau", "transformer"), vary("data.max_tokens", *LENGTHS)),
    axis=Axis("data.max_tokens", Words("tokens a sentence", "문장당 토큰 수"), log=True),
    measure="seconds_per_step",
    verdict=tuple(
        Superiority(f"transformer, max_tokens={length}", f"luong, max_tokens={length}", 0.0) for length in LENGTHS
    ),
    notes={
        "embedded_tiny": Words(
            "One CPU core does about as many FLOPs a second of either family at any length (Luong's model 80 and 68 "
            "billion at 8 and 512 tokens, the Transformer 65 and 57), so the one with fewer to do is faster. A long "
            "chain of small steps leaves nothing idle where there is one core; the claim is of machines with many.",
            "CPU 한 코어는 어느 계열이든 길이와 거의 상관없이 초당 비슷한 양의 연산을 한다(8과 512 토큰에서 루옹 "
            "모델은 800억과 680억, 트랜스포머는 650억과 570억). 그래서 연산이 적은 쪽이 빠르다. 코어가 하나이면 작은 "
            "단계가 길게 이어져도 노는 것이 없다. 주장은 코어가 많은 기계에 관한 것이다.",
        )
    },
)
