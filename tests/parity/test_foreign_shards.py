"""Shards that h5py wrote, in every layout and type seen in the wild: the batches are the rows, each
once an epoch; training runs on 1 and 2 ranks with the same losses and resumes exactly; damaged
variants are refused by name."""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy
import transformers

import foreign_writer as writer

BERTHA, BUILD = os.environ["BERTHA_BINARY"], os.environ["BERTHA_BUILD"]
PROBE = os.path.join(BUILD, "tests", "foreign_probe")
LENGTH, PREDICTIONS, VOCABULARY, STEPS = 64, 10, 400, 12
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1")
TINY = ("--model.size tiny --model.layers 1 --model.hidden_size 32 --model.attention_heads 2 "
        "--model.intermediate_size 64 --model.hidden_dropout 0 --model.attention_dropout 0 "
        f"--data.sequence_length {LENGTH} --train.global_batch 8 --train.log_every 1 --train.threads 1 "
        "--metrics.tensorboard false --metrics.progress false").split()


def padded(**types):
    options = {key: types.pop(key) for key in ("compression", "shuffle", "odd_chunks", "fletcher32")
               if key in types}
    return lambda path, rows: writer.write_padded(path, rows, LENGTH, PREDICTIONS, types or writer.DLE, **options)


NAMES = {"mlperf-packed": "part_{:05}"}  # as MLPerf's scripts name them
LAYOUTS = {
    "dle": padded(compression="gzip"),
    "dle-plain": padded(),
    "mlperf-fixed": padded(ids="<i2", flags="i1"),
    "int64": padded(ids="<i8", flags="u1", compression="gzip", shuffle=True),
    "odd-chunks": padded(ids="<u2", flags="<i4", compression="gzip", odd_chunks=True),
    "big-endian": padded(ids=">i4", flags="i1", compression="gzip", fletcher32=True),
    "lzf": padded(ids="<i4", flags="i1", compression="lzf"),
    "lzf-shuffled": padded(ids="<u2", flags="<i8", compression="lzf", shuffle=True, fletcher32=True, odd_chunks=True),
    "mlperf-variable": writer.write_variable,
    "mlperf-packed": lambda path, rows: writer.write_packed(path, rows, LENGTH),
}


def key(row):
    return json.dumps([row[name] for name in ("tokens", "segments", "positions", "labels", "next_sentence")])


def probe(folder, vocab, epoch=0, ranks=1, start=None, batch=1):
    done = subprocess.run([PROBE, folder, vocab, str(LENGTH), str(epoch), str(ranks), str(batch)]
                          + ([] if start is None else [str(start)]), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_batches(folder, vocab, rows):
    """An epoch is every row once, on any number of ranks, from any place."""
    first = probe(folder, vocab)
    assert collections.Counter(map(key, first)) == collections.Counter(map(key, rows))
    for sequence in first:
        assert sequence["places"] == list(range(len(sequence["tokens"])))
    second = probe(folder, vocab, epoch=1)
    assert collections.Counter(map(key, second)) == collections.Counter(map(key, rows))
    order = [sequence["number"] for sequence in first]
    assert order != sorted(order) and order != [sequence["number"] for sequence in second]
    assert list(map(key, probe(folder, vocab, start=5))) == [key(s) for s in first if s["step"] >= 5]
    alone, shared = probe(folder, vocab, batch=7), probe(folder, vocab, ranks=3, batch=7)
    assert {sequence["rank"] for sequence in shared} == {0, 1, 2}

    def by_step(sequences):
        return sorted((sequence["step"], sequence["number"], key(sequence)) for sequence in sequences)
    assert by_step(alone) == by_step(shared)


def check_lookups(path):
    """HDF5 is asked once where a chunk lies, unless there is no room to remember it."""
    def lookups(most_bytes):
        done = subprocess.run([PROBE, "lookups", path, str(most_bytes)], capture_output=True, text=True, check=True)
        return list(map(int, done.stdout.split()))
    once, again = lookups(1 << 20)
    assert 0 < once == again, (once, again)
    often, again = lookups(0)
    assert often >= once and again == 2 * often, (often, again)


def check_own_rows(good, vocab, work):
    """A rank takes apart the rows it trains on, no others: of several, one comes upon a wrong row."""
    folder = f"{work}/one-wrong-row"
    shutil.copytree(good, folder)
    with h5py.File(f"{folder}/books_training_1.hdf5", "r+") as file:
        file["input_ids"][17, 2] = VOCABULARY
    for ranks in (1, 4):
        done = subprocess.run([PROBE, "faults", folder, vocab, str(LENGTH), str(ranks), "8"], capture_output=True,
                              text=True, check=True)
        faults = [line for line in done.stdout.splitlines() if line != "none"]
        assert len(done.stdout.splitlines()) == ranks and len(faults) == 1, done.stdout
        assert f"dataset input_ids row 17: id {VOCABULARY} at 2" in faults[0], faults


def bertha(*arguments, ranks=0):
    start = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
    return subprocess.run([*start, BERTHA, *map(str, arguments)], capture_output=True, text=True, env=ENVIRONMENT)


def pretrain(folder, vocab, output, steps, ranks=1, more=()):
    return bertha("pretrain", "--data.corpus", folder, "--tokenizer.vocab", vocab, "--train.output", output,
                  "--train.steps", steps, *TINY, *more, ranks=ranks if ranks > 1 else 0)


def losses(output):
    with open(os.path.join(output, "metrics.jsonl"), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return {line["step"]: line["loss"] for line in lines if line["event"] == "train"}


def check_training(folder, vocab, work, resume):
    """Over the end of an epoch of 80 sequences."""
    for ranks in (1, 2):
        done = pretrain(folder, vocab, f"{work}/run{ranks}", STEPS, ranks)
        assert done.returncode == 0, done.stderr[-800:]
    one, two = losses(f"{work}/run1"), losses(f"{work}/run2")
    assert sorted(one) == list(range(1, STEPS + 1)) == sorted(two)
    for step in one:
        assert abs(one[step] - two[step]) <= 1e-5 * one[step], (one, two)
    checkpoint = f"{work}/run1/checkpoints/step-{STEPS:08}"
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    assert tokenizer.convert_tokens_to_ids("w77") == 77 and len(tokenizer) == VOCABULARY
    transformers.BertForPreTraining.from_pretrained(checkpoint)
    if not resume:
        return
    done = pretrain(folder, vocab, f"{work}/parts", STEPS, 2, ["--train.stop_after_steps", STEPS - 3])
    assert done.returncode == 75, done.stderr[-800:]
    done = pretrain(folder, vocab, f"{work}/parts", STEPS, 1)
    assert done.returncode == 0, done.stderr[-800:]
    assert all(abs(one[s] - loss) <= 1e-5 * loss for s, loss in losses(f"{work}/parts").items())
    done = bertha("evaluate", "--train.init", f"{work}/run1", "--data.corpus", folder, "--tokenizer.vocab", vocab,
                  "--data.sequence_length", LENGTH, "--json")
    assert done.returncode == 0, done.stderr[-800:]
    return json.loads(done.stdout)


def check_faults(good, vocab, work):
    """Each change of a good padded folder ends in exit code 65 and a line that names the place."""
    def changed(name, value, place):
        def change(file):
            data = file[name][:]
            data[place] = value
            del file[name]
            file[name] = data
        return change

    def retyped(name, dtype):
        def change(file):
            data = file[name][:]
            del file[name]
            file[name] = data.astype(dtype)
        return change

    def shortened(name):
        def change(file):
            data = file[name][:-1]
            del file[name]
            file[name] = data
        return change

    def stored(name, **options):
        def change(file):
            data = file[name][:]
            del file[name]
            file.create_dataset(name, data=data, **options)
        return change

    def compact(name):
        def change(file):
            data = file[name][:]
            del file[name]
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            properties.set_layout(h5py.h5d.COMPACT)
            dataset = h5py.h5d.create(file.id, name.encode(), h5py.h5t.STD_I8LE, h5py.h5s.create_simple(data.shape),
                                      properties)
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
        return change

    changes = {
        # What only the library can decode is refused with a remedy: it trusts what it decodes.
        r"dataset input_ids is stored with scaleoffset": stored("input_ids", scaleoffset=0),
        r"dataset next_sentence_labels is not in the file itself": compact("next_sentence_labels"),
        r"dataset input_ids row 3: id 400 at 2": changed("input_ids", VOCABULARY, (3, 2)),
        r"dataset input_ids row 3: id -7 at 2": changed("input_ids", -7, (3, 2)),
        r"dataset input_ids row 1: id 77 begins a sequence": changed("input_ids", 77, (1, 0)),
        r"dataset masked_lm_positions row 4: value 64": changed("masked_lm_positions", LENGTH, (4, 0)),
        r"dataset masked_lm_ids row 2: id 4000": changed("masked_lm_ids", 4000, (2, 0)),
        r"dataset segment_ids row 6: value 3 at 1": changed("segment_ids", 3, (6, 1)),
        r"dataset input_mask row 5: value 1 at": changed("input_mask", 0, (5, 1)),
        r"dataset next_sentence_labels row 7: value 2": changed("next_sentence_labels", 2, 7),
        r"dataset input_ids holds float32": retyped("input_ids", "<f4"),
        r"dataset masked_lm_ids has 39 rows": shortened("masked_lm_ids"),
        r"dataset segment_ids is missing": lambda file: file.__delitem__("segment_ids"),
    }
    for number, (message, change) in enumerate(changes.items()):
        folder = f"{work}/fault{number}"
        shutil.copytree(good, folder)
        with h5py.File(f"{folder}/books_training_1.hdf5", "r+") as file:
            change(file)
        if number % 2:
            done = pretrain(folder, vocab, f"{work}/refused", 20)
        else:
            done = bertha("verify", folder, "--tokenizer.vocab", vocab)
        assert done.returncode == 65, (message, done.returncode, done.stderr[-500:])
        assert message in done.stderr and "books_training_1.hdf5" in done.stderr, (message, done.stderr[-500:])
    for number, bytes_left in enumerate((0, 100, 5000)):
        folder = f"{work}/short{number}"
        shutil.copytree(good, folder)
        os.truncate(f"{folder}/books_training_1.hdf5", bytes_left)
        done = pretrain(folder, vocab, f"{work}/refused", 20)
        assert done.returncode == 65 and "books_training_1.hdf5" in done.stderr, done.stderr[-500:]
    done = pretrain(good, f"{work}/none.txt", f"{work}/refused", 1)
    assert done.returncode == 74 and "none.txt" in done.stderr, done.stderr
    done = bertha("pretrain", "--data.corpus", good, "--train.output", f"{work}/refused", "--train.steps", 1)
    assert done.returncode == 64 and "--tokenizer.vocab" in done.stderr, done.stderr
    done = pretrain(good, vocab, f"{work}/refused", 20, 2, ["--data.sequence_length", "32"])
    assert done.returncode == 64 and "data.sequence_length" in done.stderr, done.stderr[-500:]
    assert not os.path.exists(f"{work}/refused/checkpoints")


def refused(path, vocab, *words):
    done = bertha("verify", path, "--tokenizer.vocab", vocab)
    assert done.returncode == 65, (words, done.returncode, done.stderr[-500:])
    for word in words:
        assert word in done.stderr, (word, done.stderr[-500:])


def flip(path, place):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def check_checksums(vocab, work, rows):
    """A chunk that does not match its Fletcher-32 is named, also where its numbers look fine."""
    for number, options in enumerate(({}, {"compression": "gzip"}, {"odd_chunks": True, "shuffle": True})):
        path = f"{work}/sums{number}.hdf5"
        writer.write_padded(path, rows, LENGTH, PREDICTIONS, fletcher32=True, **options)
        assert bertha("verify", path, "--tokenizer.vocab", vocab).returncode == 0
        with h5py.File(path) as file:
            data = file["masked_lm_ids"]
            chunk = max((data.id.get_chunk_info(c) for c in range(data.id.get_num_chunks())),
                        key=lambda info: info.chunk_offset)
        flip(path, chunk.byte_offset)
        refused(path, vocab, f"dataset masked_lm_ids from row {chunk.chunk_offset[0]} on", "has the checksum")


def check_lists(vocab, work):
    """A file of some kB whose rows all name the same long list would make gigabytes of numbers."""
    rows = writer.sequences(600, 9, LENGTH, VOCABULARY, PREDICTIONS)
    for length, words in ((60_000, "with this list of 60000 numbers"), (70_000, "row 0: a list of 70000 numbers")):
        rows[0]["tokens"] = [77] * length
        path = f"{work}/lists{length}.hdf5"
        writer.write_variable(path, rows)
        with h5py.File(path) as file:
            begin = file["input_ids"].id.get_offset()
        with open(path, "r+b") as file:
            file.seek(begin)
            reference = file.read(16)
            file.seek(begin)
            file.write(reference * len(rows))
        refused(path, vocab, "dataset input_ids row", words)


def check_rows_at_once(work):
    """By the chunks of the ids, as far as those are small: h5py makes thousands of one-byte labels a chunk."""
    for number, (ids_chunk, expected) in enumerate(((64, 2048), (100, 2000), (3000, 2048))):
        path = f"{work}/chunks{number}.hdf5"
        with h5py.File(path, "w") as file:
            for name, width in (("input_ids", 512), ("input_mask", 512), ("segment_ids", 512),
                                ("masked_lm_positions", 80), ("masked_lm_ids", 80)):
                chunk = (ids_chunk, 512) if name == "input_ids" else (4000, width)
                file.create_dataset(name, (20000, width), dtype="i2", chunks=chunk, compression="gzip")
            file.create_dataset("next_sentence_labels", (20000,), dtype="i1", chunks=(12500,))
        done = subprocess.run([PROBE, "rows_at_once", path], capture_output=True, text=True)
        assert done.returncode == 0 and int(done.stdout) == expected, (ids_chunk, done)


def check_verify_and_inspect(good, vocab, work):
    report = json.loads(bertha("verify", good, "--tokenizer.vocab", vocab, "--json").stdout)
    assert report["faults"] == [] and report["notices"] == [], report
    done = bertha("verify", good)
    assert done.returncode == 0 and "ids not checked" in done.stdout, done.stdout
    twin = f"{work}/twin"
    shutil.copytree(good, twin)
    shutil.copy(f"{twin}/books_training_1.hdf5", f"{twin}/books_training_7.hdf5")
    done = bertha("verify", twin, "--tokenizer.vocab", vocab)
    assert done.returncode == 65 and "books_training_7.hdf5: the same content as" in done.stderr, done.stderr
    done = pretrain(twin, vocab, f"{work}/refused", 1)
    assert done.returncode == 65 and "the first of them the same" in done.stderr, done.stderr
    done = pretrain(twin, vocab, f"{work}/refused", 1, 1, ["--data.verify", "full"])
    assert done.returncode == 65 and "the same content as" in done.stderr, done.stderr

    report = json.loads(bertha("verify", f"{work}/mlperf-packed", "--tokenizer.vocab", vocab, "--json").stdout)
    assert report["faults"] == [], report
    assert json.loads(bertha("inspect", f"{work}/mlperf-packed/part_00000", "--json").stdout)["layout"] == "packed"

    shown = json.loads(bertha("inspect", good, "--samples", 6, "--json", "--tokenizer.vocab", vocab,
                              "--data.sequence_length", LENGTH).stdout)
    assert shown["kind"] == "foreign corpus" and shown["splits"]["train"]["rows"] == 80, shown["splits"]
    with open(vocab, encoding="utf-8") as file:
        ids = {token: number for number, token in enumerate(file.read().splitlines())}
    known = {key(sequence) for sequence in probe(good, vocab)}
    assert len(shown["samples"]) == 6
    for sample in shown["samples"]:
        assert key({"tokens": [ids[t] for t in sample["tokens"]], "segments": sample["segments"],
                    "positions": sample["masked_positions"], "labels": [ids[t] for t in sample["masked_labels"]],
                    "next_sentence": sample["next_sentence"]}) in known
    text = bertha("inspect", f"{good}/books_training_0.hdf5").stdout
    assert "padded" in text and "row_tokens         64" in text, text


def check_rates(vocab, work):
    """Labels and masks are judged file by file: what nobody can have meant is a fault that names the file, its
    dataset and the value, even among good files; what is unusual is told. A run warns of both."""
    def rows_with(seed, share=None, predictions=None, unmasked=False, count=300):
        rows = writer.sequences(count, seed, LENGTH, VOCABULARY, PREDICTIONS)
        for number, row in enumerate(rows):
            if share is not None:
                row["next_sentence"] = int(number < share * count)
            if predictions:
                row["positions"], row["labels"] = row["positions"][:predictions], row["labels"][:predictions]
            for i, label in zip(row["positions"], row["labels"]):
                if unmasked:
                    row["tokens"][i] = label
        return rows

    def verified(folder):
        done = bertha("verify", folder, "--tokenizer.vocab", vocab, "--json")
        report = json.loads(done.stdout)
        assert done.returncode == (65 if report["faults"] else 0), (done.returncode, report)
        return report

    files = {
        "all_1": (rows_with(11, 1.0), True, "next_sentence_labels: 100.0 % of the 300 next-sentence labels are 1"),
        "all_0": (rows_with(12, 0.0), True, "next_sentence_labels: 0.0 % of the 300 next-sentence labels are 1"),
        "some_1": (rows_with(13, 0.8), False, "next_sentence_labels: 80.0 % of the 300 next-sentence labels are 1"),
        "few": (rows_with(14, predictions=1), False, "masked_lm_positions: "),
        "never": (rows_with(15, unmasked=True), True, "input_ids: 0.0 % of the "),
    }
    for layout in ("dle", "mlperf-packed"):
        folder = f"{work}/rates-{layout}"
        os.makedirs(folder)
        for seed in range(3):
            LAYOUTS[layout](f"{folder}/good_{seed}.hdf5", rows_with(seed))
        assert verified(folder) == {"path": folder, "faults": [], "notices": []}
        for name, (rows, _, _) in files.items():
            LAYOUTS[layout](f"{folder}/{name}.hdf5", rows)
        report = verified(folder)
        told = [(line, True) for line in report["faults"]] + [(line, False) for line in report["notices"]]
        assert len(told) == len(files), told
        for name, (_, is_fault, words) in files.items():
            assert [f for line, f in told if line.startswith(f"{folder}/{name}.hdf5: dataset {words}")] == [is_fault], (name, told)
    done = pretrain(folder, vocab, f"{work}/rates-run", 1, 2)
    assert done.returncode == 0, done.stderr[-500:]
    for name, (_, _, words) in files.items():
        assert done.stderr.count(f"warning: {folder}/{name}.hdf5: dataset {words}") == 1, (name, done.stderr)
    assert done.stderr.count("make this file anew, or leave it out") == 3, done.stderr
    # Files too small to tell are judged together; too few rows in all, not at all.
    folder = f"{work}/rates-small"
    writer.write_folder(folder, LAYOUTS["dle"], [rows_with(20 + n, 1.0, count=40) for n in range(4)])
    assert verified(folder)["faults"] == []
    for n in range(4, 8):
        LAYOUTS["dle"](f"{folder}/books_training_{n}.hdf5", rows_with(20 + n, 1.0, count=40))
    fault, = verified(folder)["faults"]
    assert fault.startswith(f"{folder}, 8 file(s) of few rows together: dataset next_sentence_labels: 100.0 %"), fault


def texts_of(rows):
    """Documents as `prepare` ought to make them: the words of A and B, apart where B is random."""
    documents = []
    for row in rows:
        tokens = list(row["tokens"])
        for position, label in zip(row["positions"], row["labels"]):
            tokens[position] = label
        a, b = ([t for t, s in zip(tokens, row["segments"]) if s == side and t >= 5] for side in (0, 1))
        if a and b and row["next_sentence"] == 0:
            documents.append([a, b])
        else:
            documents += [[text] for text in (a, b) if text]
    return documents


def read_corpus(folder, split):
    documents = []
    with open(f"{folder}/manifest.json", encoding="utf-8") as file:
        shards = json.load(file)["splits"][split]["shards"]
    for shard in shards:
        with h5py.File(f"{folder}/{shard['file']}") as file:
            tokens, sentences, borders = (file[n][:] for n in ("tokens", "sentence_offsets", "document_offsets"))
        for first, last in zip(borders[:-1], borders[1:]):
            documents.append([tokens[sentences[s]:sentences[s + 1]].tolist() for s in range(first, last)])
    return documents


def check_prepare(folder, vocab, work, shards):
    def prepare(output, fraction, ranks=0):
        done = bertha("prepare", "--input.format", "nvidia", "--input.paths", folder, "--tokenizer.vocab", vocab,
                      "--prepare.output", output, "--prepare.validation_fraction", fraction, ranks=ranks)
        assert done.returncode == 0, done.stderr[-500:]
        assert "do not say which documents" in done.stderr
    prepare(f"{work}/prepared1", 0)
    prepare(f"{work}/prepared2", 0, ranks=3)
    for name in os.listdir(f"{work}/prepared1"):
        with open(f"{work}/prepared1/{name}", "rb") as one, open(f"{work}/prepared2/{name}", "rb") as two:
            assert one.read() == two.read(), name
    assert read_corpus(f"{work}/prepared1", "train") == [d for rows in shards for d in texts_of(rows)]
    assert bertha("verify", f"{work}/prepared1").returncode == 0
    done = bertha("verify", f"{work}/prepared1", "--tokenizer.vocab", f"{work}/other.txt")
    assert done.returncode == 65 and "another vocabulary" in done.stderr, done.stderr
    prepare(f"{work}/prepared3", 0.25)
    held_out = [rows[len(rows) - -(-len(rows) // 4):] for rows in shards]
    assert read_corpus(f"{work}/prepared3", "validation") == [d for rows in held_out for d in texts_of(rows)]
    done = pretrain(f"{work}/prepared3", vocab, f"{work}/prepared-run", 2, 2)
    assert done.returncode == 0, done.stderr[-500:]
    assert bertha("vocab", "--input.format", "nvidia", "--input.paths", folder, "--vocab.output", f"{work}/v").returncode == 64


def check_prepare_options(folder, vocab, work, shards):
    """What cannot be done for such shards is refused, what can be is: cut shards, globs, each file once."""
    def prepare(output, *more, paths=(folder,), ranks=0):
        return bertha("prepare", "--input.format", "nvidia", "--input.paths", *paths, "--tokenizer.vocab", vocab,
                      "--prepare.output", f"{work}/{output}", "--prepare.validation_fraction", 0, *more, ranks=ranks)
    for option, value, dry, words in (("drop_duplicates", "true", "false", "documents that they do not name"),
                                      ("seed", 7, "false", "last rows of every file"), ("workers", 4, "true", "mpirun -n 4")):
        done = prepare("refused", f"--prepare.{option}", value, "--train.dry_run", dry)
        assert done.returncode == 64 and words in done.stderr, done.stderr
        assert f"prepare.{option} does nothing for input.format = nvidia" in done.stderr, done.stderr
    done = prepare("refused", "--prepare.drop_duplicates", "false", "--prepare.workers", 1, "--train.dry_run", "true")
    assert done.returncode == 0 and "4 shard(s) of samples, 80 rows" in done.stdout, (done.stdout, done.stderr)
    assert not os.path.exists(f"{work}/refused")

    whole = [d for rows in shards for d in texts_of(rows)]
    for name, tokens, ranks in (("cut1", 300, 0), ("cut3", 300, 3), ("cut500", 500, 2)):
        done = prepare(name, "--prepare.shard_tokens", tokens, ranks=ranks)
        assert done.returncode == 0, done.stderr[-500:]
        assert read_corpus(f"{work}/{name}", "train") == whole
        with open(f"{work}/{name}/manifest.json", encoding="utf-8") as file:
            sizes = [shard["tokens"] for shard in json.load(file)["splits"]["train"]["shards"]]
        expected = sum(-(-sum(map(len, sum(texts_of(rows), []))) // tokens) for rows in shards)
        assert expected / 2 <= len(sizes) <= expected and len(sizes) > len(shards) and max(sizes) < 2 * tokens, (sizes, expected)
        assert bertha("verify", f"{work}/{name}").returncode == 0
    for name in os.listdir(f"{work}/cut1"):
        with open(f"{work}/cut1/{name}", "rb") as one, open(f"{work}/cut3/{name}", "rb") as two:
            assert one.read() == two.read(), name

    first = f"{folder}/books_training_0.hdf5"
    os.symlink(folder, f"{work}/link")
    for number, paths in enumerate(((f"{folder}/books_training_?.hdf5",), (folder, first), (folder, f"{work}/link/books_training_1.hdf5"),
                                    (f"{folder}/../{os.path.basename(folder)}", f"{folder}/*_2.hdf5"))):
        done = prepare(f"paths{number}", paths=paths)
        assert done.returncode == 0, done.stderr[-500:]
        assert read_corpus(f"{work}/paths{number}", "train") == whole, paths
    done = prepare("refused", paths=(f"{folder}/*.nothing",))
    assert done.returncode == 74 and "no file matches" in done.stderr, done.stderr

    # Subfolders are not searched, but named.
    nest = f"{work}/nest"
    os.makedirs(f"{nest}/books/other")
    shutil.copytree(folder, f"{nest}/books/training")
    place = f"its folder {nest}/books/training holds 4 HDF5 files"
    for done in (prepare("refused", paths=(nest,)), pretrain(nest, vocab, f"{work}/refused", 1), bertha("verify", nest),
                 bertha("inspect", nest)):
        assert done.returncode == 65 and place in done.stderr, done.stderr
    shutil.copytree(f"{work}/cut1", f"{nest}/a_corpus")
    done = pretrain(nest, vocab, f"{work}/refused", 1)
    assert done.returncode == 65 and f"its folder {nest}/a_corpus is a corpus (and 1 other folder(s) hold data, too)" in done.stderr
    assert not os.path.exists(f"{work}/refused")


def check_prepare_splits(folder, vocab, work, shards):
    """Files named for tests are the validation split; without them a fraction is, when asked for."""
    writer.write_folder(folder, LAYOUTS["dle"], shards[:2])
    LAYOUTS["dle"](f"{folder}/books_test_0.hdf5", shards[3])
    shown = json.loads(bertha("inspect", folder, "--json").stdout)
    assert {name: split["rows"] for name, split in shown["splits"].items()} == {"train": 65, "validation": 14}, shown

    def evaluated(path, *more):
        done = bertha("evaluate", "--train.init", f"{work}/runs-dle/run1", "--data.corpus", path, "--tokenizer.vocab",
                      vocab, "--data.sequence_length", LENGTH, "--json", *more, ranks=2)
        assert done.returncode == 0, done.stderr[-500:]
        return json.loads(done.stdout)["sequences"]
    assert evaluated(folder) == 14
    os.remove(f"{folder}/books_test_0.hdf5")
    assert evaluated(folder) == 65
    assert evaluated(folder, "--data.validation_fraction", 0.1) == 3 + 4


def main():
    with tempfile.TemporaryDirectory() as work:
        vocab = f"{work}/vocab.txt"
        writer.write_vocabulary(vocab, VOCABULARY)
        # Uneven shards; one of a single row.
        shards = [writer.sequences(count, seed, LENGTH, VOCABULARY, PREDICTIONS)
                  for seed, count in enumerate((25, 40, 1, 14))]
        rows = [row for shard in shards for row in shard]
        for name, write in LAYOUTS.items():
            folder = f"{work}/{name}"
            writer.write_folder(folder, write, shards, NAMES.get(name, "books_training_{}.hdf5"))
            check_batches(folder, vocab, rows)
            if name in ("dle", "mlperf-variable", "mlperf-packed"):
                os.makedirs(f"{work}/runs-{name}")
                scores = check_training(folder, vocab, f"{work}/runs-{name}", resume=name == "dle")
                assert scores is None or scores["sequences"] == len(rows), scores
            print(name, "ok", flush=True)
        check_lookups(f"{work}/odd-chunks/books_training_1.hdf5")
        check_own_rows(f"{work}/dle", vocab, work)
        check_verify_and_inspect(f"{work}/dle", vocab, work)
        writer.write_vocabulary(f"{work}/other.txt", VOCABULARY + 1)
        check_prepare(f"{work}/dle", vocab, work, shards)
        check_prepare_options(f"{work}/dle", vocab, work, shards)
        check_prepare_splits(f"{work}/splits", vocab, work, shards)
        check_faults(f"{work}/dle", vocab, work)
        check_checksums(vocab, work, shards[0])
        check_lists(vocab, work)
        check_rows_at_once(work)
        check_rates(vocab, work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
