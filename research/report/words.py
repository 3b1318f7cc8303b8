"""What the page of answers says by itself, in English and in Korean; an answer brings its own words in both."""

from research.words import Words

VERDICTS = {
    "supported": Words("supported", "지지됨"),
    "refuted": Words("refuted", "반박됨"),
    "inconclusive": Words("inconclusive", "결론 없음"),
    "not enough seeds": Words("not enough seeds", "시드 부족"),
}
MEANINGS = {
    "supported": Words("every hypothesis holds, by its margin", "모든 가설이 정해 둔 여유만큼 성립한다"),
    "refuted": Words("at least one hypothesis certainly does not", "적어도 한 가설은 분명히 성립하지 않는다"),
    "inconclusive": Words("the intervals leave it open", "구간이 어느 쪽도 배제하지 못한다"),
    "not enough seeds": Words("fewer than three seeds, so no verdict", "시드가 셋보다 적어 판정하지 않는다"),
}
CORPORA = {"embedded": Words("embedded corpus", "내장 말뭉치"), "multi30k": Words("Multi30k", "Multi30k")}
MEASURES = {
    "bleu": Words("BLEU"),
    "chrf": Words("chrF"),
    "ter": Words("TER"),
    "aer": Words("alignment error", "정렬 오류율"),
    "alignment_error": Words("alignment error", "정렬 오류율"),
    "entropy": Words("entropy", "엔트로피"),
    "perplexity": Words("perplexity", "퍼플렉서티"),
    "token_accuracy": Words("token accuracy", "토큰 정확도"),
}
SAID = {
    "kicker": Words("Lookback answers", "Lookback의 답"),
    "title": Words("Questions about attention, and what the runs say", "어텐션에 관한 질문과 실험의 답"),
    "title_one": Words("A question about attention, and what the runs say", "어텐션에 관한 질문 하나와 실험의 답"),
    "count": Words(
        "{questions} on {corpora}: {verdicts}. {runs} runs, {seconds} of training in all.",
        "{corpora}에서 {questions}: {verdicts}. 실행 {runs}번, 학습 시간 모두 {seconds}.",
    ),
    "questions": Words("{n} questions", "질문 {n}개"),
    "questions_one": Words("one question", "질문 1개"),
    "verdicts": Words("All verdicts", "모든 판정"),
    "question": Words("question", "질문"),
    "corpus": Words("corpus", "말뭉치"),
    "verdict": Words("verdict", "판정"),
    "effect": Words("effect and its interval", "효과와 그 구간"),
    "seeds": Words("seeds", "시드"),
    "time": Words("time", "시간"),
    "claim": Words("Claim", "주장"),
    "source": Words("source of the claim", "주장의 출처"),
    "contents": Words("Questions", "질문 목록"),
    "hypotheses": Words("Hypotheses", "가설"),
    "margin": Words("margin {value}", "여유 {value}"),
    "no_effect": Words("no effect could be estimated", "효과를 추정할 수 없음"),
    "p_supports": Words("p to support {value}", "지지 p {value}"),
    "p_refutes": Words("p to refute {value}", "반박 p {value}"),
    "strip": Words(
        "Grey band: the margin. Thin line: 0, or the level asked about. Dot and bar: the effect and its interval.",
        "회색 띠: 여유 안. 가는 선: 0 또는 물어본 수준. 점과 막대: 효과와 그 구간.",
    ),
    "higher": Words("higher is better", "높을수록 좋음"),
    "lower": Words("lower is better", "낮을수록 좋음"),
    "level": Words("{value} interval", "{value} 구간"),
    "greedy": Words("greedy search", "탐욕 탐색"),
    "beam": Words("beam {n}", "빔 {n}"),
    "ours": Words("Here", "여기에서"),
    "literature": Words("In the literature: {measure}", "문헌에서: {measure}"),
    "effort": Words("{seeds} seeds an arm, {time} of training", "조건마다 시드 {seeds}개, 학습 {time}"),
    "literature_note": Words(
        "Other corpora and other sizes: the order compares, the numbers do not.",
        "말뭉치와 크기가 다르므로 순서만 견줄 수 있고 수치는 견줄 수 없다.",
    ),
    "same_scale": Words("A difference is as long as in our figure.", "차이의 길이는 우리 그림과 같다."),
    "over_steps": Words("{measure} over training steps", "학습 단계에 따른 {measure}"),
    "over_cost": Words("{measure} over what a run costs", "실행 하나의 비용에 따른 {measure}"),
    "front_note": Words(
        "Line: the Pareto front, arms of which no other is both cheaper and better.",
        "선: 파레토 프런티어. 더 싸면서 더 나은 조건이 없는 조건들.",
    ),
    "curves_note": Words("A line for each seed.", "시드마다 선 하나."),
    "steps_axis": Words("training steps", "학습 단계"),
    "figure_note": Words(
        "Large mark and bar: mean over seeds and its interval. Small marks: each seed.",
        "큰 표식과 막대: 시드 평균과 그 구간. 작은 표식: 시드 하나하나.",
    ),
    "log": Words("log scale", "로그 눈금"),
    "reference": Words("Dashed: an arm that has no place on the axis.", "파선: 가로축에 자리가 없는 조건."),
    "by_ratio": Words("Scores on a log scale.", "세로축은 로그 눈금."),
    "off_axis": Words("Arms that have no place on the axis.", "가로축에 자리가 없는 조건."),
    "nothing_drawn": Words("No arm has a score, so there is no figure.", "점수가 있는 조건이 없어 그림이 없다."),
    "arms": Words("Arms", "조건"),
    "arm": Words("arm", "조건"),
    "interval": Words("interval", "구간"),
    "each_seed": Words("each seed", "시드별"),
    "seed": Words("seed {n}: {value}", "시드 {n}: {value}"),
    "seed_failed": Words("seed {n} failed", "시드 {n} 실패"),
    "no_runs": Words("no run", "실행 없음"),
    "parameters": Words("parameters", "매개변수"),
    "flops_per_token": Words("FLOPs a token", "토큰당 FLOPs"),
    "steps": Words("steps", "단계"),
    "tokens": Words("tokens", "토큰"),
    "seconds": Words("training", "학습 시간"),
    "trials": Words("trials", "튜닝 횟수"),
    "learning_rate": Words("learning rate", "학습률"),
    "arms_note": Words(
        "Arms differ in {factors}. Costs are of one run, the mean over seeds; trials are of tuning, "
        "and the learning rate is the best of them.",
        "조건끼리는 {factors}만 다르다. 비용은 실행 하나의 것으로 시드 평균이며, 튜닝 횟수는 조율에 쓴 횟수, 학습률은 "
        "그중 가장 나은 것이다.",
    ),
    "others": Words("Other measures", "다른 척도"),
    "others_literature": Words("Other measures and the literature", "다른 척도와 문헌"),
    "others_note": Words("Means over seeds.", "시드 평균."),
    "comparisons": Words("Comparisons", "비교"),
    "pairs": Words("{n} pairs", "{n}쌍"),
    "pairs_one": Words("one pair", "1쌍"),
    "pair": Words("pair", "쌍"),
    "difference": Words("difference", "차이"),
    "holm": Words("p, Holm", "p (홀름)"),
    "in_tables": Words("{n} comparisons are in tables/comparisons.csv.", "비교 {n}개는 tables/comparisons.csv에 있다."),
    "comparisons_note": Words(
        "The first minus the second, in {unit}. Holm: corrected for the number of comparisons of this question.",
        "앞의 것에서 뒤의 것을 뺀 값, 단위 {unit}. 홀름: 이 질문의 비교 횟수로 보정한 p.",
    ),
    "flags": Words("Flagged", "주의할 점"),
    "failed": Words("What failed", "실패한 실행"),
    "failed_one": Words("{arm}, seed {seed}", "{arm}, 시드 {seed}"),
    "log_file": Words("whole log: {path}", "전체 기록: {path}"),
    "note": Words("What was found out", "알아낸 것"),
    "again": Words("Make it again", "다시 만들기"),
    "provenance": Words("commit {commit}, finished {finished}", "커밋 {commit}, {finished} 완료"),
    "look": Words("Attention of {run}", "{run}의 어텐션"),
    "look_note": Words("{n} sentences to point at words in", "단어를 가리켜 볼 문장 {n}개"),
    "look_title": Words("Attention explorer", "어텐션 탐색기"),
    "gone": Words(
        "These run folders are gone; their scores are those that the answer kept: {folders}.",
        "다음 실행 폴더가 없어졌다. 점수는 답 파일에 남은 것이다: {folders}.",
    ),
    "all_gone": Words(
        "The run folders are not here: these are the scores that the answer kept, without attention to look into.",
        "실행 폴더가 여기 없다. 답 파일에 남은 점수이며, 들여다볼 어텐션은 없다.",
    ),
    "look_gone": Words(
        "The attention of {run} cannot be shown: {why}.",
        "{run}의 어텐션을 보일 수 없다: {why}.",
    ),
    "no_folder": Words("its folder or its result.json is gone", "폴더나 result.json이 없어졌다"),
    "no_attention": Words("its result.json holds no attention", "result.json에 어텐션이 없다"),
    "bad_result": Words("its result.json or config.json is damaged", "result.json이나 config.json이 손상되었다"),
    "files": Words(
        "tables/ has the numbers of this page as CSV, figures/ its figures as PNG; verdicts.md is the short form.",
        "이 쪽의 수치는 tables/에 CSV로, 그림은 figures/에 PNG로 있고, verdicts.md는 짧은 판이다.",
    ),
    "language": Words("한국어", "English"),  # of the switch: the other language, in itself
    "theme": Words("Dark or light", "어둡게·밝게"),
    "top": Words("all verdicts", "모든 판정"),
    "skip": Words("Skip to the verdicts", "판정으로 건너뛰기"),
    "more": Words("and {n} more", "외 {n}개"),
}
# Of the attention explorer, whose own page is in English.
EXPLORER = {
    "choose": Words("What is shown", "보이는 것"),
    "before": Words("sentence before", "앞 문장"),
    "after": Words("next sentence", "다음 문장"),
    "sentence": Words("Sentence", "문장"),
    "layer": Words("Layer", "층"),
    "head": Words("Head", "헤드"),
    "the_sentence": Words("The sentence", "문장"),
    "words_read": Words("Words and what they read", "단어와 그것이 읽은 것"),
    "words": Words("Words", "단어"),
    "heads": Words("Layers and heads", "층과 헤드"),
    "click": Words("click one to look through it", "하나를 눌러 살펴보기"),
    "map": Words("Map", "지도"),
    "map_label": Words(
        "Every weight: a row for each word written, a column for each word of the source",
        "모든 가중치: 행은 쓴 단어, 열은 원문의 단어",
    ),
}


def duration_words(duration: str) -> Words:
    """What `numbers.duration` wrote, in both languages."""
    korean = duration
    for unit, name in ((" h", "시간"), (" min", "분"), (" s", "초")):
        korean = korean.replace(unit, name)
    return Words(duration, korean)


def measure_words(name: str) -> Words:
    """A measure of result.json as people call it."""
    return MEASURES.get(name) or Words(name.replace("_", " "))


def corpus_words(name: str) -> Words:
    """A config file's stem as people call it."""
    return CORPORA.get(name) or Words(name)


def search_said(search: str) -> Words:
    """`beam1` is greedy search; "" where nothing was searched."""
    width = search.removeprefix("beam")
    if width == "1":
        return SAID["greedy"]
    return SAID["beam"].of(n=width) if width.isdecimal() else Words(search)
