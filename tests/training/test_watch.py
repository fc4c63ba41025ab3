import math

import pytest

from limner.training.watch import Watch


@pytest.mark.parametrize(("name", "values"), [("val_loss", (0.9, 1.0, 0.8, 0.8)), ("val_iou", (0.1, 0.0, 0.2, 0.2))])
def test_of_the_loss_lower_is_better_of_all_else_higher(name, values):
    watch = Watch(name)
    assert [watch.see(value, epoch) for epoch, value in enumerate(values, 1)] == [True, False, True, False]
    assert (watch.best, watch.best_epoch, watch.waited) == (values[2], 3, 1)


def test_an_improvement_of_no_more_than_min_delta_does_not_count():
    watch = Watch("val_dice", min_delta=0.25)
    assert [watch.see(value, epoch) for epoch, value in enumerate((0.25, 0.5, 0.375, 0.75), 1)] == [True, False, False, True]


@pytest.mark.parametrize("name", ["val_loss", "val_dice"])
def test_what_is_not_a_number_is_never_better_but_better_than_nothing(name):
    watch = Watch(name)
    assert [watch.see(value, epoch) for epoch, value in enumerate((math.nan, math.nan, 0.5, math.nan), 1)] == [True, False, True, False]
    assert watch.best == 0.5


def test_it_goes_on_from_a_checkpoint():
    first, second = Watch("val_loss"), Watch("val_loss")
    for epoch, value in enumerate((0.5, 0.6), 1):
        first.see(value, epoch)
    second.load_state_dict(first.state_dict())
    assert second == first
