"""Greedy and beam search in PyTorch, batched, with caches."""

import torch
from torch import Tensor, nn

PAD, BOS, EOS = 0, 1, 2


@torch.inference_mode()
def greedy(model: nn.Module, source: Tensor, limits: Tensor) -> Tensor:
    """Take the likeliest next token until every sentence has ended or is at its limit: ids (B, T), then PAD.

    limits (B,): the most tokens of each sentence, `eos` included.
    """
    longest = int(limits.max())
    memory = model.encode(source)
    cache = model.start(memory, 1, longest)
    token = torch.full((len(source),), BOS)
    ended, out = torch.zeros(len(source), dtype=torch.bool), []
    for length in range(1, longest + 1):
        logits, cache = model.step(memory, token, cache)
        logits[:, : BOS + 1] = -torch.inf
        token = logits.argmax(-1).masked_fill(ended, PAD)
        out.append(token)
        ended = ended | (token == EOS) | (limits <= length)
        if ended.all():
            break
    return torch.stack(out, dim=1)


@torch.inference_mode()
def beam_search(model: nn.Module, source: Tensor, limits: Tensor, hypotheses: int, length_penalty: float) -> Tensor:
    """Return the best hypothesis of each sentence, ids (B, T); n tokens score sum(log p) / n**length_penalty.

    A hypothesis that ends keeps its place in the beam for good. A sentence is done when what is open cannot overtake
    the best that ended, or at its limit, where what is open counts if nothing ended.
    """
    batch, count, longest = len(source), hypotheses, int(limits.max())
    memory = model.encode(source)
    cache = model.start(memory, count, longest)
    tokens = torch.zeros(batch, count, longest, dtype=torch.long)
    last = torch.full((batch * count,), BOS)
    live = torch.full((batch, count), -torch.inf)
    live[:, 0] = 0.0  # all hypotheses start alike: one of them stands for the rest
    best, best_tokens = torch.full((batch,), -torch.inf), torch.zeros(batch, longest, dtype=torch.long)
    ended, done = torch.zeros(batch, dtype=torch.long), torch.zeros(batch, dtype=torch.bool)
    places, base, sentences = torch.arange(count), torch.arange(batch)[:, None] * count, torch.arange(batch)
    for length in range(1, longest + 1):
        logits, cache = model.step(memory, last, cache)
        normaliser = logits.logsumexp(-1, keepdim=True)
        logits[:, : BOS + 1] = -torch.inf
        # The best of a row are found before it is normalised: that keeps their order, and saves a pass over V numbers.
        top, ids = logits.topk(count)
        scores, chosen = (live.view(-1, 1) + top - normaliser).view(batch, -1).topk(count)
        token, rows = ids.view(batch, -1).gather(1, chosen), base + chosen // count
        scores = scores.masked_fill((places >= count - ended[:, None]) | done[:, None], -torch.inf)
        tokens = tokens.flatten(0, 1)[rows]
        tokens[:, :, length - 1] = token
        ends = (token == EOS) & (scores > -torch.inf)
        live = scores.masked_fill(ends, -torch.inf)
        closing = (limits == length) & ~done & (best == -torch.inf)
        final = torch.where(ends | closing[:, None], scores / length**length_penalty, -torch.inf)
        top_final, place = final.max(1)
        better = top_final > best
        best = torch.where(better, top_final, best)
        best_tokens = torch.where(better[:, None], tokens[sentences, place], best_tokens)
        ended = ended + ends.sum(1)
        done = done | (limits <= length) | (best >= live.max(1).values / limits**length_penalty)
        if done.all():
            break
        last = token.view(-1)
        cache = model.reorder(cache, rows.view(-1))
    return best_tokens
