"""The verdict on a locked plan, recomputed from its lock and the evidence of its runs by NumPy and SciPy alone.

Nothing of Lookback is imported: formulas are written out again from docs/experiments.md and the papers it names. So it
serves plans whose hypotheses are Superiority, Equivalence, Level or Fraction, of nats a token, BLEU, the distance
between heads, or alignment error, alone or against that of the diagonal or IBM model 1.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
from scipy import optimize, stats

LOWER_IS_BETTER = {"nats", "aer"}
NEGLIGIBLE = {
    "nats": 0.02,
    "bleu": 1.0,
    "aer": 0.05,
    "below_diagonal": 0.05,
    "below_ibm_model1": 0.05,
    "head_distance": 0.05,
}
DRAWS = 4_000


def bleu(sums):
    """Papineni et al. 2002, with the n-th zero match of a text counted as 1 / 2**n (sacreBLEU's `exp`)."""
    system, reference, matches, totals = sums[0], sums[1], sums[2:6], sums[6:10]
    logs, zeros = [], 0
    for match, total in zip(matches, totals, strict=True):
        if total == 0:
            break
        zeros += match == 0
        logs.append(np.log(100 * (match or 0.5**zeros) / total))
    brevity = min(1.0, np.exp(1 - reference / system)) if system else 0.0
    return brevity * np.exp(np.mean(logs)) if logs and any(matches) else 0.0


def aer(sums):
    """Och & Ney 2003: 1 - (right sure + right possible) / (predicted + sure)."""
    return 1 - (sums[0] + sums[1]) / (sums[2] + sums[3])


SCORES = {
    "nats": (lambda of, search: np.column_stack([of["nll"], of["tokens"]]), lambda sums: sums[0] / sums[1]),
    "bleu": (lambda of, search: of[f"{search}.bleu"], bleu),
    "aer": (lambda of, search: of["alignment"], aer),
    "head_distance": (lambda of, search: of["heads"], lambda sums: sums[0] / sums[1]),
    "below_diagonal": (
        lambda of, search: np.column_stack([of["alignment"], of["diagonal"]]),
        lambda sums: aer(sums[-4:]) - aer(sums),
    ),
    "below_ibm_model1": (
        lambda of, search: np.column_stack([of["alignment"], of["ibm_model1"]]),
        lambda sums: aer(sums[-4:]) - aer(sums),
    ),
}


class Arm:
    """The runs of an arm in one measure: their scores, and their scores where sentences are drawn anew."""

    def __init__(self, folders, split, search, measure, draws):
        read, score = SCORES[measure]
        blocks = [read(dict(np.load(folder / "counts" / f"{split}.npz")), search) for folder in folders]
        blocks = [np.asarray(each, float) for each in blocks]
        self.scores = np.array([score(each.sum(0)) for each in blocks])
        drawn = [[score(each[rows].sum(0)) for rows in draws] for each in blocks]
        self.drawn = np.array(drawn)

    @property
    def of_runs(self):
        return self.scores.var(ddof=1) / len(self.scores)

    @property
    def of_sentences_in_runs(self):
        centred = self.drawn - self.drawn.mean(axis=1, keepdims=True)
        return centred.var(axis=0, ddof=1).mean() / len(self.scores)


class Contrast:
    """Σ c_i ȳ_i with Welch's error over seeds and the error over sentences that seeds do not have already."""

    def __init__(self, weights, arms):
        self.value = sum(c * arms[arm].scores.mean() for arm, c in weights.items())
        parts = {arm: c**2 * arms[arm].of_runs for arm, c in weights.items()}
        self.seeds = np.sqrt(sum(parts.values()))
        each = sum(part**2 / (len(arms[arm].scores) - 1) for arm, part in parts.items())
        self.freedom = sum(parts.values()) ** 2 / each if each else 1.0  # of what never differs, the error is 0
        whole = sum(c * arms[arm].drawn.mean(axis=0) for arm, c in weights.items()).var(ddof=1)
        shared = sum(c**2 * arms[arm].of_sentences_in_runs for arm, c in weights.items())
        self.sentences = np.sqrt(max(0.0, whole - shared))

    def half(self, tail):
        return np.hypot(stats.t.ppf(1 - tail, self.freedom) * self.seeds, stats.norm.ppf(1 - tail) * self.sentences)

    def p_above(self, bound):
        """One-sided: the tail at which the interval ends at the bound."""
        distance = self.value - bound
        if distance <= 0:
            return 1 - self.p_above(2 * self.value - bound) if distance < 0 else 0.5
        if self.half(1e-15) <= distance:
            return 1e-15
        return optimize.brentq(lambda tail: self.half(tail) - distance, 1e-15, 0.5)

    def p_below(self, bound):
        return 1 - self.p_above(bound)


def requirements(hypothesis, measure):
    """The contrasts of a hypothesis, as (weights, side, bound, margin)."""
    sign = -1 if measure in LOWER_IS_BETTER else 1
    kind = hypothesis["type"]
    if kind == "Superiority":
        weights = {hypothesis["better"]: sign, hypothesis["than"]: -sign}
        return [(weights, "above", hypothesis["margin"], hypothesis["margin"])]
    if kind == "Equivalence":
        return [
            ({arm: 1, hypothesis["to"]: -1}, "within", hypothesis["margin"], hypothesis["margin"])
            for arm in hypothesis["same"]
        ]
    if kind == "Level":
        side = "above" if hypothesis["more"] else "below"
        return [({hypothesis["arm"]: 1}, side, hypothesis["bound"], None)]
    if kind == "Fraction":
        return [({hypothesis["arm"]: 1, hypothesis["of"]: -hypothesis["share"]}, "below", 0.0, None)]
    raise NotImplementedError(kind)


def trained(ends, halves, measure, margin):
    """The last doubling gained less than half of the margin, and no seed is five margins behind the median."""
    sign = -1 if measure in LOWER_IS_BETTER else 1
    gains = sign * (ends.scores - halves.scores)
    number = len(gains)
    at_most = gains.mean() + stats.t.ppf(0.95, number - 1) * gains.std(ddof=1) / np.sqrt(number)
    behind = sign * (np.median(ends.scores) - ends.scores)
    return at_most < margin / 2 and (behind <= 5 * margin).all()


def alpha(looks, seeds):
    """Return the α of the look after so many seeds: A(t) = 2 - 2 Φ(z / √t), less what earlier looks have."""
    spent = [0, *(2 * stats.norm.sf(stats.norm.ppf(0.975) / np.sqrt(number / looks[-1])) for number in looks)]
    return float(np.diff(spent)[looks.index(seeds)])


def verdict(lock: Path, evidence: Path, seeds_seen: int):
    """The word for the whole question, and (word, effect, half width of the interval) for each claim."""
    plan = json.loads(lock.read_text("utf-8"))["plan"]
    split, search, seeds = plan["split"], plan["search"], plan["seeds"][:seeds_seen]
    spends = alpha(plan.get("looks", [len(plan["seeds"])]), seeds_seen)
    by_arm = {arm: _folders(evidence, of["identity"], seeds) for arm, of in plan["arms"].items()}
    half_of = {arm: _folders(evidence, _half(evidence, of, plan), seeds) for arm, of in plan["arms"].items()}
    rows = len(np.load(next(iter(by_arm.values()))[0] / "counts" / f"{split}.npz")["tokens"])
    draws = np.random.default_rng(1234).integers(rows, size=(DRAWS, rows))

    @cache
    def runs(measure, arm, half=False):
        return Arm((half_of if half else by_arm)[arm], split, search, measure, draws)

    def contrasts(hypotheses):
        for hypothesis in hypotheses:
            measure = hypothesis.get("measure") or plan["measure"]
            for weights, side, bound, margin in requirements(hypothesis, measure):
                if not weights.keys() <= by_arm.keys():
                    continue  # a probe of an arm that the plan leaves out
                contrast = Contrast(weights, {arm: runs(measure, arm) for arm in weights})
                before = Contrast(weights, {arm: runs(measure, arm, half=True) for arm in weights})
                yield hypothesis, measure, weights, side, bound, margin, contrast, before

    asked, probes = list(contrasts(plan["hypotheses"])), list(contrasts(plan.get("probes", ())))
    least = _margin(plan)
    refutes = [p for each in (asked, probes) for p in _holm([_p_refutes(one) for one in each])]
    of = plan["measure"]
    untrained = {arm for arm in by_arm if not trained(runs(of, arm), runs(of, arm, half=True), of, least)}
    turned = [set(each[2]) for each in asked if _turned(each, plan["measure"], least)]
    by_probes = [set(each[2]) for each in probes if _turned(each, plan["measure"], least)]
    words, said = [], []
    for number, (each, refuted) in enumerate(zip([*asked, *probes], refutes, strict=True)):
        word = "refuted" if refuted < spends else "supported" if _p_supports(each) < spends else "neither"
        words.append(word)
        arms = set(each[2])
        if arms & untrained or any(pair <= arms for pair in turned + by_probes * (number >= len(asked))):
            word = "not trained"
        tail = spends if each[3] == "within" else spends / 2
        said.append((word, each[6].value, each[6].half(tail)))
    words = words[: len(asked)]  # probes decide nothing
    overall = "refuted" if "refuted" in words else "supported" if set(words) == {"supported"} else "neither"
    spoken_of = {arm for each in asked for arm in each[2]}
    if spoken_of & untrained or any(pair <= spoken_of for pair in turned):
        overall = "not trained"
    return overall, said


def _p_supports(asked):
    _, _, _, side, bound, _, contrast, _ = asked
    if side == "within":
        return max(contrast.p_above(-bound), contrast.p_below(bound))
    return 2 * min(0.5, contrast.p_above(bound) if side == "above" else contrast.p_below(bound))


def _p_refutes(asked):
    _, _, _, side, bound, _, contrast, _ = asked
    if side == "within":
        return min(1.0, 2 * min(contrast.p_above(bound), contrast.p_below(-bound)))
    return min(1.0, 2 * (contrast.p_below(bound) if side == "above" else contrast.p_above(bound)))


def _turned(asked, measure, least):
    _, of, _, side, bound, margin, contrast, before = asked
    if side == "within":
        return False
    against = bound if margin is None else 0.0
    ends = [each.value - against for each in (contrast, before)]
    room = max(margin or 0.0, least if of == measure else NEGLIGIBLE[of])
    return ends[0] * ends[1] < 0 and max(map(abs, ends)) > room


def _margin(plan):
    """The least margin that the plan declares in its own measure, or else the measure's own."""
    declared = [
        hypothesis["margin"]
        for hypothesis in plan["hypotheses"]
        if hypothesis.get("margin") and hypothesis.get("measure") in ("", None, plan["measure"])
    ]
    return min(declared, default=NEGLIGIBLE[plan["measure"]])


def _holm(p_values):
    """Holm 1979: the k-th smallest of n times n - k + 1, never below the one before it."""
    order = np.argsort(p_values)
    adjusted = np.maximum.accumulate([min(1.0, (len(order) - k) * p_values[i]) for k, i in enumerate(order)])
    return [float(adjusted[list(order).index(i)]) for i in range(len(order))]


def _folders(evidence, identity, seeds):
    return [next(evidence.glob(f"*-{identity}.{seed}")) for seed in seeds]


def _half(evidence, arm, plan):
    """The identity of the runs of half as many steps: the same config but for its steps, and the same first seed."""
    whole = _config(next(evidence.glob(f"*-{arm['identity']}.{plan['seeds'][0]}")))
    for folder in evidence.glob(f"*.{plan['seeds'][0]}"):
        config = _config(folder)
        if config["training"]["steps"] == whole["training"]["steps"] // 2:
            config["training"]["steps"] = whole["training"]["steps"]
            if config == whole:
                return folder.name.split("-")[1].split(".")[0]
    raise FileNotFoundError(f"no run of half the steps of {arm['identity']}")


def _config(folder):
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["training"].pop("keep_trunk", None)
    return config
