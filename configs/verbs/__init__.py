"""The verbs of the command line as data, by name."""

from configs.verbs.ablation import ABLATE
from configs.verbs.evaluation import COMPARE, EVALUATE, EXPORT, TRANSLATE
from configs.verbs.planning import PLAN
from configs.verbs.reporting import REPORT
from configs.verbs.training import AUDIT, TRAIN

VERBS = {
    "train": TRAIN,
    "plan": PLAN,
    "audit": AUDIT,
    "evaluate": EVALUATE,
    "translate": TRANSLATE,
    "export": EXPORT,
    "compare": COMPARE,
    "ablate": ABLATE,
    "report": REPORT,
}
