"""The vector index: exact, growing, shrinking, searched while it changes."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekognition_local.storage.vector_index import VectorIndex

SIZE = 8


def vectors(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, SIZE)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 3, 1024, 1025, 40_000, 70_000])
@pytest.mark.parametrize("most", [1, 5, 4096])
def test_the_nearest_are_those_of_a_plain_scan(count: int, most: int) -> None:
    index, rows = VectorIndex(SIZE), vectors(count)
    index.add(range(1, count + 1), rows)
    probe = vectors(1, seed=1)[0]

    numbers, nearest = index.nearest(probe, most)

    distances = np.linalg.norm(rows.astype(np.float64) - probe, axis=1)
    expected = np.sort(distances)[:most]
    assert len(numbers) == min(most, count)
    np.testing.assert_allclose(distances[numbers - 1], expected, atol=1e-5)
    np.testing.assert_array_equal(nearest, rows[numbers - 1])


def test_an_empty_index_finds_nothing() -> None:
    assert len(VectorIndex(SIZE).nearest(vectors(1)[0], 5)[0]) == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=12), st.integers(0, 2**32))
def test_whatever_is_added_and_removed_the_rest_is_found(changes: list[tuple[bool, int]], seed: int) -> None:
    random = np.random.default_rng(seed)
    index, kept, last = VectorIndex(SIZE), dict[int, np.ndarray](), 0
    for is_added, amount in changes:
        if is_added:
            rows = random.normal(size=(amount, SIZE)).astype(np.float32)
            numbers = range(last + 1, last + 1 + amount)
            index.add(numbers, rows)
            kept |= dict(zip(numbers, rows, strict=True))
            last += amount
        elif kept:
            gone = random.choice(list(kept), min(amount, len(kept)), replace=False)
            index.remove([*gone.tolist(), last + 7, -1])
            for number in gone.tolist():
                del kept[number]

    found, _ = index.nearest(np.zeros(SIZE, np.float32), 10_000)

    assert set(found.tolist()) == set(sorted(kept, key=lambda n: float((kept[n] ** 2).sum()))[:10_000])


def test_removing_twice_is_removing_once() -> None:
    index = VectorIndex(SIZE)
    index.add([1, 2, 3], vectors(3))

    index.remove([2, 2])
    index.remove([2])

    assert sorted(index.nearest(vectors(1)[0], 9)[0].tolist()) == [1, 3]


def test_a_removed_vector_is_overwritten() -> None:
    index, rows = VectorIndex(SIZE), vectors(3)
    index.add([1, 2, 3], rows)

    index.remove([2])

    assert not (index._rows.vectors == rows[1]).all(axis=1).any()


def test_searches_beside_changes_never_find_what_is_not_there() -> None:
    index = VectorIndex(SIZE)
    rows = vectors(60_000)
    index.add(range(1, 1001), rows[:1000])  # these stay
    wrong: list[int] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            numbers, nearest = index.nearest(rows[500], 1)
            if numbers.tolist() != [501] or not (nearest[0] == rows[500]).all():
                wrong.append(int(numbers[0]))

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(1000, 60_000, 1000):
        index.add(range(start + 1, start + 1001), rows[start : start + 1000])
        if start % 3000 == 0:
            index.remove(range(start + 1, start + 900))
    done.set()
    for thread in threads:
        thread.join()

    assert wrong == []
