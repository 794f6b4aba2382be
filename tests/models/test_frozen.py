"""Frozen networks with heads: learning, saving, caching, the clock, and the gate before int8."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from deepworth.errors import OutOfTime, UserError  # noqa: E402
from deepworth.models.frozen import _choice, _learner  # noqa: E402
from deepworth.models.frozen._audio import AudioEncoder  # noqa: E402
from deepworth.models.frozen._budget import Budget  # noqa: E402
from deepworth.models.frozen._choice import cosine, judged_equal  # noqa: E402
from deepworth.models.frozen._cost import audio_cost, image_cost, text_cost  # noqa: E402
from deepworth.models.frozen._encode import encode_all  # noqa: E402
from deepworth.models.frozen._image import ImageBackbone, image_levels  # noqa: E402
from deepworth.models.frozen._runtime import int8_runtime, openvino_runtime, torch_runtime  # noqa: E402
from deepworth.models.frozen._text import SentenceEncoder, TextEncoder, cut, shortened  # noqa: E402
from deepworth.models.learner import Context  # noqa: E402
from deepworth.registry import find, installed  # noqa: E402
from deepworth.types import Column, Machine, Task, Workload  # noqa: E402
from deepworth.weights import _networks  # noqa: E402
from deepworth.weights._networks import DEFAULTS  # noqa: E402
from deepworth.weights._quiet import quiet_imports  # noqa: E402
from tests.models.media_made import examples, fitted, unlabelled  # noqa: E402

LEARNERS = {"text": SentenceEncoder, "image": ImageBackbone, "audio": AudioEncoder}


@pytest.fixture(scope="module", autouse=True)
def networks_are_loaded_once():
    """Loading costs more than fitting here."""
    loaded, real = {}, _networks.load_network

    def once(modality, weights=None):
        package = find("weights", DEFAULTS[modality]).package
        if not installed(package):
            pytest.skip(f"the package {package} with the pretrained {modality} weights is not installed")
        if (modality, weights) not in loaded:
            loaded[modality, weights] = real(modality, weights)
        return loaded[modality, weights]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_learner, "load_network", once)
        yield once


@pytest.mark.parametrize("kind", ["binary", "regression"])
@pytest.mark.parametrize("modality", LEARNERS)
def test_it_learns_saves_and_loads(modality, kind, tmp_path):
    parts = examples(modality, kind, tmp_path, rows=48)
    learner, context = fitted(LEARNERS[modality], parts, tmp_path / "fit")
    test = unlabelled(parts[2])
    found = learner.predict(test)
    if kind == "binary":
        assert found.shape == (len(test), 2)
        assert np.allclose(found.sum(axis=1), 1.0)
        assert (found.argmax(axis=1) == parts[2].labels).mean() > 0.7
    else:
        assert found.shape == (len(test),)
        assert np.square(found - parts[2].labels).mean() < parts[2].labels.var() + 1e-9
    assert context.notes["train_rows_used"] == len(parts[0])
    (tmp_path / "saved").mkdir()
    learner.save(tmp_path / "saved")
    again = LEARNERS[modality].load(tmp_path / "saved")
    assert np.allclose(again.predict(test), found, atol=1e-5)


def test_other_weights_than_the_fitted_ones_are_refused(tmp_path):
    learner, _ = fitted(SentenceEncoder, examples("text", "binary", tmp_path), tmp_path / "fit")
    (tmp_path / "saved").mkdir()
    learner.save(tmp_path / "saved")
    facts = (tmp_path / "saved" / "frozen.json").read_text()
    (tmp_path / "saved" / "frozen.json").write_text(facts.replace(learner.network.digest, "0" * 16))
    with pytest.raises(UserError, match="install the same weights"):
        SentenceEncoder.load(tmp_path / "saved")


def text_encoder(once, names=("what",)):
    return TextEncoder(once("text"), names, (), 1)


def test_features_do_not_depend_on_order_or_company(tmp_path, networks_are_loaded_once):
    train, *_ = examples("text", "binary", tmp_path, rows=60)
    encoder = text_encoder(networks_are_loaded_once)
    run = torch_runtime(encoder.module(256), 1).run
    whole = encode_all(encoder, 256, run, train)
    order = np.random.default_rng(0).permutation(len(train))
    assert np.allclose(encode_all(encoder, 256, run, train.take(order)), whole[order], atol=1e-4)
    assert np.allclose(encode_all(encoder, 256, run, train.take(np.array([3]))), whole[[3]], atol=1e-4)


def test_two_text_columns_stand_side_by_side(tmp_path, networks_are_loaded_once):
    train, *_ = examples("text", "binary", tmp_path, rows=30)
    table = train.table.append_column("more", train.table["what"])
    one, two = text_encoder(networks_are_loaded_once), text_encoder(networks_are_loaded_once, ("what", "more"))
    run = torch_runtime(one.module(256), 1).run
    single = encode_all(one, 256, run, train)
    both = encode_all(two, 256, run, replace(train, table=table))
    assert np.allclose(both, np.hstack([single, single]), atol=1e-4)


def test_empty_documents_have_finite_features(tmp_path, networks_are_loaded_once):
    import pyarrow as pa

    train, *_ = examples("text", "binary", tmp_path, rows=30)
    blank = replace(train, table=pa.table({"what": [""] * 15 + [None] * 15}))
    encoder = text_encoder(networks_are_loaded_once)
    assert np.isfinite(encode_all(encoder, 64, torch_runtime(encoder.module(64), 1).run, blank)).all()


def test_a_second_fit_encodes_nothing(tmp_path, monkeypatch):
    parts = examples("text", "binary", tmp_path)
    first, _ = fitted(SentenceEncoder, parts, tmp_path / "fit")
    expected = first.predict(parts[2])

    def never(*_):
        raise AssertionError("rows were encoded again")

    monkeypatch.setattr(_learner, "encode", never)
    second, _ = fitted(SentenceEncoder, parts, tmp_path / "fit")
    assert np.array_equal(second.predict(parts[2]), expected)


def test_without_time_there_is_nothing(tmp_path):
    parts = examples("text", "binary", tmp_path)
    learner = SentenceEncoder(parts[0].dataset.task, parts[0].dataset.feature_columns, {})
    context = Context(folder=tmp_path, cache=tmp_path, deadline=time.monotonic() - 1.0, predict_rows=10)
    with pytest.raises(OutOfTime, match="s would be needed"):
        learner.fit(parts[0], parts[1], context)


def test_little_time_means_fewer_training_rows(tmp_path, monkeypatch):
    """The machine is made to look so slow that a third of the rows fit; nothing waits."""
    parts = examples("text", "binary", tmp_path, rows=900)
    real = _learner.choose

    def slow(encoder, digest, task, train, valid, context):
        choice = real(encoder, digest, task, train, valid, context)
        return replace(choice, seconds_per_work=0.0015 * context.remaining() * len(train) / encoder.work(train, 256))

    clock = Clock(monkeypatch)
    monkeypatch.setattr(_learner, "choose", slow)
    monkeypatch.setattr(_learner, "encode", clock.encode(lambda: 0.0015 * 60.0 / 8.0))
    learner, context = fitted(SentenceEncoder, parts, tmp_path / "fit", seconds=60.0)
    assert 64 <= context.notes["train_rows_used"] < len(parts[0])
    assert "training rows: all the time allowed" in context.notes["remark"]
    assert learner.predict(parts[2]).shape == (len(parts[2]), 2)


class Clock:
    """A clock that only encoding moves, by the work it does times the seconds a unit takes at that moment."""

    def __init__(self, monkeypatch):
        self.now = self.begun = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    @property
    def passed(self):
        return self.now - self.begun

    def encode(self, seconds_per_work):
        real = _learner.encode

        def timed(encoder, level, run, rows):
            self.now += encoder.work(rows, level) * seconds_per_work()
            yield from real(encoder, level, run, rows)

        return timed


class Plain:
    """An encoder whose work at a level is the level, and whose features are zeros."""

    levels, unit, parts, width, one_network, key = (256, 128, 64), "tokens", 1, 1, True, "plain"

    def work(self, rows, level):
        return float(len(rows) * level)

    def batches(self, rows, level):
        yield np.arange(len(rows)), (np.zeros((len(rows), 1), dtype=np.float32),)


def encoded(tmp_path, monkeypatch, probed, pace, seconds, rows=3000):
    """What a frozen learner encodes in `seconds` when a probe says `probed` s a unit of work and it is `pace(passed)`:
    (level, train rows, seconds used)."""
    train, valid, _ = examples("text", "binary", tmp_path, rows=6)
    train, valid = (
        replace(part, rows=np.zeros(n, int), labels=np.zeros(n, int)) for part, n in ((train, rows), (valid, 500))
    )
    train = replace(train, rows=np.arange(rows), table=train.table.take([0] * (rows + 500)))
    valid = replace(valid, rows=np.arange(rows, rows + 500), table=train.table)
    clock = Clock(monkeypatch)
    monkeypatch.setattr(_learner, "encode", clock.encode(lambda: pace(clock.passed)))
    learner = SentenceEncoder(train.dataset.task, (), {})
    learner.encoder, learner.network = Plain(), SimpleNamespace(digest="none")
    learner.runtime = SimpleNamespace(name="none", run=lambda batch: batch[0])
    context = Context(folder=tmp_path, cache=tmp_path, deadline=clock.now + seconds, predict_rows=1000)
    learner.budget = Budget(learner.encoder, train.dataset.task, train, valid, context)
    learner.budget.probed(probed)
    learner.level = learner.budget.finest()
    kept = learner._encode(train, valid, context)
    return learner.level, len(kept), clock.passed


FULL = 4500 * 256  # of work: all of train, valid and test at the finest level


def test_a_probe_in_a_busy_moment_does_not_cost_the_level(tmp_path, monkeypatch):
    level, rows, _ = encoded(tmp_path, monkeypatch, probed=10 * 60 / FULL, pace=lambda _: 60 / FULL, seconds=120)
    assert (level, rows) == (256, 3000)


def test_a_probe_in_an_idle_moment_does_not_cost_the_trial(tmp_path, monkeypatch):
    level, rows, used = encoded(tmp_path, monkeypatch, probed=60 / FULL, pace=lambda _: 240 / FULL, seconds=120)
    assert (level, rows) == (64, 3000)
    assert used < 120 * 0.85 - 1000 / 4500 * 60


def test_time_that_a_machine_gives_back_is_used(tmp_path, monkeypatch):
    """Slow for a minute, so that it begins coarse, then fast: all is done again at the finest level."""
    pace = lambda passed: (500 if passed < 60 else 50) / FULL  # noqa: E731
    level, rows, used = encoded(tmp_path, monkeypatch, probed=500 / FULL, pace=pace, seconds=300)
    assert (level, rows) == (256, 3000)
    assert used < 300


def test_what_was_encoded_serves_when_a_finer_level_does_not_come_through(tmp_path, monkeypatch):
    """Fast when the finer level is begun, then slow again: the coarse features are there."""
    pace = lambda passed: (500 if passed < 60 else 50 if passed < 90 else 400) / FULL  # noqa: E731
    level, rows, used = encoded(tmp_path, monkeypatch, probed=500 / FULL, pace=pace, seconds=200, rows=4000)
    assert rows == 4000 and level < 256
    assert used < 200


def test_long_documents_keep_both_ends():
    assert cut(list(range(8)), 8) == list(range(8))
    assert cut(list(range(20)), 8) == [0, 1, 14, 15, 16, 17, 18, 19]
    text = "a" * 5000 + "b" * 5000
    assert shortened(text, 64) == "a" * 192 + " " + "b" * 576
    assert shortened(text, 2000) == text


def test_the_level_goes_down_when_rows_do_not_fit(tmp_path, networks_are_loaded_once, monkeypatch):
    import pyarrow as pa

    monkeypatch.setattr(_choice, "_may_convert", lambda runtime: False)  # takes longer, decides nothing here

    train, valid, _ = examples("text", "binary", tmp_path, rows=60)
    long = pa.table({"what": ["a long and winding road " * 60] * 60})
    train, valid = replace(train, table=long), replace(valid, table=long)
    encoder = text_encoder(networks_are_loaded_once)
    task = train.dataset.task
    plenty = Context(folder=tmp_path, cache=tmp_path / "a", deadline=time.monotonic() + 1e6)
    assert _choice.choose(encoder, "x", task, train, valid, plenty).level == 256
    hurry = Context(folder=tmp_path, cache=tmp_path / "b", deadline=time.monotonic() + 60, predict_rows=10**6)
    assert _choice.choose(encoder, "x", task, train, valid, hurry).level == 64


def test_converted_and_quantised_networks_answer_alike(tmp_path, networks_are_loaded_once):
    pytest.importorskip("openvino")
    pytest.importorskip("nncf")
    train, *_ = examples("text", "binary", tmp_path, rows=60)
    encoder = text_encoder(networks_are_loaded_once)
    module, file = encoder.module(256), tmp_path / "network.xml"
    trusted = encode_all(encoder, 256, torch_runtime(module, 1).run, train)
    exact = openvino_runtime(module, file, 1, encoder.example(256), "fp32")
    assert np.allclose(encode_all(encoder, 256, exact.run, train), trusted, atol=2e-3)
    small = int8_runtime(module, file, 1, encoder.example(256), lambda: [b for _, b in encoder.batches(train, 256)])
    assert small.name == "openvino-int8"
    assert cosine(trusted, encode_all(encoder, 256, small.run, train)) > 0.95


def test_ctrl_c_is_survived_where_another_thread_drops_a_compiled_network(tmp_path):
    pytest.importorskip("openvino")
    code = """if True:
        import faulthandler, gc, os, signal, sys, threading, time
        from pathlib import Path
        import numpy as np, torch
        from deepworth.models.frozen._runtime import openvino_runtime
        faulthandler.enable()  # what gives Python's threads a signal stack; pytest and notebooks do it
        signal.signal(signal.SIGINT, signal.default_int_handler)
        held = [openvino_runtime(torch.nn.Linear(4, 2), Path(sys.argv[1]), 1, (np.zeros((1, 4), np.float32),))]
        dropping = threading.Thread(target=lambda: (held.clear(), gc.collect()))
        dropping.start()
        dropping.join()
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            print("interrupted")
    """
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "network.xml")], capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, "interrupted"), ended.stderr


def test_the_gate_refuses_a_bad_quantisation():
    rng = np.random.default_rng(0)
    task = Task(kind="binary", target="y", classes=("a", "b"))
    good = rng.normal(size=(300, 8)).astype(np.float32)
    labels = (good[:, 0] > 0).astype(np.int64)
    assert judged_equal(task, labels, good, good + 1e-3 * rng.normal(size=good.shape).astype(np.float32))
    coarse = np.round(good / 4.0).astype(np.float32)
    assert not judged_equal(task, labels, good, coarse)
    assert cosine(good, coarse) < 0.9
    assert cosine(good, good) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("native", "best"), [(28, 128), (160, 160), (500, 224)])
def test_image_sides_follow_the_images(native, best):
    levels = image_levels(native, 224)
    assert levels[0] == best
    assert list(levels) == sorted(set(levels), reverse=True)


def test_costs_grow_with_the_rows():
    task, machine = Task(kind="binary", target="y", classes=(0, 1)), Machine(threads=2, memory_gb=8.0, gflops=100.0)
    sizes = {"chars": 500.0, "texts": 1, "pixels": 20_000.0, "clip_seconds": 2.0}
    for modality, cost in (("text", text_cost), ("image", image_cost), ("audio", audio_cost)):
        small, large = (
            cost(Workload(modality=modality, task=task.kind, classes=2, train=n, valid=n, test=n, **sizes), machine, {})
            for n in (100, 10_000)
        )
        assert small.seconds.likely < large.seconds.likely
        assert small.seconds.low < small.seconds.likely < small.seconds.high


def test_a_table_without_the_column_kind_is_refused(tmp_path):
    parts = examples("text", "binary", tmp_path)
    learner = SentenceEncoder(parts[0].dataset.task, (Column(name="what", kind="image"),), {})
    with pytest.raises(UserError, match="text column"):
        learner.fit(parts[0], parts[1], Context(folder=tmp_path, cache=tmp_path))


def test_openvino_reports_its_use_to_nobody():
    """Its telemetry forks, and a forked OpenBLAS stops: a fit that converted a network once hung for good."""
    pytest.importorskip("openvino")
    quiet_imports()
    from openvino.tools.ovc import telemetry_utils

    assert telemetry_utils.tm.__name__ == "openvino.tools.ovc.telemetry_stub"
