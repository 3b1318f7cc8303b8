"""English to Vietnamese on IWSLT 2015, 133,000 pairs of talks: the benchmark of tensorflow/nmt.

    python run.py train --config=configs/iwslt15.py:scaled_luong --workdir=runs/iwslt15 --config.data.root=iwslt15

The folder holds Stanford's files, tokenised and cased: train, tst2012 (validation) and tst2013 (test), each .en and
.vi. BLEU is of their tokens.

Ours (those of standard_hparams/iwslt15.json in brackets):
- 256 units a direction of the encoder (512), because encoder and decoder have one width here
- tanh of the attentional state (no tanh)
- Adam with a rate of 1e-3 (SGD with a rate of 1)
- a rate that falls in a straight line in the last third (that is halved four times in it)
- 8,000 BPE subwords a language, and 50 subwords a side (words); longer pairs left out (cut)
- 3,072 positions a batch (128 pairs)
- initial weights and warm-up
"""

from configs.base import MODELS, base, luong, named
from configs.text import read_files


def scaled_luong():
    """A bidirectional LSTM layer, counted as two there, and a decoder of two: 25.5 BLEU greedy, 26.1 with the beam."""
    config = luong()
    config.width = 512
    config.encoder_layers = 1
    config.decoder_layers = 2
    config.score = "learned_scale_general"
    config.input_feeding = True
    config.dropout = 0.2
    config.tie = "none"
    return config


ARCHITECTURES = {**MODELS, "scaled_luong": scaled_luong}


def get_config(architecture: str = "scaled_luong"):
    config = base(named(ARCHITECTURES, architecture))
    read_files(config.data, "{split}.{language}", ("en", "vi"), train="train", validation="tst2012", tests=["tst2013"])
    config.data.root = "iwslt15"
    config.data.max_tokens = 51  # 50, and the end-of-sentence token
    config.data.batch_tokens = 3_072  # about 128 pairs
    config.data.buckets = 5
    config.data.vocabulary.joint = False
    config.training.steps = 12_000
    config.training.label_smoothing = 0.0
    config.training.schedule = "wsd"
    config.training.decay_share = 1 / 3
    config.training.warmup_steps = 200
    config.training.clip_norm = 5.0
    config.evaluation.beam = 10
    config.evaluation.length_penalty = 0.0
    config.evaluation.tokenize = "none"
    return config
