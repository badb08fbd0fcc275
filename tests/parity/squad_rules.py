"""Question answering as Transformers' run_qa example and the official SQuAD scripts do it, written
afresh: windows and labels with the fast tokenizer, the choice of an answer, its scores."""
import collections
import math
import re
import string


def questions_of(squad):
    """(id, question, context, answers) of SQuAD's JSON; answers are [(text, first character)]."""
    for article in squad["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                answers = [] if question.get("is_impossible") else question["answers"]
                yield (question["id"], question["question"], paragraph["context"],
                       [(answer["text"], answer["answer_start"]) for answer in answers])


def windows_of(tokenizer, question, context, max_length, max_query_length, stride):
    """Per window its ids, segments and, for tokens of the context, their places in it."""
    # run_qa does not cut questions; BERT's own script does. The same room for the context, less tokens.
    asked = len(tokenizer(question, add_special_tokens=False)["input_ids"])
    excess = max(0, asked - max_query_length)
    encoded = tokenizer(question, context, truncation="only_second", max_length=max_length + excess, stride=stride,
                        return_overflowing_tokens=True, return_offsets_mapping=True)
    cut = slice(1 + asked - excess, 1 + asked)
    for i, ids in enumerate(encoded["input_ids"]):
        places = [list(place) if sequence == 1 else None for place, sequence
                  in zip(encoded["offset_mapping"][i], encoded.sequence_ids(i))]
        window = dict(tokens=ids, segments=encoded["token_type_ids"][i], places=places)
        for part in window.values():
            del part[cut]
        yield window


def labels_of(places, answers):
    """First and last token of the first answer, or [CLS] where the window does not show all of it.

    Unlike run_qa's, the search for the first token does not go on into [SEP] and padding, whose
    places are (0, 0): there an answer in the very last token would be said to begin at the end."""
    shown = [i for i, place in enumerate(places) if place]
    if not answers or not shown:
        return [0, 0]
    text, begin = answers[0]
    end = begin + len(text)
    first, last = shown[0], shown[-1]
    if places[first][0] > begin or places[last][1] < end:
        return [0, 0]
    while first <= last and places[first][0] <= begin:
        first += 1
    stop = shown[0]
    while last >= stop and places[last][1] >= end:
        last -= 1
    return [first - 1, last + 1]


def choose(windows, n_best, max_answer_length, may_be_missing, null_threshold):
    """windows: (places, [(start score, end score)]). A place that several windows show counts once."""
    null, found = math.inf, {}
    for places, outputs in windows:
        null = min(null, outputs[0][0] + outputs[0][1])
        starts, ends = (sorted(range(len(outputs)), key=lambda i: (-outputs[i][side], i))[:n_best]
                        for side in (0, 1))
        for start in starts:
            for end in ends:
                if places[start] is None or places[end] is None:
                    continue
                if end < start or end - start + 1 > max_answer_length:
                    continue
                place = places[start][0], places[end][1]
                found[place] = max(found.get(place, -math.inf), outputs[start][0] + outputs[end][1])
    ranked = sorted(((-score, place) for place, score in found.items()))
    ranked = [(place, -score) for score, place in ranked]
    best = ranked[0] if ranked else ((0, 0), 0)
    if may_be_missing:
        ranked = sorted(ranked + [((0, 0), null)], key=lambda item: -item[1])
    kept = ranked[:n_best]
    if may_be_missing and ((0, 0), null) not in kept:
        kept.append(((0, 0), null))
    weights = [math.exp(score - kept[0][1]) for _, score in kept]
    probabilities = [weight / sum(weights) for weight in weights]
    difference = null - best[1] if found else 0
    missing = may_be_missing and (difference > null_threshold or not found)
    return dict(n_best=[[*place, score, share] for (place, score), share in zip(kept, probabilities)],
                answer=[0, 0] if missing else list(best[0]), best=list(best[0]), null_difference=difference)


def normalized(text):
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def match(answer, truth, version_2):
    answer, truth = normalized(answer).split(), normalized(truth).split()
    if version_2 and not (answer and truth):
        return float(answer == truth), float(answer == truth)
    common = sum((collections.Counter(answer) & collections.Counter(truth)).values())
    if not common:
        return float(answer == truth), 0.0
    precision, recall = common / len(answer), common / len(truth)
    return float(answer == truth), 2 * precision * recall / (precision + recall)


def best_match(answer, truths, version_2):
    if version_2:
        truths = [truth for truth in truths if normalized(truth)] or [""]
    matches = [match(answer, truth, version_2) for truth in truths]
    return max(exact for exact, _ in matches), max(f1 for _, f1 in matches)


def best_threshold(answers, side):
    """find_best_thresh of evaluate-v2.0.py (Rajpurkar, Jia and Liang 2018), the official script of SQuAD 2.0: at first
    nothing is answered and the threshold is 0; questions follow from the lowest difference on, in the order of the
    data where it is the same; an answer to a question without one costs a point, whatever is left of it."""
    score = best = sum(not answer["truths"] for answer in answers)
    threshold = 0.0
    for answer in sorted(answers, key=lambda answer: answer["null_difference"]):
        if answer["truths"]:
            score += best_match(answer["best"], answer["truths"], True)[side]
        elif answer["best"]:
            score -= 1
        if score > best:
            best, threshold = score, answer["null_difference"]
    return 100 * best / len(answers), threshold


def scores_of(answers):
    """answers: dicts with answer, best, null_difference, truths."""
    version_2 = any(not answer["truths"] for answer in answers)
    rows = [best_match(a["answer"], a["truths"], version_2) for a in answers]

    def percent(chosen):
        return [100 * sum(row[side] for row in chosen) / len(chosen) for side in (0, 1)]
    result = dict(zip(("exact_match", "f1"), percent(rows)))
    if not version_2:
        return result
    for name, wanted in (("HasAns", True), ("NoAns", False)):
        chosen = [row for row, a in zip(rows, answers) if bool(a["truths"]) == wanted]
        if chosen:
            result |= dict(zip((name + "_exact", name + "_f1"), percent(chosen)))
            result[name + "_total"] = len(chosen)
    for side, name in enumerate(("exact", "f1")):
        result["best_" + name], result[f"best_{name}_thresh"] = best_threshold(answers, side)
    return result
