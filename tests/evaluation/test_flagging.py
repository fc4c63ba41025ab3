from __future__ import annotations

import numpy as np
import pytest

from limner.evaluation.flagging import review_rule


@pytest.mark.parametrize(("n", "flagged"), [(10, 1), (20, 2), (88, 9), (300, 30)])
def test_a_tenth_of_the_validation_images_lies_above(n: int, flagged: int) -> None:
    scores = np.random.default_rng(n).permutation(np.linspace(0.01, 0.6, n))
    rule = review_rule(scores.tolist())
    assert rule is not None
    assert (scores > rule.threshold).sum() == flagged
    assert (rule.share, str(n) in rule.origin) == (0.1, True)


def test_fewer_than_ten_images_say_nothing() -> None:
    assert review_rule([0.5] * 9) is None


def test_where_all_are_alike_none_is_flagged() -> None:
    rule = review_rule([0.2] * 30)
    assert rule is not None
    assert rule.threshold >= 0.2
