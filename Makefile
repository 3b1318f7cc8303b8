# `make demo` and `make test` need python3 (3.11 to 3.13), make and a network for packages; each does all its own set-up.

PYTHON ?= python3
# Those that requirements.lock is for; make lock needs each of them.
PYTHONS := python3.11 python3.12 python3.13
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/ready
BENCH_READY := $(VENV)/ready-bench
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check

DEMO := runs/demo
DEMO_CONFIG := configs/embedded.py
DEMO_MODELS := none luong bahdanau transformer

ATTENTION := runs/attention
SEEDS := 0 1 2

.PHONY: help environment demo attention test test-all test-accelerator check format bench documents messages lock clean same-python

help:
	@echo "make demo      four translators trained, evaluated and reported on the embedded corpus (10 minutes on 2 cores)"
	@echo "make attention every attention there is, three seeds each, and their table (an hour and a half on 2 cores)"
	@echo "make test      formatting, lint, types, and every test that takes seconds"
	@echo "make test-all  and the slow ones, and the comparisons with PyTorch"
	@echo "make test-accelerator   forms, bfloat16, translations and training, an accelerator beside the CPU"
	@echo "make check     formatting, lint and types alone;  make format  mends what it can"
	@echo "make bench     our speed beside PyTorch's, in one run"
	@echo "make documents verdicts, ledger and lecture in docs/, brought up to date with the code and the answers"
	@echo "make messages  the Korean catalogue brought up to date with the messages of the code"
	@echo "make lock      requirements.lock anew, from the newest versions that pyproject.toml allows each Python"
	@echo "make clean     remove the environment and caches; runs/ and report/ stay"

# An interrupted demo goes on where it stopped; a finished one starts afresh.
demo: $(READY)
	@test ! -e $(DEMO)/.finished || rm -rf $(DEMO)
	@set -e; for model in $(DEMO_MODELS); do \
	    $(RUN) run.py train --config=$(DEMO_CONFIG):$$model --workdir=$(DEMO)/$$model; \
	    $(RUN) run.py evaluate --workdir=$(DEMO)/$$model --split=test; \
	done
	@$(RUN) run.py report $(DEMO_MODELS:%=$(DEMO)/%) --out=report
	@touch $(DEMO)/.finished

# What is there is not made again: SEEDS=0 and SEEDS="1 2" may run side by side.
attention: $(READY)
	@set -e; for seed in $(SEEDS); do for name in $$($(RUN) -m configs.attention); do \
	    run=$(ATTENTION)/$$name.$$seed; test -e $$run/result.json && continue; \
	    $(RUN) run.py train --config=configs/attention.py:$$name --config.seed=$$seed --workdir=$$run; \
	    $(RUN) run.py evaluate --workdir=$$run --split=test --beam=1; \
	done; done
	@$(RUN) run.py report $(ATTENTION)/* --out=$(ATTENTION)-report

# A file's tests on one worker: they share what they compile and train. Three on two cores: one often waits, for a
# process, a signal or a browser.
test: check
	$(RUN) -m pytest -q -n 3 --dist loadfile -m "not slow and not install"

test-all: check $(BENCH_READY)
	$(RUN) -m pytest -q -n 2 --dist loadfile

# On the accelerator that JAX finds, beside the CPU; minutes. What takes it of JAX is in the extras [cuda] and [tpu].
test-accelerator: $(READY)
	JAX_PLATFORMS= $(RUN) -m pytest -q -m accelerator

check: $(READY)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	@# Last, so that its hooks, which mend files, find nothing to mend; they need a git checkout.
	@if git rev-parse --git-dir > /dev/null 2>&1; then $(VENV)/bin/pre-commit run --all-files; fi

documents: $(READY)
	$(RUN) run.py report docs/answers/* --out=build/answers
	$(RUN) run.py report docs/withdrawn/* docs/answers/* --out=build/ledger
	cp build/answers/verdicts.md build/ledger/ledger.md docs/
	mkdir -p docs/figures && rm -f docs/figures/*.png && cp build/answers/figures/*.png docs/figures/
	$(RUN) -m research.report.lecture docs/lecture.md docs/lecture.ko.md

format: $(READY)
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

bench: $(BENCH_READY)
	@$(RUN) -m benchmarks --bleu

environment: $(READY)

# Made again only when the lock or pyproject.toml has changed since.
$(READY): requirements.lock pyproject.toml | same-python
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Lookback needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is " + sys.version.split()[0] + "; name another with make PYTHON=python3.12")'
	@echo "Preparing the environment in $(VENV)/ (once; a few minutes)"
	@# Whether pip is there, for a venv that was interrupted before it had one.
	@$(RUN) -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.lock
	@$(PIP) --no-deps --editable .
	@touch $@

# An environment stays what it was made with: a PYTHON that is named and is another one needs another environment.
same-python:
ifneq ($(origin PYTHON),file)
	@test ! -x $(RUN) || $(RUN) -c 'import subprocess, sys; mine = "%d.%d" % sys.version_info[:2]; \
	    asked = subprocess.run(["$(PYTHON)", "-c", "import sys; print(\"%d.%d\" % sys.version_info[:2])"], \
	        stdout=subprocess.PIPE, text=True, check=True).stdout.strip(); \
	    sys.exit(asked != mine and "$(VENV)/ is of Python " + mine + ", and $(PYTHON) is " + asked + \
	        ": make clean removes it, and then the same command makes another")'
endif

$(BENCH_READY): $(READY)
	@echo "Adding PyTorch to $(VENV)/"
	@$(PIP) --constraint requirements.lock --editable ".[bench]"
	@touch $@

# What is new in the catalogue has no msgstr yet, and what is gone begins with #~: mend both by hand.
MESSAGES := build/lookback.pot
messages: $(READY)
	@mkdir -p build
	$(VENV)/bin/pybabel --quiet extract --mapping-file=pyproject.toml --keywords="Message _" --no-location \
	    --sort-output --width=110 --project=Lookback --output-file=$(MESSAGES) \
	    experiments research docs/answers docs/withdrawn
	$(VENV)/bin/pybabel update --domain=lookback --input-file=$(MESSAGES) --output-dir=research/report/locale \
	    --no-fuzzy-matching --ignore-pot-creation-date --width=110

lock:
	$(PYTHON) .ci/lock.py build/lock $(PYTHONS)
	rm -rf build/lock

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
