"""The scale of a search: stricter than that of a pair, by the odds of one among many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekognition_local.storage.gallery import SEARCH_ODDS, calibrate_for_search


@pytest.mark.parametrize(("pair", "search"), [(0.0, 0.0), (80.0, 0.79), (99.0, 16.53), (99.95, 79.99), (100.0, 100.0)])
def test_a_pair_s_similarity_among_many(pair: float, search: float) -> None:
    assert calibrate_for_search(np.array([pair]))[0] == pytest.approx(search, abs=0.01)


@given(pair=st.floats(0.001, 99.999))
def test_the_odds_are_divided_by_a_constant(pair: float) -> None:
    search = calibrate_for_search(np.array([pair]))[0]

    assert search / (100 - search) == pytest.approx(pair / (100 - pair) / SEARCH_ODDS, rel=1e-6)


@given(pairs=st.lists(st.floats(0, 100), min_size=2, max_size=20))
def test_the_order_of_the_matches_stays(pairs: list[float]) -> None:
    ordered = calibrate_for_search(np.array(sorted(pairs)))

    assert (np.diff(ordered) >= 0).all()
    assert ((ordered >= 0) & (ordered <= 100)).all()
