"""The equalities of the loop: a result depends on the batch, not on how, where or in how many sittings it is made."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch import nn

from deepworth.errors import OutOfMemory
from deepworth.train.batches import IndexBatches, StreamBatches
from deepworth.train.keep import Average
from deepworth.train.loop import train
from deepworth.train.options import Options
from deepworth.train.recipe import Recipe, groups_of, squared_error, supervised
from deepworth.train.runtime import LocalRuntime
from tests.train.made import BATCH, ROWS, data, evaluate, losses, net, recipe, run


class Steps:
    """An observer that remembers at which steps it was shown something."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def see(self, moment):
        self.seen.append(moment.step)


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


@pytest.mark.parametrize("micro_batch", [32, 16, 8, 5, 1])
def test_cutting_a_batch_changes_nothing(micro_batch):
    whole, cut = run(), run(micro_batch=micro_batch)
    assert cut.micro_batch == micro_batch
    assert losses(cut) == pytest.approx(losses(whole), rel=1e-5)
    assert whole.history[0].score < whole.best_score - 0.01  # it did learn


def test_the_usual_mean_of_means_would_fail_this():
    """The equality above is no accident of the data: micro-batches that count alike, whatever their rows, break it."""
    means = {
        "loss": lambda module, batch: nn.functional.cross_entropy(module(batch[0]), batch[1]),
        "weight": lambda batch: 1.0,
    }
    whole, cut = run(recipe(**means)), run(recipe(**means), micro_batch=5)
    assert cut.best_score != pytest.approx(whole.best_score, rel=1e-4)


def test_weights_of_unequal_rows_count():
    """A loss over tokens: the step divides by the tokens of all micro-batches, not by their number."""
    x, y = data()
    tokens = torch.arange(ROWS, dtype=torch.float32) % 7

    def loss(module, batch):
        inputs, weight, target = batch
        return (nn.functional.cross_entropy(module(inputs), target, reduction="none") * weight).sum()

    def trained(micro_batch):
        batches = IndexBatches((x, tokens, y), BATCH, seed=3)
        made = recipe(loss=loss, weight=lambda batch: float(batch[1].sum()))
        return run(made, batches=batches, micro_batch=micro_batch)

    assert losses(trained(8)) == pytest.approx(losses(trained(None)), rel=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("stop_at", [3, 4, 9])
def test_resuming_is_bitwise_the_same(tmp_path, monkeypatch, dropout, stop_at):
    monkeypatch.setattr("deepworth.train.loop.SAVING", math.inf)  # a checkpoint after every step
    straight = recipe(dropout)
    whole = run(straight)

    class Kill:
        def see(self, moment):
            if moment.step == stop_at:
                raise KeyboardInterrupt

    killed = recipe(dropout)
    with pytest.raises(KeyboardInterrupt):
        run(killed, folder=tmp_path, watch=(Kill(),), checkpoint_seconds=0.0, report_seconds=-1.0)
    resumed, steps = recipe(dropout), Steps()
    again = run(resumed, folder=tmp_path, watch=(steps,), report_seconds=-1.0)
    assert steps.seen[0] == stop_at  # the step that was seen but not yet saved is done again
    assert losses(again) == losses(whole)
    assert torch.equal(weights(resumed.module), weights(straight.module))
    assert not list(tmp_path.glob("*.tmp"))


def test_resuming_a_finished_training_only_loads_it(tmp_path, monkeypatch):
    monkeypatch.setattr("deepworth.train.loop.SAVING", math.inf)
    whole, steps, made = run(folder=tmp_path, checkpoint_seconds=0.0), Steps(), recipe()
    again = run(made, folder=tmp_path, watch=(steps,))
    assert losses(again) == losses(whole) and not steps.seen
    made.module.eval()
    assert evaluate(made.module) == pytest.approx(whole.best_score)


def test_observers_cannot_change_the_result():
    class Meddler:
        def see(self, moment):
            torch.manual_seed(0)
            torch.rand(10)
            with pytest.raises(AttributeError):
                moment.loss = 0.0

    quiet, watched = recipe(0.3), recipe(0.3)
    assert losses(run(quiet)) == losses(run(watched, watch=(Meddler(),), report_seconds=-1.0))
    assert torch.equal(weights(quiet.module), weights(watched.module))


class Cramped(nn.Module):
    """Fails as an allocator does above so many rows."""

    def __init__(self, inner: nn.Module, rows: int, error: type[Exception] = RuntimeError) -> None:
        super().__init__()
        self.inner, self.rows, self.error = inner, rows, error

    def forward(self, x):
        if self.training and len(x) > self.rows:
            raise self.error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return self.inner(x)


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, torch.OutOfMemoryError])
def test_missing_memory_is_answered_with_smaller_micro_batches(error):
    module = Cramped(net(), 20, error)
    outcome = run(recipe(module=module, groups=groups_of(module, 0.01, 0.1)))
    assert outcome.micro_batch == 16
    assert losses(outcome) == pytest.approx(losses(run()), rel=1e-5)


def test_a_row_too_large_is_an_error():
    module = Cramped(net(), 0)
    with pytest.raises(OutOfMemory, match="single row"):
        run(recipe(module=module, groups=groups_of(module, 0.01)))


def test_other_errors_pass_through():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        run(batches=IndexBatches((torch.zeros(9, 3), torch.zeros(9, dtype=torch.long)), 4))


def test_early_stopping_keeps_the_best():
    """A learning rate that grows until it ruins the weights."""
    made = recipe(schedule=lambda progress: 300.0 * progress**4)
    outcome = run(made, epochs=30, patience=3, ema=0.0)
    scores = [moment.score for moment in outcome.history]
    assert outcome.reason == "patience"
    assert len(scores) - 1 - scores.index(max(scores)) == 3
    made.module.eval()
    assert evaluate(made.module) == pytest.approx(max(scores)) == pytest.approx(outcome.best_score)


def test_what_does_not_beat_the_start_ends_early():
    free = run(epochs=30, patience=3, ema=0.0)
    start = free.history[4].score  # what the fifth epoch reaches
    assert run(epochs=30, patience=3, ema=0.0, to_beat=start + 10).steps == 12
    assert run(epochs=30, patience=6, ema=0.0, to_beat=start).steps == run(epochs=30, patience=6, ema=0.0).steps


def test_a_loss_that_is_no_number_ends_the_training_with_the_best():
    made = recipe(schedule=lambda progress: 1.0 if progress < 0.5 else 1e30)
    outcome = run(made, epochs=20, ema=0.0)
    assert outcome.reason == "diverged" and outcome.steps < 80
    assert torch.isfinite(weights(made.module)).all()


def test_the_deadline_returns_the_best_so_far():
    made, begun = recipe(), time.process_time()
    outcome = run(made, epochs=1e6, deadline=time.monotonic() + 0.5)
    assert outcome.reason == "deadline" and time.process_time() - begun < 1.0
    assert outcome.best_step > 0 and outcome.history[-1].step == outcome.steps
    made.module.eval()
    assert evaluate(made.module) == pytest.approx(outcome.best_score)


def test_a_deadline_in_the_past_trains_nothing():
    made = recipe()
    before = weights(made.module).clone()
    outcome = run(made, deadline=time.monotonic() - 1)
    assert (outcome.steps, outcome.best_step) == (0, 0)
    assert torch.equal(weights(made.module), before)


def test_the_average_of_the_weights_is_what_is_kept():
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    average, expected = Average(module, 0.5), 0.0
    for step in range(1, 6):
        module.weight.data.fill_(float(step))
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    with average.in_place():
        assert module.weight.item() == pytest.approx(expected)
    assert module.weight.item() == 5.0


def test_clipping_bounds_the_gradient_of_the_whole_step():
    """With plain SGD the change of the weights is lr x gradient."""
    for micro_batch in (None, 8):
        module = net()
        before = weights(module).clone()
        made = Recipe(
            module=module,
            loss=lambda module, batch: 1e3 * nn.functional.cross_entropy(module(batch[0]), batch[1], reduction="sum"),
            groups=groups_of(module, lr=1.0),
            optimizer=torch.optim.SGD,
        )
        run(made, epochs=1 / 4, clip_norm=0.25, ema=0.0, micro_batch=micro_batch)
        assert (weights(module) - before).norm().item() == pytest.approx(0.25, rel=1e-3)


def test_frozen_groups_thaw_when_due():
    module = net()
    head, body = module[-1], module[:-1]
    frozen = weights(body).clone()
    made = recipe(module=module, groups=(*groups_of(head, 0.01), *groups_of(body, 0.001, thaw=0.5)))
    moved = []

    class Watch:
        def see(self, moment):
            moved.append((moment.step / moment.steps, not torch.equal(weights(body), frozen)))

    run(made, watch=(Watch(),), report_seconds=-1.0, ema=0.0, epochs=5)
    assert [share for share, changed in moved if not changed] == [i / 20 for i in range(1, 11)]
    assert len(moved) == 20


def test_parameters_in_no_group_stay():
    module = net()
    before = weights(module[0]).clone()
    run(recipe(module=module, groups=groups_of(module[-1], 0.01)), ema=0.0)
    assert torch.equal(weights(module[0]), before)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_learns_alike(precision):
    full, mixed = run(), run(runtime=LocalRuntime("cpu", precision))
    assert mixed.best_score == pytest.approx(full.best_score, abs=0.02)
    assert mixed.history[-1].loss != full.history[-1].loss  # it was in use


def test_fp16_scaling_resumes(tmp_path):
    runtime, fresh = LocalRuntime("cpu", "fp16"), LocalRuntime("cpu", "fp16")
    run(runtime=runtime)
    runtime.scaler.update(1234.0)
    runtime.save(tmp_path / "state", {})
    fresh.load(tmp_path / "state", {})
    assert fresh.scaler.get_scale() == 1234.0


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_on_an_accelerator(precision):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x, y = (tensor.cuda() for tensor in data())
    xv, yv = (tensor.cuda() for tensor in data(seed=5))

    def score(module):
        return -float(nn.functional.cross_entropy(module(xv), yv))

    batches, options = IndexBatches((x, y), BATCH, seed=3), Options(epochs=4, clip_norm=1.0, ema=0.9)
    outcome = train(recipe(), batches, score, options, LocalRuntime("cuda", precision))
    assert outcome.best_score == pytest.approx(run().best_score, abs=0.02)


def test_streamed_batches_train_like_resident_ones():
    x, y = data()
    streamed = StreamBatches(lambda rows: (x[rows], y[rows]), ROWS, BATCH, seed=3, workers=2)
    whole, cut = run(), run(batches=streamed, micro_batch=16)
    assert losses(cut) == pytest.approx(losses(whole), rel=1e-5)
    assert 0.0 < cut.waiting < 1.0


def test_a_regression_converges_to_the_least_squares_solution():
    x, _ = data()
    target = x @ torch.arange(8.0) + 1
    module = nn.Linear(8, 1)
    made = Recipe(module=module, loss=supervised(squared_error), groups=groups_of(module, 0.05))
    train(made, IndexBatches((x, target), BATCH), lambda m: -float(squared_error(m(x), target)), Options(epochs=150))
    assert module.weight.detach().flatten().tolist() == pytest.approx(list(range(8)), abs=1e-2)


def test_evaluations_come_every_so_many_steps():
    outcome = run(evaluate_every=3, epochs=2)
    assert [moment.step for moment in outcome.history] == [3, 6, 8]
    assert math.isclose(outcome.history[-1].epoch, 2.0)
