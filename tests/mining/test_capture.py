"""What goes into each down-projection is handed over, and no hook is left on the model."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from mining.capture import memory_coefficients


class Double(nn.Module):
    """Stands for a down-projection; counts how often it was run."""

    runs = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return 2 * x


@pytest.fixture
def values() -> Iterator[list[Double]]:
    modules = [Double() for _ in range(4)]
    yield modules
    assert not any(module._forward_pre_hooks for module in modules)  # whatever happened


def test_each_layer_asked_for_is_handed_over_and_the_model_stops_after_the_last(
    values: list[Double],
) -> None:
    seen: list[tuple[int, float]] = []
    with memory_coefficients(values, [2, 0, 2], lambda layer, x: seen.append((layer, x.item()))):
        nn.Sequential(*values)(torch.tensor(1.0))
        seen.append((-1, 0.0))  # not reached: the model was left
    assert seen == [(0, 1.0), (2, 4.0)]
    assert [module.runs for module in values] == [1, 1, 0, 0]
    assert nn.Sequential(*values)(torch.tensor(1.0)).item() == 16


def test_hooks_are_removed_when_the_consumer_fails(values: list[Double]) -> None:
    def fail(layer: int, _: torch.Tensor) -> None:
        raise ZeroDivisionError(layer)

    with pytest.raises(ZeroDivisionError, match="1"), memory_coefficients(values, [1, 3], fail):
        nn.Sequential(*values)(torch.tensor(1.0))
    assert [module.runs for module in values] == [1, 0, 0, 0]


def test_hooks_are_removed_when_the_model_fails_or_is_not_run(values: list[Double]) -> None:
    with pytest.raises(TypeError), memory_coefficients(values, [3], lambda *_: None):
        nn.Sequential(*values)("no tensor", "too many")
    with memory_coefficients(values, [0], lambda *_: None):
        pass


def test_two_consumers_may_take_turns(values: list[Double]) -> None:
    seen: list[str] = []
    for name in "ab":
        with memory_coefficients(values, [1], lambda *_, name=name: seen.append(name)):
            nn.Sequential(*values)(torch.tensor(1.0))
    assert seen == ["a", "b"]
