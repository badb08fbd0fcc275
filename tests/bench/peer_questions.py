"""Question answering for peer_trainer.py: SQuAD's JSON as windows, labels and scores the way run_qa has
them (tests/parity/squad_rules.py), which are Bertha's too."""
import json
import pathlib
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).parent.parent / "parity"))
import squad_rules  # noqa: E402


class Windows:
    """A data set of the windows of a file; each question has one or several."""

    def __init__(self, tokenizer, file, max_length, max_query_length, stride):
        with open(file, encoding="utf-8") as opened:
            self.questions = list(squad_rules.questions_of(json.load(opened)))
        self.rows, self.places, self.items = [], [], []
        for row, (_, question, context, answers) in enumerate(self.questions):
            for window in squad_rules.windows_of(tokenizer, question, context, max_length, max_query_length, stride):
                begin, end = squad_rules.labels_of(window["places"], answers)
                self.rows.append(row)
                self.places.append(window["places"])
                self.items.append(dict(input_ids=window["tokens"], token_type_ids=window["segments"],
                                       attention_mask=[1] * len(window["tokens"]), start_positions=begin,
                                       end_positions=end))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]

    def f1(self, outputs):
        """outputs: [windows, padded length] of starts and of ends, in the order of the windows."""
        found = [[] for _ in self.questions]
        for row, places, start, end in zip(self.rows, self.places, *outputs):
            found[row].append((places, np.stack([start, end], 1)[:len(places)].tolist()))
        unanswered = any(not answers for *_, answers in self.questions)
        judged = []
        for (_, _, context, answers), windows in zip(self.questions, found):
            choice = squad_rules.choose(windows, 20, 30, unanswered, 0)
            judged.append(dict(answer=context[slice(*choice["answer"])], best=context[slice(*choice["best"])],
                               null_difference=choice["null_difference"], truths=[text for text, _ in answers]))
        return squad_rules.scores_of(judged)["f1"]
