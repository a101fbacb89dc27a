"""The trend over layers: tau-b by hand, by every pair and by SciPy; p by every order of layers."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_oracle import tau_b_by_loops
from scipy.stats import kendalltau

from annotations.bootstrap import Rounds
from annotations.trend import Trend, share_trend

units = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([0.0, 0.2, 1 / 3, 0.4, 1.0])),
    min_size=1,
    max_size=12,
)


def trend(pairs: list[tuple[int, float]], rounds: int = 20, seed: int = 0) -> Trend | str:
    layers, shares = zip(*pairs, strict=True)
    return share_trend(np.array(layers), np.array(shares), drawn=Rounds(rounds, seed), stream=0)


def known(pairs: list[tuple[int, float]], **how: int) -> Trend:
    found = trend(pairs, **how)
    assert isinstance(found, Trend)
    return found


def test_a_worked_example() -> None:
    # 6 pairs; one is tied in layer and one in share, so 5 of 6 are untied on either side. Of the
    # other four, three rise and one falls: (3 - 1) / sqrt(5 * 5).
    assert known([(0, 0.45), (0, 0.4), (1, 0.4), (2, 0.5)]).tau == pytest.approx(0.4)


@settings(max_examples=80, deadline=None)
@given(units)
def test_tau_is_that_of_every_two_keys_and_of_scipy(pairs: list[tuple[int, float]]) -> None:
    expected = tau_b_by_loops(pairs)
    found = trend(pairs)
    if expected is None:
        assert isinstance(found, str)
    else:
        assert isinstance(found, Trend)
        assert found.tau == pytest.approx(expected)
        assert found.tau == pytest.approx(kendalltau(*zip(*pairs, strict=True)).statistic)


@pytest.mark.parametrize(("rising", "tau"), [(True, 1.0), (False, -1.0)])
def test_a_share_that_only_rises_or_falls_is_at_the_end_of_the_scale(
    rising: bool, tau: float
) -> None:
    found = known([(layer, layer / 10 if rising else 1 - layer / 10) for layer in range(9)])
    assert (found.tau, found.low, found.high) == pytest.approx((tau, tau, tau))


def test_p_is_the_share_of_all_orders_that_are_as_extreme() -> None:
    pairs = [(0, 0.0), (0, 0.2), (1, 0.1), (1, 0.6), (2, 0.4), (2, 0.6)]
    layers, shares = zip(*pairs, strict=True)
    bar = abs(tau_b_by_loops(pairs) or 0) - 1e-12
    orders = list(itertools.permutations(layers))
    extreme = sum(
        abs(tau_b_by_loops(list(zip(order, shares, strict=True))) or 0) >= bar for order in orders
    )
    assert known(pairs, rounds=20_000).p == pytest.approx(extreme / len(orders), abs=0.01)


def test_p_is_never_0_and_no_less_than_one_shuffle_can_tell() -> None:
    rising = [(layer, layer + key / 100) for layer in range(8) for key in range(5)]
    assert known(rising, rounds=99).p == pytest.approx(1 / 100)


def test_without_a_trend_p_is_large_and_the_interval_holds_0() -> None:
    alternating = [(layer, key % 2) for layer in range(6) for key in range(10)]
    found = known(alternating, rounds=400)
    assert (found.tau, found.p) == (0, 1)
    assert found.low < 0 < found.high


def test_the_interval_is_that_of_drawing_keys() -> None:
    # Of the 27 draws of three keys, those with two different ones at least have tau 1, -1 or
    # between; the three with one key only have none and are left out.
    pairs = [(0, 0.0), (1, 1.0), (2, 0.5)]
    draws = [
        tau_b_by_loops([pairs[place] for place in places])
        for places in itertools.product(range(3), repeat=3)
    ]
    assert draws.count(None) == 3
    found = known(pairs, rounds=3000)
    assert found.left_out / 3000 == pytest.approx(3 / 27, abs=0.02)
    exact = np.percentile([tau for tau in draws if tau is not None], [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx(tuple(exact))


def test_the_seed_alone_decides() -> None:
    pairs = [(layer, (7 * layer + 3 * key) % 5 / 5) for layer in range(5) for key in range(4)]
    assert known(pairs, rounds=200) == known(pairs, rounds=200)
    assert known(pairs, rounds=200).low != known(pairs, rounds=200, seed=1).low


def test_shares_that_differ_by_rounding_alone_are_ties() -> None:
    pairs = [(0, 0.3), (1, 0.1 + 0.2), (2, 0.5)]
    assert known(pairs).tau == pytest.approx(tau_b_by_loops([(0, 0.3), (1, 0.3), (2, 0.5)]) or 0)


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ([(3, 0.0), (3, 0.5)], "fewer than two layers"),
        ([(3, 0.5), (4, 0.5)], "the same share"),
    ],
)
def test_where_there_is_nothing_to_compare_it_says_so(
    pairs: list[tuple[int, float]], reason: str
) -> None:
    assert reason in str(trend(pairs))


def test_blocks_of_rounds_change_nothing_but_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(layer, (7 * layer + 3 * key) % 5 / 5) for layer in range(5) for key in range(4)]
    whole = known(pairs, rounds=50)
    monkeypatch.setattr("annotations.trend._CELLS_AT_ONCE", 60)
    monkeypatch.setattr("annotations.bootstrap._COUNTS_AT_ONCE", 70)
    assert known(pairs, rounds=50) == whole
