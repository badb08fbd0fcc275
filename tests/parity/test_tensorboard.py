"""TensorBoard reads our event files: the same values as metrics.jsonl, to a 32-bit float; after a
resume only what still holds; texts as texts. Its record reader checks every checksum."""
import json
import math
import os
import subprocess
import sys
import tempfile
import time

import numpy
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.backend.event_processing import data_provider
from tensorboard.backend.event_processing import plugin_event_multiplexer as event_multiplexer
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.context import RequestContext
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

PROBE = os.path.join(os.environ["BERTHA_BUILD"], "tests", "metrics_probe")
NO_LIMIT = {"scalars": 0, "tensors": 0}


def write(run, resumed_step, events):
    lines = "".join(json.dumps(dict(event=e, step=s, values=list(v.items()))) + "\n" for e, s, v in events)
    subprocess.run([PROBE, run, str(resumed_step)], input=lines, text=True, check=True)


def train(step, scale=1.0):
    return "train", step, {
        "loss": scale * (9.0 - math.sqrt(step)), "learning_rate": 1e-3 / (step + 1), "tokens": step * 1_000_003,
        "gradient_norm": "nan" if step == 7 else 1e-30 * step, "skipped": step % 2 == 0}


def expected_scalars(run, resumes):
    """Of metrics.jsonl; what a later session trained again is dropped."""
    scalars = {}
    session = 0
    with open(os.path.join(run, "metrics.jsonl")) as file:
        for line in file:
            event = json.loads(line)
            if event["event"] == "resume":
                session += 1
                for points in scalars.values():
                    points[:] = [point for point in points if point[0] <= resumes[session - 1]]
            for name, value in event.items():
                if name not in ("event", "step", "time") and not isinstance(value, str):
                    value = math.nan if value is None else float(value)
                    scalars.setdefault(f"{event['event']}/{name}", []).append((event["step"], value))
    return {tag: points for tag, points in scalars.items() if points}


def check_scalars(run, resumes):
    board = event_accumulator.EventAccumulator(os.path.join(run, "tensorboard"), size_guidance=NO_LIMIT)
    board.Reload()
    expected = expected_scalars(run, resumes)
    tags = {tag for tag in board.Tags()["scalars"] if board.Scalars(tag)}
    assert tags == set(expected), tags ^ set(expected)
    count = 0
    for tag, points in expected.items():
        got = board.Scalars(tag)
        assert [point.step for point in got] == [step for step, _ in points], tag
        for (step, value), point in zip(points, got, strict=True):
            same = numpy.float32(value) == numpy.float32(point.value) or (math.isnan(value) and math.isnan(point.value))
            assert same, (tag, step, value, point.value)
            assert abs(point.wall_time - time.time()) < 600, point
            count += 1
    print(f"{len(expected)} tags, {count} values agree after {len(resumes)} resume(s)")


def check_texts(run, texts):
    board = plugin_event_accumulator.EventAccumulator(os.path.join(run, "tensorboard"), size_guidance=NO_LIMIT)
    board.Reload()
    assert set(board.PluginTagToContent("text")) == {tag for tag in texts}, board.PluginTagToContent("text")
    for tag, text in texts.items():
        strings = board.Tensors(tag)[-1].tensor_proto.string_val
        assert [s.decode() for s in strings] == [text], (tag, strings)


def check_files(run, count):
    folder = os.path.join(run, "tensorboard")
    names = sorted(os.listdir(folder))
    assert len(names) == count and all(name.startswith("events.out.tfevents.") for name in names), names
    for name in names:  # every byte belongs to a whole record
        path = os.path.join(folder, name)
        records = list(RawEventFileLoader(path).Load())
        assert sum(len(record) + 16 for record in records) == os.path.getsize(path), name


HYPER = {"model.size": "tiny", "optimizer.learning_rate": 1e-3, "train.global_batch": 256, "data.next_sentence": True}
SAMPLES = {"1": "A: `[MASK]=the` r\u00fcn\n\nB: end", "2": "<script>"}


def check_start(folder):
    """The HPARAMS page's own session and metrics, and sample texts, each once, whatever was resumed."""
    board = plugin_event_accumulator.EventAccumulator(os.path.join(folder, "run", "tensorboard"), size_guidance=NO_LIMIT)
    board.Reload()
    for name, text in SAMPLES.items():
        points = board.Tensors(f"samples/{name}")
        assert [(p.step, p.tensor_proto.string_val[0].decode()) for p in points] == [(0, text)], points
    assert len(board.Tensors("_hparams_/session_start_info")) == 1
    boards = event_multiplexer.EventMultiplexer(tensor_size_guidance={"tensors": 0})
    boards.AddRunsFromDirectory(folder)
    boards.Reload()
    provider = data_provider.MultiplexerDataProvider(boards, folder)
    context = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=10, allowed_statuses=range(4),
        col_params=[api_pb2.ColParams(metric=api_pb2.MetricName(group="", tag="train/loss"))])
    experiment = context.experiment_from_metadata(
        RequestContext(), "", True, context.hparams_metadata(RequestContext(), ""), [])
    assert {info.name for info in experiment.hparam_infos} == set(HYPER), experiment
    groups = list_session_groups.Handler(RequestContext(), context, "", request).run().session_groups
    assert len(groups) == 1, groups
    got = {name: getattr(value, value.WhichOneof("kind")) for name, value in groups[0].hparams.items()}
    assert got == HYPER, got


def main():
    with tempfile.TemporaryDirectory() as folder:
        run = os.path.join(folder, "run")
        os.mkdir(run)
        text = "weights from <b> & \"r\u00fcn\"\n| a | b |"
        start = {"from": text, "parameters": 4_386_178, "peak_flops": 2.5e13}
        once = [("hyper_parameters", 0, HYPER), ("samples", 0, SAMPLES)]
        write(run, 0, once + [("start", 0, start)] + [train(s) for s in range(1, 51)] +
              [("validation", 50, {"loss": 1.5, "mlm_accuracy": 0.25}), ("save", 50, {"checkpoint": "step-00000050"}),
               ("empty", 50, {})])
        check_files(run, 1)
        check_scalars(run, [])
        check_texts(run, {"start/from": text, "save/checkpoint": "step-00000050"} |
                    {f"samples/{name}": sample for name, sample in SAMPLES.items()})
        check_start(folder)
        write(run, 30, once + [("resume", 30, {"world_size": 4})] + [train(s, 0.5) for s in range(31, 61)])
        check_files(run, 2)
        check_scalars(run, [30])
        write(run, 60, [("resume", 60, {"world_size": 2})] + [train(s, 0.25) for s in range(61, 71)])
        check_files(run, 3)
        check_scalars(run, [30, 60])
        check_start(folder)


if __name__ == "__main__":
    sys.exit(main())
