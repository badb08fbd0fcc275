"""Transformers' side of run.py: pretrains BertForPreTraining on the batches that write_batches hands over.

peer.py REQUEST.json     appends a line to request["log"] every log_every steps: step, tokens, cpu_seconds,
seconds, mlm_loss; and with every validate_every steps validation_mlm_loss. Ends after the steps or the
seconds asked for. Dropout as asked for, gradient clipping, fused AdamW, linear schedule with warm-up; the attention,
precision and compilation that trials on this machine found fastest are in the request, and the device.
"""
import json
import subprocess
import sys
import time
from pathlib import Path

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parent))
from batches import read_step


def masked_loss(model, step, precision):
    """Mean loss of the masked tokens of validation, dropout off."""
    total = count = 0
    model.eval()
    with torch.no_grad(), torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
        for inputs, masked, _ in step:
            inputs = {name: values.to(model.device) for name, values in inputs.items()}
            output = model(**{k: v for k, v in inputs.items() if k not in ("labels", "next_sentence_label")})
            chosen = inputs["labels"] != -100
            total += float(torch.nn.functional.cross_entropy(
                output.prediction_logits[chosen].float(), inputs["labels"][chosen], reduction="sum"))
            count += masked
    model.train()
    return total / count


def main():
    request = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(request["threads"])
    torch.manual_seed(1)
    transformers.logging.set_verbosity_error()
    model = transformers.BertForPreTraining.from_pretrained(
        request["init"], attn_implementation=request["attention"], dtype=torch.float32,
        hidden_dropout_prob=request["dropout"], attention_probs_dropout_prob=request["dropout"])
    model, device = model.train().to(request["device"]), request["device"]
    decays = lambda name: not (name.endswith("bias") or "LayerNorm" in name)
    named = list(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [dict(params=[p for n, p in named if decays(n)], weight_decay=0.01),
         dict(params=[p for n, p in named if not decays(n)], weight_decay=0.0)],
        lr=request["learning_rate"], betas=(0.9, 0.999), eps=1e-6, fused=True)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, request["warmup_steps"], request["steps"])
    run = torch.compile(model, dynamic=True) if request["compile"] else model
    writer = [request["write_batches"]]
    with subprocess.Popen([*writer, "validation", *request["options"]], stdout=subprocess.PIPE) as process:
        validation = read_step(process.stdout)
    training = subprocess.Popen([*writer, "train", *request["options"]], stdout=subprocess.PIPE)
    log = open(request["log"], "w", encoding="utf-8")
    cpu, wall, tokens, losses = time.process_time(), time.perf_counter(), 0, []
    aside_cpu = aside_wall = 0.0  # validation does not count, on neither side
    for step in range(1, request["steps"] + 1):
        batches = read_step(training.stdout)
        masked, sequences = sum(b[1] for b in batches), sum(len(b[0]["input_ids"]) for b in batches)
        optimizer.zero_grad(set_to_none=True)
        mlm = 0.0
        for inputs, count, size in batches:
            inputs = {name: values.to(device) for name, values in inputs.items()}
            labels, follows = inputs.pop("labels"), inputs.pop("next_sentence_label")
            with torch.autocast(device, torch.bfloat16, enabled=request["precision"] == "bf16"):
                output = run(**inputs)
                words = torch.nn.functional.cross_entropy(
                    output.prediction_logits.view(-1, model.config.vocab_size), labels.view(-1), reduction="sum")
                pairs = torch.nn.functional.cross_entropy(output.seq_relationship_logits, follows, reduction="sum")
                loss = words / masked + pairs / sequences
            loss.backward()
            mlm, tokens = mlm + float(words.detach()) / masked, tokens + size
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        schedule.step()  # before the update: Bertha counts from one, and does not spend one at a rate of zero
        optimizer.step()
        losses.append(mlm)
        enough = time.perf_counter() - wall - aside_wall >= request["seconds"] or step == request["steps"]
        line = {}
        if step % request["log_every"] == 0 or enough:
            line = dict(step=step, tokens=tokens, cpu_seconds=time.process_time() - cpu - aside_cpu,
                        seconds=time.perf_counter() - wall - aside_wall, mlm_loss=sum(losses) / len(losses))
            losses = []
        if step % request["validate_every"] == 0 or enough:
            begin = time.process_time(), time.perf_counter()
            line.update(step=step, tokens=tokens, validation_mlm_loss=masked_loss(model, validation, request["precision"]))
            aside_cpu, aside_wall = aside_cpu + time.process_time() - begin[0], aside_wall + time.perf_counter() - begin[1]
        if line:
            log.write(json.dumps(line) + "\n")
            log.flush()
        if enough:
            break
    training.kill()


if __name__ == "__main__":
    main()
