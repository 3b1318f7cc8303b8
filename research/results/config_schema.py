"""The kind of every field of config.json, so that a damaged one is refused by its name.

Fields that a version of Lookback added later may be missing, and those of another version are let pass. A field that is
added to configs/base.py needs its kind here, and a test says so.
"""

from typing import TypedDict


class Model(TypedDict, total=False):
    cell: str
    coverage: str
    coverage_width: int
    decoder: str
    decoder_direction: str
    decoder_layers: int
    direction: str
    dropout: float
    embedding: int
    encoder: str
    encoder_layers: int
    input_feeding: bool
    layers: int
    learned_positions: int
    normaliser: str
    reader: str
    residual: bool
    score: str
    tie: str
    width: int
    window: str
    window_radius: int
    activation_dropout: float
    attention_dropout: float
    decoder_positions: str
    encoder_positions: str
    ffn: int
    head_spread: float
    head_width: int
    heads: int
    kernel: str
    kv_heads: int
    norm: str
    positions: str
    relative_reach: int
    remat: bool
    scan_layers: bool
    self_normaliser: str
    self_score: str
    self_window: int


OF_EVERY_MODEL = (
    *("decoder", "decoder_layers", "decoder_direction", "encoder", "encoder_layers", "layers", "width", "embedding"),
    *("tie", "dropout", "score", "normaliser", "window", "window_radius", "learned_positions", "remat"),
)
"""The fields of `Model` that families have in common."""


class VocabularyFields(TypedDict, total=False):
    byte_fallback: bool
    character_coverage: float
    joint: bool
    kind: str
    size: int


class EmbeddedFields(TypedDict, total=False):
    ambiguity: float
    clauses: int
    noise: float
    reordering: float
    seed: int
    test_pairs: int
    train_pairs: int
    validation_pairs: int
    words: float


class Data(TypedDict, total=False):
    batch_tokens: int
    buckets: int
    builder: str
    builder_dir: str
    download: str
    languages: tuple[str, str]
    lowercase: bool
    max_tokens: int
    root: str
    source: str
    splits: list[str]
    subset: int
    stream_pairs: int
    train: list[str]
    validation: list[str]
    workers: int
    vocabulary: VocabularyFields
    embedded: EmbeddedFields
    tests: dict[str, list[str]]
    sha256: dict[str, str]


class Training(TypedDict, total=False):
    accumulation: int
    attention_sentences: int
    average_last: int
    beta1: float
    beta2: float
    background_saves: bool
    bleu_sentences: int
    clip_norm: float
    decay_share: float
    ema_decay: float
    epsilon: float
    fsdp: int
    keep_best_by: str
    keep_last: int
    keep_trunk: bool
    label_smoothing: float
    learning_rate: float
    log_every_steps: int
    optimizer: str
    patience: int
    precision: str
    save_every_steps: int
    schedule: str
    steps: int
    strategy: str
    tensor: int
    validate_every_steps: int
    warmup_steps: int
    weight_decay: float


class Evaluation(TypedDict, total=False):
    batch_sentences: int
    beam: int
    checkpoint: str
    coverage_penalty: float
    extra_tokens: int
    frequency_bins: list[int]
    length_bins: list[int]
    length_normalisation: str
    length_penalty: float
    reordering_bins: list[float]
    tokenize: str
