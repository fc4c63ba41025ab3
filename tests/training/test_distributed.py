"""What several processes that train one network have in common, and what each has for itself."""

import json

import pytest
import torch
from tests.training import team

from limner.training.distributed import agreed, average, every_other, gathered, part_of_batch, rank, world_size
from limner.training.processes import in_processes


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What two processes say, by their number."""
    folder = tmp_path_factory.mktemp("told")
    in_processes(2, team.talk, str(folder), where=folder)
    return [json.loads((folder / f"{number}.json").read_text()) for number in range(2)]


def alone(name):
    """What a loader gives in one process: numbers of the images, and the sum of the pixels."""
    return [[batch[2].tolist(), batch[0].sum().item()] for batch in team.loaders()[name]]


def test_one_process_has_everything_and_agrees_with_itself():
    values = torch.arange(5.0)
    assert (rank(), world_size()) == (0, 1)
    assert gathered(values) is values
    assert agreed(0.1) == 0.1
    assert part_of_batch([1, 2, 3]) == every_other([1, 2, 3]) == [1, 2, 3]
    average([values])
    assert values.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.slow
def test_each_process_knows_who_it_is(told):
    assert [(one["rank"], one["world_size"]) for one in told] == [(0, 2), (1, 2)]


@pytest.mark.slow
def test_values_of_unequal_lengths_are_gathered_in_all_processes(told):
    assert told[0]["gathered"] == told[1]["gathered"] == [[0, 1, 2, 10, 11, 12, 13, 14]] * 2
    assert told[0]["gathered_of_nothing"] == told[1]["gathered_of_nothing"] == [0.0, 1.0]


@pytest.mark.slow
def test_all_go_by_the_first_and_average_what_is_no_count(told):
    assert [one["agreed"] for one in told] == [0.1, 0.1]
    assert [one["averaged"] for one in told] == [[[1.5, 3.0], 7], [[1.5, 3.0], 8]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["training", "patches"])
def test_the_batches_of_all_processes_together_are_those_of_one(told, name):
    whole = alone(name)
    assert len(whole) > 1
    assert [[a + b, c + d] for (a, c), (b, d) in zip(told[0][name], told[1][name], strict=True)] == whole
    assert all(len(numbers) == 2 for numbers, _ in told[0][name] + told[1][name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["validation", "tiles"])
def test_of_what_is_validated_each_comes_once(told, name):
    def listed(batches):
        return sorted(number for numbers, _ in batches for number in numbers)

    both, whole = told[0][name] + told[1][name], alone(name)
    assert listed(both) == listed(whole)
    assert sum(pixels for _, pixels in both) == sum(pixels for _, pixels in whole)
    assert abs(len(listed(told[0][name])) - len(listed(told[1][name]))) <= 1
    assert all(len(numbers) <= 2 for numbers, _ in both)
