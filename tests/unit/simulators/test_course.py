"""Courses: smooth ways through recorded figures."""

import pytest

from simulators.course import Course, CourseError


def test_goes_through_every_keyframe():
    points = [[0, 86.0], [10, 101.5], [180, 189.5], [210, 189.5], [270, 171.0]]
    course = Course.through(points)
    assert [course.at(time) for time, _ in points] == pytest.approx([value for _, value in points])


def test_never_overshoots_a_recorded_peak():
    course = Course.through([[0, 0.0], [10, 100.0], [11, 189.5], [40, 189.5], [60, 3.0]])
    values = [course.at(second / 10) for second in range(700)]
    assert max(values) == pytest.approx(189.5)
    assert min(values) >= 0.0


def test_rises_without_falling_between_rising_keyframes():
    course = Course.through([[0, 1314], [45, 1320], [90, 1372], [400, 1933]])
    values = [course.at(second) for second in range(401)]
    assert values == sorted(values)


def test_steps_hold_a_count_until_the_next_keyframe():
    course = Course.through([[0, 0], [45, 1], [75, 2]], stepped=True)
    assert [course.at(second) for second in (0, 44.9, 45, 74.9, 75, 500)] == [0, 0, 1, 1, 2, 2]


def test_stands_still_outside_its_keyframes():
    course = Course.through([[10, 5.0], [20, 8.0]])
    assert (course.at(-1), course.at(99)) == (5.0, 8.0)


@pytest.mark.parametrize("points", [[], [[0, 1], [0, 2]], [[5, 1], [4, 2]]])
def test_refuses_no_points_and_times_that_do_not_increase(points):
    with pytest.raises(CourseError):
        Course.through(points)
