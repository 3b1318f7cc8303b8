"""German to English on IWSLT 2014, 160,000 pairs of talks: the RNN and the Transformer of JoeyNMT.

    python run.py train --config=configs/iwslt14.py:joeynmt_rnn --workdir=runs/rnn --config.data.root=iwslt14

The folder holds what JoeyNMT's scripts/get_iwslt14_bpe.sh makes: train, valid and test, each .de and .en, tokenised by
Moses and lower-cased.

Ours (those of its configs/iwslt14_deen_bpe.yaml and transformer_iwslt14_deen_bpe.yaml in brackets):
- a rate that falls as a cosine after a warm-up (that falls at each plateau of the validation)
- SentencePiece's BPE (subword-nmt's)
- 2,048 positions a batch of the RNN (80 pairs)
- dropout of the embeddings (none), and in the RNN of all that has dropout (of the attentional state alone)
- the decoder starts from the encoder's last state (from tanh of its projection)
- 1,000 sentences choose the best checkpoint of the Transformer (all 7,283)
- initial weights
"""

from configs.base import MODELS, base, named, recurrent, transformer
from configs.text import read_files

PAIRS = 160_239
EPOCHS = 100


def joeynmt_rnn():
    """GRU, 500 units a direction, then 1,000; additive score, input feeding: 61 million parameters, 30.74 BLEU."""
    config = recurrent()
    config.cell = "gru"
    config.width = 1_000
    config.embedding = 620
    config.reader = "luong"  # the query is the current state, although they name the attention after Bahdanau
    config.score = "concat"
    config.input_feeding = True
    config.dropout = 0.2  # theirs is of the attentional state alone
    config.tie = "none"
    return config


def joeynmt_transformer():
    """6+6 layers, 256 wide, 4 heads, dropout of 0.3: 19 million parameters, 33.73 BLEU."""
    config = transformer()
    config.layers = 6
    config.width = 256
    config.ffn = 1_024
    config.heads = 4
    config.dropout = config.attention_dropout = config.activation_dropout = 0.3
    return config


ARCHITECTURES = {**MODELS, "joeynmt_rnn": joeynmt_rnn, "joeynmt_transformer": joeynmt_transformer}


def get_config(architecture: str = "joeynmt_transformer"):
    config = base(named(ARCHITECTURES, architecture))
    read_files(config.data, "{split}.{language}", ("de", "en"), train="train", validation="valid", tests=["test"])
    config.data.root = "iwslt14"
    config.data.lowercase = True
    config.data.max_tokens = 63  # 62, and the end-of-sentence token
    config.data.buckets = 6
    config.data.vocabulary.size = 32_000
    config.training.beta2 = 0.999
    config.training.epsilon = 1e-8
    config.training.schedule = "cosine"
    config.training.warmup_steps = 1_000
    config.training.clip_norm = 0.0
    config.evaluation.length_normalisation = "gnmt"
    if config.model.decoder == "recurrent":
        config.data.batch_tokens = 2_048  # 80 pairs, of about 25 subwords
        config.training.steps = EPOCHS * PAIRS // 80
        config.training.learning_rate = 2e-4
        config.training.label_smoothing = 0.0
        config.training.validate_every_steps = config.training.save_every_steps = 2_000
    else:
        config.data.batch_tokens = 4_096
        config.training.steps = EPOCHS * PAIRS // 160  # about 160 pairs a batch
        config.training.learning_rate = 3e-4
        config.training.validate_every_steps = config.training.save_every_steps = 1_000
        config.training.keep_best_by = "bleu"
        config.training.bleu_sentences = 1_000
    return config
