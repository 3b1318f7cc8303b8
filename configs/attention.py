"""Every attention there is, on the embedded corpus: one architecture for each, alike but for what its name says.

    python run.py train --config=configs/attention.py:luong_location --workdir=runs/attention/luong_location
    make attention                     # all of them, three seeds each, and the tables of docs/attention.md

They are the models of configs/embedded.py, and see the same batches for the same number of steps: fewer than there, for
there are many of them.
"""

from configs import embedded
from configs.base import MODELS

# name: the architecture that it begins from, and the fields in which it differs
ARCHITECTURES = {
    **{name: (name, {}) for name in MODELS},
    # each side as deep as where both are of its kind
    "transformer_recurrent": ("transformer_recurrent", {"decoder_layers": 1}),
    "recurrent_transformer": ("recurrent_transformer", {"encoder_layers": 1}),
    "luong_dot": ("luong", {"score": "dot"}),
    "luong_scaled_dot": ("luong", {"score": "scaled_dot"}),
    "luong_learned_scale_dot": ("luong", {"score": "learned_scale_dot"}),
    "luong_learned_scale_general": ("luong", {"score": "learned_scale_general"}),
    "luong_concat": ("luong", {"score": "concat"}),
    "luong_location": ("luong", {"score": "location"}),
    "luong_local_m": ("luong", {"window": "local_m"}),
    "luong_local_p": ("luong", {"window": "local_p"}),
    "luong_sparsemax": ("luong", {"normaliser": "sparsemax"}),
    "luong_entmax15": ("luong", {"normaliser": "entmax15"}),
    "luong_over_queries": ("luong", {"normaliser": "softmax_over_queries"}),
    "luong_feeding": ("luong", {"input_feeding": True}),
    "luong_linguistic": ("luong", {"coverage": "linguistic"}),
    "luong_neural": ("luong", {"coverage": "neural", "coverage_width": 10}),
    "bahdanau_feeding": ("bahdanau", {"input_feeding": True}),
    "bahdanau_linguistic": ("bahdanau", {"coverage": "linguistic"}),
    "bahdanau_neural": ("bahdanau", {"coverage": "neural", "coverage_width": 10}),
    "transformer_none": ("transformer", {"positions": "none"}),
    "transformer_learned": ("transformer", {"positions": "learned"}),
    "transformer_relative": ("transformer", {"positions": "relative"}),
    "transformer_rotary": ("transformer", {"positions": "rotary"}),
    "transformer_alibi": ("transformer", {"positions": "alibi"}),
    "transformer_grouped": ("transformer", {"kv_heads": 2}),
    "transformer_single": ("transformer", {"kv_heads": 1}),
    "transformer_alike": ("transformer", {"head_spread": 0.0}),
    "transformer_sparsemax": ("transformer", {"normaliser": "sparsemax"}),
}


def get_config(architecture: str = "luong"):
    if architecture not in ARCHITECTURES:
        raise ValueError(f"no architecture {architecture!r}; choose one of {', '.join(ARCHITECTURES)}")
    begins_from, fields = ARCHITECTURES[architecture]
    config = embedded.get_config(begins_from)
    config.model.update(fields)
    config.training.steps = 800
    return config


if __name__ == "__main__":
    print(*ARCHITECTURES)
