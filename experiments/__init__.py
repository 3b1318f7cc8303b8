"""What is asked: one file, one question, data only. `docs/structure.md` says what a question file holds."""
