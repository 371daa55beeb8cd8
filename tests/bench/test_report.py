"""What the benchmark makes of its figures."""

import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from bench import pictures, results, scenarios
from bench.plots import Line, axis, draw
from bench.results import at_least, at_most, held, median

STEADY = {"lost": 0, "saturated": False}


def test_the_median_of_runs_has_their_shape():
    runs = [{"p99": value, "name": "steady", "ok": value == 9, "curve": [[1, value]]} for value in (5, 9, 1)]
    assert median(runs) == {"p99": 5, "name": "steady", "ok": True, "curve": [[1, 5]]}


def test_of_curves_of_different_length_the_first_stands():
    assert median([[[1, 2]], [[1, 2], [3, 4]]]) == [[1, 2]]


@pytest.mark.parametrize(("value", "reached"), [(0.7, True), (0.8, True), (0.9, False), (None, None)])
def test_a_target_is_reached_up_to_itself(value, reached):
    assert at_most("CPU", value, 0.8).reached is reached


def test_at_least_is_the_other_way_round():
    assert [at_least("rate", value, 4, " ×").reached for value in (3.9, 4, 5)] == [False, True, True]


def test_what_lost_something_has_reached_nothing():
    row = held(at_most("p99", 5, 10), STEADY, STEADY | {"lost": 3})
    assert row.reached is False
    assert "3 deliveries were lost" in row.found


def test_a_load_generator_at_its_end_proves_nothing():
    assert held(at_most("p99", 5, 10), STEADY | {"saturated": True}).reached is None


def test_a_ratio_to_nothing_is_none():
    assert results.ratio(1, None) is results.ratio(1, 0) is results.ratio(None, 1) is None


def test_a_plot_is_an_image_with_a_name_for_each_line():
    points = [(100, 5.0), (1_000, 9.0), (20_000, 800.0)]
    x = axis("deliveries a second", [one for one, _ in points], is_log=True)
    y = axis("p99", [one for _, one in points], is_log=True, mark=(100, "100 ms"))
    image = draw("Latency & load", x, y, [Line("this project", points, "ours"), Line("Node", points, "node", "second")])
    root = ET.fromstring(image)  # noqa: S314 - our own
    assert {"this project", "Node", "Latency & load", "100 ms"} <= {one.text for one in root.iter() if one.text}


def test_names_at_one_height_do_not_cover_each_other():
    x, y = axis("clients", [1, 2]), axis("MB", [5, 5])
    root = ET.fromstring(draw("Memory", x, y, [Line(name, [(1, 5), (2, 5)], "ours") for name in "abc"]))  # noqa: S314
    heights = [float(one.get("y")) for one in root.iter() if (one.get("class") or "").startswith("name")]
    assert len(heights) == 3
    assert min(b - a for a, b in pairwise(heights)) >= 15


def test_every_scenario_makes_rows_of_nothing_and_every_plot_has_one():
    assert [one.rows({}) for one in scenarios.ALL] == [[] for _ in scenarios.ALL]
    assert set(pictures.ALL) <= set(scenarios.BY_NAME)
