"""Fine-tuned networks on the packaged weights: stages, the probe they start from, learning, saving, the clock."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from deepworth.errors import OutOfTime  # noqa: E402
from deepworth.models import _neural  # noqa: E402
from deepworth.models.tuned import _backbone  # noqa: E402
from deepworth.models.tuned._tuned import AudioTuned, ImageTuned, TextTuned  # noqa: E402
from deepworth.nets.head import Headed  # noqa: E402
from deepworth.registry import find, installed  # noqa: E402
from deepworth.train.memory import kept_bytes, recompute  # noqa: E402
from deepworth.train.recipe import Recipe, groups_of  # noqa: E402
from deepworth.weights._networks import DEFAULTS, load_network  # noqa: E402
from tests.models.media_made import examples, fitted, unlabelled  # noqa: E402

LEARNERS = {"text": TextTuned, "image": ImageTuned, "audio": AudioTuned}
RAW = {
    "text": torch.tensor([[101, 7592, 102, -1], [101, 2088, 999, 102]]),
    "image": torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0)),
    "audio": torch.rand(2, 81, 60, generator=torch.Generator().manual_seed(0)),
}


def network(modality: str):
    package = find("weights", DEFAULTS[modality]).package
    if not installed(package):
        pytest.skip(f"the package {package} with the pretrained {modality} weights is not installed")
    return load_network(modality)


@pytest.mark.parametrize("modality", LEARNERS)
def test_a_backbone_is_rebuilt_from_its_facts(modality):
    backbone, width, facts = _backbone.wrap(network(modality))
    again = _backbone.rebuild(json.loads(json.dumps(facts)))
    again.load_state_dict(backbone.state_dict())
    with torch.no_grad():
        features = backbone.eval()(RAW[modality])
        assert features.shape == (2, width)
        assert torch.equal(again.eval()(RAW[modality]), features)


@pytest.mark.parametrize("modality", LEARNERS)
def test_stages_hold_every_parameter_once_and_begin_at_the_top(modality):
    backbone, _, _ = _backbone.wrap(network(modality))
    layers = _backbone.stages(backbone)
    every = list(backbone.parameters())
    assert sorted(id(p) for layer in layers for p in layer) == sorted(id(p) for p in every)
    assert len(layers) > 4
    assert any(every[0] is p for p in layers[-1]) and any(every[-1] is p for p in layers[0])


def test_padding_changes_no_text_feature():
    backbone, _, _ = _backbone.wrap(network("text"))
    with torch.no_grad():
        alone, padded = backbone.eval()(RAW["text"][:1, :3]), backbone(RAW["text"][:1])
    assert torch.allclose(alone, padded, atol=1e-5)


def test_batch_norms_keep_their_statistics():
    backbone, _, _ = _backbone.wrap(network("image"))
    before = {name: value.clone() for name, value in backbone.state_dict().items() if "running" in name}
    backbone.train()(RAW["image"])
    assert before and all(torch.equal(backbone.state_dict()[name], value) for name, value in before.items())


def test_rates_fall_towards_the_input_and_the_lower_half_waits(tmp_path):
    network("audio")
    parts = examples("audio", "binary", tmp_path / "data", rows=12)
    learner = AudioTuned(parts[0].dataset.task, parts[0].dataset.feature_columns, {})
    from deepworth.models.learner import Context

    learner.begin(parts[0], Context(folder=tmp_path, cache=tmp_path))
    groups = learner.groups()
    rates = [group.lr for group in groups]
    assert rates == sorted(rates, reverse=True) and rates[0] > rates[2] > rates[-1]
    thaws = [group.thaw for group in groups]
    assert thaws == sorted(thaws) and thaws[0] == 0 < thaws[-1]
    assert sum(p.numel() for g in groups for p in g.parameters) == sum(p.numel() for p in learner.module.parameters())


def test_the_lower_half_of_an_image_network_stays(tmp_path):
    network("image")
    parts = examples("image", "binary", tmp_path / "data", rows=12)
    learner = ImageTuned(parts[0].dataset.task, parts[0].dataset.feature_columns, {})
    from deepworth.models.learner import Context

    learner.begin(parts[0], Context(folder=tmp_path, cache=tmp_path))
    groups = learner.groups()
    learnt = {id(p) for group in groups for p in group.parameters}
    body = _backbone.layers(learner.module.backbone)
    assert not any(id(p) in learnt for layer in body[: len(body) // 2] for p in layer.parameters())
    assert all(id(p) in learnt for p in body[-1].parameters()) and not any(group.thaw for group in groups)


@pytest.mark.parametrize("modality", LEARNERS)
def test_recomputing_keeps_less_and_gives_the_same_gradients(modality):
    backbone, width, _ = _backbone.wrap(network(modality))
    made = Recipe(
        module=Headed(backbone, width, 2, 0.1).train(),
        loss=lambda module, batch: (module(batch[0]) - 1.0).square().sum(),
        groups=groups_of(backbone, 1e-4),
        layers=_backbone.layers(backbone),
    )
    torch.nn.init.ones_(made.module.head.weight)

    def kept_and_gradients():
        kept = kept_bytes(made, (RAW[modality],))[0]
        made.module.zero_grad()
        torch.manual_seed(0)
        made.loss(made.module, (RAW[modality],)).backward()
        return kept, torch.cat([p.grad.flatten() for p in backbone.parameters() if p.grad is not None])

    kept, straight = kept_and_gradients()
    recompute(made.layers)
    less, again = kept_and_gradients()
    assert torch.allclose(again, straight, rtol=1e-4, atol=1e-6 * float(straight.abs().max()))
    assert less < kept / 3


@pytest.mark.parametrize("modality", LEARNERS)
def test_without_time_to_train_the_probe_is_kept(modality, tmp_path, monkeypatch):
    def late(*args, **kwargs):
        raise OutOfTime("no step fits")

    network(modality)
    monkeypatch.setattr(_neural, "fit", late)
    parts = examples(modality, "binary", tmp_path / "data", rows=48)
    learner = LEARNERS[modality]
    made, context = fitted(learner, parts, tmp_path / "trial")
    assert context.notes["kept"] == "the start" and context.notes["probe_rows"] == len(parts[0])
    chances = made.predict(unlabelled(parts[2]))
    assert (chances.argmax(1) == parts[2].labels).mean() > 0.6
    (tmp_path / "model").mkdir()
    made.save(tmp_path / "model")
    assert {path.suffix for path in (tmp_path / "model").iterdir()} <= {".json", ".safetensors"}
    assert np.array_equal(learner.load(tmp_path / "model").predict(unlabelled(parts[2])), chances)
    assert "licence" in context.notes
    json.dumps(context.notes)


@pytest.mark.slow
@pytest.mark.parametrize("modality", LEARNERS)
def test_it_trains(modality, tmp_path):
    network(modality)
    parts = examples(modality, "multiclass" if modality != "text" else "binary", tmp_path / "data", rows=36)
    made, context = fitted(LEARNERS[modality], parts, tmp_path / "trial", epochs=2.0)
    assert context.notes["steps"] > 0
    assert (made.predict(parts[0]).argmax(1) == parts[0].labels).mean() > 0.7


@pytest.mark.slow
def test_it_predicts_numbers_in_their_unit(tmp_path):
    network("text")
    parts = examples("text", "regression", tmp_path / "data", rows=36)
    made, _ = fitted(TextTuned, parts, tmp_path / "trial", epochs=1.0)
    errors = made.predict(unlabelled(parts[2])) - parts[2].labels
    assert math.sqrt((errors**2).mean()) < parts[0].labels.std()
