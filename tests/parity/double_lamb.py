"""LAMB in plain double precision, after its paper: what test_optimizer.py and test_training.py compare with."""
import math

import torch


def decays(name):
    return not (name.endswith("bias") or "LayerNorm" in name)


class DoubleLamb:
    """Algorithm 2 of You et al. 2020; biases and LayerNorm neither decay nor adapt. phi is the identity, or clamps the
    norm of the weights (weight_norm_min, weight_norm_max); others clamp the ratio (trust_ratio_min, trust_ratio_max)."""

    def __init__(self, weights, settings):
        self.settings, self.steps = settings, 0
        self.weights = {name: value.double() for name, value in weights.items()}
        self.m = {name: torch.zeros_like(value) for name, value in self.weights.items()}
        self.v = {name: torch.zeros_like(value) for name, value in self.weights.items()}

    def clamped(self, value, least, most):
        return min(max(value, self.settings.get(least, 0.0)), self.settings.get(most, 0.0) or math.inf)

    def step(self, gradients, rate):
        """gradients: float64, clipped. The trust ratios by name, of weights that have one."""
        self.steps += 1
        b1, b2 = self.settings["beta1"], self.settings["beta2"]
        ratios = {}
        for name, g in gradients.items():
            w = self.weights[name]
            self.m[name] = b1 * self.m[name] + (1 - b1) * g
            self.v[name] = b2 * self.v[name] + (1 - b2) * g * g
            m, v = self.m[name] / (1 - b1 ** self.steps), self.v[name] / (1 - b2 ** self.steps)
            r, ratio = m / (v.sqrt() + self.settings["epsilon"]), 1.0
            if decays(name):
                r = r + self.settings["weight_decay"] * w
                norm = self.clamped(float(w.norm()), "weight_norm_min", "weight_norm_max")
                if norm > 0 and r.norm() > 0:
                    ratio = self.clamped(norm / float(r.norm()), "trust_ratio_min", "trust_ratio_max")
                ratios[name] = ratio
            self.weights[name] = w - rate * ratio * r
        return ratios
