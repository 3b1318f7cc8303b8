"""A translator small enough to be searched by hand: the next token depends on the sentence and on a state."""

from itertools import product

import jax.numpy as jnp
import numpy as np

PAD, BOS, EOS = 0, 1, 2
MARKS = {"pad": PAD, "bos": BOS, "eos": EOS}
STATES = 11


def tables(seed, sentences, vocabulary):
    """Return random logits of the next token, by sentence and state."""
    return np.random.default_rng(seed).normal(0, 1.5, (sentences, STATES, vocabulary)).astype(np.float32)


def after(state, token):
    """Return the state that a token leads to."""
    return (state * 3 + token + 1) % STATES


def start(sentences, hypotheses):
    """Return a cache with the sentence and the state of each row."""
    return {
        "sentence_B": jnp.repeat(jnp.arange(sentences), hypotheses),
        "state_B": jnp.zeros(sentences * hypotheses, int),
    }


def reorder(cache, rows_B):
    """Return a cache whose rows continue other rows."""
    return {name: leaf_B[rows_B] for name, leaf_B in cache.items()}


def stepper(tables_BSV):
    """Return a `step` that reads these tables."""
    tables_BSV = jnp.asarray(tables_BSV)

    def step(token_B, cache):
        state_B = after(cache["state_B"], token_B)
        return tables_BSV[cache["sentence_B"], state_B], {**cache, "state_B": state_B}

    return step


def log_probability(table_SV, tokens):
    """Return log p of `tokens`, in NumPy and float64."""
    state, total = after(0, BOS), 0.0
    for token in tokens:
        logits_V = table_SV[state].astype(np.float64)
        total += logits_V[token] - np.log(np.exp(logits_V).sum())
        state = after(state, token)
    return total


def mean(alpha):
    """Return the score of a hypothesis: log p / n**alpha."""
    return lambda log_p, said: log_p / len(said) ** alpha


def gnmt(alpha):
    """Return the score with the length penalty of Wu et al. 2016, equation 14."""
    return lambda log_p, said: log_p * 6.0**alpha / (5 + len(said)) ** alpha


def everything(table_SV, limit, score):
    """Return all sequences that end within `limit` tokens, best first, and all that are cut off, best first."""
    words = [token for token in range(table_SV.shape[1]) if token not in (PAD, BOS, EOS)]
    ended = [(*body, EOS) for length in range(limit) for body in product(words, repeat=length)]
    cut = list(product(words, repeat=limit))

    def ranked(sequences):
        return sorted([(score(log_probability(table_SV, each), each), each) for each in sequences], reverse=True)

    return ranked(ended), ranked(cut)


def slow_beam(table_SV, limit, beam, score):
    """Search as the docstring of `beam_search` says, one by one and without an early stop.

    Returns (score, tokens), best first.
    """
    live, ended = [(0.0, ())], []
    for _ in range(limit):
        words = [token for token in range(table_SV.shape[1]) if token not in (PAD, BOS)]
        longer = [(log_probability(table_SV, (*said, word)), (*said, word)) for _, said in live for word in words]
        best = sorted(longer, reverse=True)[: beam - len(ended)]
        ended += [(score(log_p, said), said) for log_p, said in best if said[-1] == EOS]
        live = [(log_p, said) for log_p, said in best if said[-1] != EOS]
    cut = sorted([(score(log_p, said), said) for log_p, said in live], reverse=True)
    return sorted(ended, reverse=True) + cut


def bare(tokens_T):
    """Return tokens as a tuple, without padding."""
    length = int((tokens_T != PAD).sum())
    assert (tokens_T[length:] == PAD).all()
    return tuple(tokens_T[:length].tolist())
