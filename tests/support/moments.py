#!/usr/bin/env python3
"""Prints one line per moment of a checkpoint, with the SHA-256 of all its elements, however ranks shared them:
moments.py CHECKPOINT"""
import glob
import hashlib
import json
import os
import sys

slices = {}
for path in sorted(glob.glob(os.path.join(sys.argv[1], "optimizer-*.safetensors"))):
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        whole, part = name.rsplit("/", 1)
        begin, end = map(int, part.split("-"))
        first, last = (8 + size + offset for offset in entry["data_offsets"])
        slices.setdefault((whole, entry["dtype"]), []).append((begin, end, data[first:last]))
assert slices, "no moments in " + sys.argv[1]
for (name, kind), parts in sorted(slices.items()):
    digest, place = hashlib.sha256(), 0
    for begin, end, values in sorted(parts):
        assert begin == place, f"{name}: elements {place} to {begin} are missing or there twice"
        digest.update(values)
        place = end
    print(name, kind, place, digest.hexdigest())
