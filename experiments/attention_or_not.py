"""What is attention worth to a recurrent translator?"""

from configs.embedded import get_config

QUESTION = "How much better does an RNN encoder-decoder translate once its decoder may read the encoder's states?"
CLAIM = "Without attention an RNN translator is unusable, and the gap is larger than one expects."
SOURCE = (
    "BLEU without and with attention: 9.98 and 21.8-22.5 (Britz et al. 2017); "
    "17.82 and 26.75 on up to 50 words (Bahdanau et al. 2015); 14.0 and 16.8 (Luong et al. 2015)"
)

# Two bidirectional LSTM layers to two, as in Britz et al. 2017, on the corpus that needs no download.
BASE = get_config("none")
BASE.model.layers = 2

# Each arm is the base with these fields changed, and no others.
ARMS = {
    "none": {},
    "luong": {"model.reader": "luong"},
    "bahdanau": {"model.reader": "bahdanau", "model.score": "concat"},
}

MEASURE = "bleu"
