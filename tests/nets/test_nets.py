"""The networks accept the shapes they promise, ignore padding, and learn a toy problem."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from deepworth.nets.head import Headed  # noqa: E402
from deepworth.nets.resnet import ResNet  # noqa: E402
from deepworth.nets.spectrogram_cnn import SpectrogramCNN  # noqa: E402
from deepworth.nets.transformer import TextTransformer, masked_mean  # noqa: E402


def learns(net, inputs, labels, steps=40, rate=3e-3):
    """The accuracy on its own training rows after a few full-batch steps."""
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(net.parameters(), rate)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(net(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return (net.eval()(inputs).argmax(1) == labels).float().mean().item()


def halves(n):
    return (torch.arange(n) % 2).long()


def test_transformer_ignores_padding():
    torch.manual_seed(0)
    net = TextTransformer(50, 3, width=16, heads=2, max_length=12).eval()
    ids = torch.randint(1, 50, (4, 7))
    padded = torch.nn.functional.pad(ids, (0, 5))
    with torch.no_grad():
        assert torch.allclose(net(ids), net(padded), atol=1e-5)


def test_transformer_takes_an_empty_text():
    net = TextTransformer(50, 3, width=16, heads=2, max_length=12)
    ids = torch.randint(1, 50, (3, 6))
    ids[1] = 0
    out = net(ids)
    out.sum().backward()
    assert torch.isfinite(out).all()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_transformer_learns():
    torch.manual_seed(0)
    labels = halves(32)
    ids = torch.randint(3, 40, (32, 6))
    ids[:, 2] = 1 + labels
    assert learns(TextTransformer(40, 2, width=16, heads=2, max_length=6, dropout=0.0), ids, labels) >= 0.95


@pytest.mark.parametrize("side", [8, 28, 65, 96])
def test_resnet_takes_any_side(side):
    net = ResNet(5, side, widths=(8, 16), blocks=1)
    assert net(torch.rand(2, 3, side, side)).shape == (2, 5)


def test_resnet_loss_does_not_depend_on_the_batch():
    torch.manual_seed(0)
    net = ResNet(3, 16, widths=(8, 16), blocks=1, dropout=0.0)  # in training mode on purpose
    images = torch.rand(6, 3, 16, 16)
    with torch.no_grad():
        assert torch.allclose(net(images), torch.cat([net(images[:2]), net(images[2:])]), atol=1e-5)


def test_resnet_learns():
    torch.manual_seed(0)
    labels = halves(32)
    images = torch.rand(32, 3, 12, 12)
    images[labels == 1, 0, 3:9, 3:9] += 1
    assert learns(ResNet(2, 12, widths=(8, 16), blocks=1, dropout=0.0), images, labels) >= 0.95


@pytest.mark.parametrize("frames", [10, 100, 333])
def test_spectrogram_cnn_takes_any_length(frames):
    assert SpectrogramCNN(4, widths=(8, 8, 16))(torch.randn(2, 64, frames)).shape == (2, 4)


def test_spectrogram_cnn_learns():
    torch.manual_seed(0)
    labels = halves(32)
    mels = torch.randn(32, 32, 40)
    mels[labels == 1, 8:12, 10:20] += 3
    assert learns(SpectrogramCNN(2, widths=(8, 8, 16), dropout=0.0), mels, labels) >= 0.95


def test_headed_starts_from_a_probe():
    backbone = torch.nn.Flatten()
    net = Headed(backbone, 6, 2)
    mean, scale, weight, bias = torch.randn(6), torch.rand(6), torch.randn(2, 6), torch.randn(2)
    net.start(mean, scale, weight, bias)
    x = torch.randn(3, 2, 3)
    assert torch.allclose(net(x), ((x.flatten(1) - mean) * scale) @ weight.T + bias, atol=1e-6)


def test_masked_mean_is_the_mean_of_the_tokens():
    states = torch.randn(2, 4, 3)
    mask = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0]]).bool()
    mean = masked_mean(states, mask)
    assert torch.allclose(mean[0], states[0, :2].mean(0)) and torch.equal(mean[1], torch.zeros(3))
