"""Our optimizers step by step: AdamW against torch.optim.AdamW, LAMB against its paper in float64.

Both sides round in fp32 in the same order; but torch's square root (MKL) is not correctly rounded, so
equality bit for bit holds for almost all weights only."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import torch
    from safetensors.torch import load_file, save_file

    from double_lamb import DoubleLamb, decays
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = os.environ.get("BERTHA_OPTIMIZER_PROBE") or f"{os.environ['BERTHA_BUILD']}/tests/optimizer_probe"
STEPS = 50
# The paper's phi, as others clamp the ratio (DeepSpeed's max_coeff and min_coeff, timm's trust_clip), and both.
BOUNDS = [{}, dict(weight_norm_max=0.4), dict(weight_norm_min=5.0), dict(trust_ratio_max=0.18), dict(trust_ratio_min=0.16),
          dict(weight_norm_max=5.0, trust_ratio_min=0.14, trust_ratio_max=0.2)]
SHAPES = {"bert.embeddings.word_embeddings.weight": (501, 40), "bert.embeddings.LayerNorm.weight": (40,),
          "bert.embeddings.LayerNorm.bias": (40,), "bert.encoder.layer.0.output.dense.weight": (40, 161),
          "bert.encoder.layer.0.output.dense.bias": (40,),
          "bert.encoder.layer.0.output.LayerNorm.weight": (40,), "bert.pooler.dense.weight": (13, 7)}


def make_problem(seed):
    torch.manual_seed(seed)
    weights = {name: torch.randn(shape) * 0.05 + (1.0 if name.endswith("LayerNorm.weight") else 0.0)
               for name, shape in SHAPES.items()}
    gradients = []
    for step in range(STEPS):
        # Sizes over many orders of magnitude, some elements without a gradient for a long time.
        gradients.append({name: torch.randn(shape) * 10 ** (2 * torch.randn(shape)) *
                          (torch.rand(shape) < (0.1 if step < 10 else 0.9))
                          for name, shape in SHAPES.items()})
    return weights, gradients


def run_probe(folder, weights, gradients, settings, steps):
    save_file(weights, folder / "weights.safetensors")
    save_file({f"{i} {name}": value for i, step in enumerate(gradients) for name, value in step.items()},
              folder / "gradients.safetensors")
    request = dict(settings, steps=steps, weights=str(folder / "weights.safetensors"),
                   gradients=str(folder / "gradients.safetensors"), output=str(folder / "output.safetensors"))
    (folder / "request.json").write_text(json.dumps(request))
    subprocess.run([PROBE, folder / "request.json"], check=True)
    return load_file(folder / "output.safetensors")


def torch_adamw(weights, gradients, settings, steps):
    """Weights after each step, and moments, by name as the probe names them."""
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in weights.items()}
    groups = [dict(params=[p for n, p in parameters.items() if decays(n)], weight_decay=settings["weight_decay"]),
              dict(params=[p for n, p in parameters.items() if not decays(n)], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(settings["beta1"], settings["beta2"]),
                                  eps=settings["epsilon"], foreach=False, fused=False)
    results = {}
    for i, (rate, scale) in enumerate(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, parameter in parameters.items():
            parameter.grad = gradients[i][name] * scale
        optimizer.step()
        results.update({f"{i} {name}": p.detach().clone() for name, p in parameters.items()})
    for name, parameter in parameters.items():
        for moment in ("exp_avg", "exp_avg_sq"):
            results[f"{moment} {name}"] = optimizer.state[parameter][moment].flatten()
    return results


def double_lamb(weights, gradients, settings, steps):
    """Weights after each step and moments, as the probe names them; and the trust ratios by step and name."""
    lamb = DoubleLamb(weights, settings)
    results, ratios = {}, {}
    for i, (rate, scale) in enumerate(steps):
        for name, ratio in lamb.step({name: value.double() * scale for name, value in gradients[i].items()}, rate).items():
            ratios[i, name] = ratio
        results.update({f"{i} {name}": value for name, value in lamb.weights.items()})
    for name in weights:
        results[f"exp_avg {name}"], results[f"exp_avg_sq {name}"] = lamb.m[name].flatten(), lamb.v[name].flatten()
    return results, ratios


def ulps(ours, theirs, before):
    """Largest difference in units of the last place of the largest of old weight, change and new weight."""
    scale = torch.maximum(torch.maximum(ours.abs(), before.abs()), (ours - before).abs()).clamp_min(1e-20)
    return float(((ours.double() - theirs.double()).abs() / (scale.double() * 2 ** -23)).max())


def relative(ours, theirs):
    """Norm of the difference over the norm, and the largest difference over the largest value."""
    difference = ours.double() - theirs.double()
    return max(float(difference.norm() / theirs.double().norm()),
               float(difference.abs().max() / theirs.double().abs().max()))


def compare(label, ours, theirs, weights, bound):
    worst = worst_moment = 0.0
    for name in weights:
        for i in range(STEPS):
            worst = max(worst, relative(ours[f"{i} {name}"], theirs[f"{i} {name}"]))
        for moment in ("exp_avg", "exp_avg_sq"):
            worst_moment = max(worst_moment, relative(ours[f"{moment} {name}"], theirs[f"{moment} {name}"]))
    last = [ours[f"{STEPS - 1} {n}"] == theirs[f"{STEPS - 1} {n}"].float() for n in weights]
    equal = sum(int(e.sum()) for e in last) / sum(e.numel() for e in last)
    print(f"{label}: over {STEPS} steps weights within {worst:.1e} relative, moments within {worst_moment:.1e}; "
          f"{equal:.1%} of the last weights equal bit for bit")
    assert worst <= bound and worst_moment <= bound, label


def one_step(folder):
    """The first step alone: each element of the weights within 2 ulp of torch's."""
    weights, gradients = make_problem(7)
    settings = dict(name="adamw", beta1=0.9, beta2=0.999, epsilon=1e-6, weight_decay=0.01)
    ours = run_probe(folder, weights, gradients[:1], settings, [[1e-3, 1.0]])
    theirs = torch_adamw(weights, gradients, settings, [[1e-3, 1.0]])
    worst = max(ulps(ours[f"0 {name}"], theirs[f"0 {name}"], start) for name, start in weights.items())
    equal = sum(int((ours[f"0 {n}"] == theirs[f"0 {n}"]).sum()) for n in weights)
    total = sum(value.numel() for value in weights.values())
    print(f"adamw, one step: {equal} of {total} weights equal torch's bit for bit, the worst is off by {worst:.2f} ulp")
    assert worst <= 2 and equal > 0.99 * total


def main():
    torch.set_num_threads(2)
    print(f"torch {torch.__version__}")
    schedule = [[1e-3 * min(1.0, (i + 1) / 10) * (1 - i / STEPS), 1.0 if i % 3 else 0.37] for i in range(STEPS)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one_step(folder)
        for seed, (beta2, epsilon, decay) in enumerate([(0.999, 1e-6, 0.01), (0.98, 1e-8, 0.1), (0.999, 1e-6, 0.0)]):
            settings = dict(name="adamw", beta1=0.9, beta2=beta2, epsilon=epsilon, weight_decay=decay)
            weights, gradients = make_problem(seed)
            compare(f"adamw, beta2 {beta2}, epsilon {epsilon}, decay {decay}",
                    run_probe(folder, weights, gradients, settings, schedule),
                    torch_adamw(weights, gradients, settings, schedule), weights, 3e-7)
        weights, gradients = make_problem(11)
        plain = dict(name="lamb", beta1=0.9, beta2=0.999, epsilon=1e-6, weight_decay=0.01)
        free = double_lamb(weights, gradients, plain, schedule)[1]
        for bounds in BOUNDS:
            settings = dict(plain, **bounds)
            theirs, ratios = double_lamb(weights, gradients, settings, schedule)
            bound = sum(ratios[key] != free[key] for key in free)
            assert (bound > 0) == bool(bounds), "the bounds change nothing"
            for ranks in (1, 3):
                compare(f"lamb against float64, {bounds or 'no bounds'} ({bound} of {len(free)} ratios changed), {ranks} rank(s)",
                        run_probe(folder, weights, gradients, dict(settings, ranks=ranks), schedule), theirs, weights, 1e-6)
    print("optimizer parity holds")


if __name__ == "__main__":
    main()
