#!/usr/bin/env bash
# `bertha plan`: says what is measured and what is modelled; the modelled memory beside a real run's.
. "$(dirname "$0")/../support/system.sh"
need_corpus
common=(--data.corpus "$corpus" --data.sequence_length 128 --data.short_sequence_probability 0 --train.threads 1
  --train.global_batch 64 --train.micro_batch_tokens 8192)
expect 0 'measured on this machine' "$bertha" plan "${common[@]}" --model.size tiny --train.steps 10 --plan.measure_seconds 0.2
expect 0 'modelled, not measured' "$bertha" plan "${common[@]}" --model.size tiny --plan.tokens_per_second 1000
expect 64 'plan.ranks' "$bertha" plan --plan.ranks 8,x --plan.tokens_per_second 1000
expect 64 'one process' ranks 2 "$bertha" plan --plan.tokens_per_second 1000
"$python" - "$bertha" "$scratch" "${common[@]}" <<'P' || fail "the plan is not what a run takes"
import json, os, subprocess, sys
bertha, scratch, *common = sys.argv[1:]
worst = 0
for size in ("tiny", "mini"):
    for implementation, recompute in (("reference", "none"), ("reference", "layers"), ("fused", "none"), ("fused", "layers")):
        if (size, recompute) == ("tiny", "layers"):
            continue  # of two layers there is little to recompute
        options = [*common, "--model.size", size, "--model.implementation", implementation, "--model.recompute", recompute]
        plan = json.loads(subprocess.run([bertha, "plan", *options, "--plan.tokens_per_second", "1000", "--plan.ranks", "1",
                                          "--train.steps", "36", "--plan.cost_per_rank_hour", "3", "--json"],
                                         capture_output=True, check=True).stdout)
        row = plan["modelled"][0]
        # 36 steps of 64 sequences of 128 tokens at 1000 tokens/s
        assert abs(row["hours_to_finish"] - 36 * 64 * 128 / 1000 / 3600) < 1e-9, row
        assert abs(row["cost"] - 3 * row["hours_to_finish"]) < 1e-9, row
        run = subprocess.Popen([bertha, "pretrain", *options, "--train.steps", "1", "--metrics.progress", "false",
                                "--train.validation_batches", "1", "--train.output", f"{scratch}/{size}-{implementation}-{recompute}"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(run.pid, 0)
        assert status == 0, status
        measured, modelled = usage.ru_maxrss * 1024, row["memory_bytes"]["total"]
        off = modelled / measured - 1
        worst = max(worst, abs(off))
        print(f"{size} {implementation}, recompute {recompute}: peak memory {measured / 1e6:.0f} MB, modelled {modelled / 1e6:.0f} MB, {off:+.0%}")
assert worst < 0.25, worst
P
finish
