"""`limner card`, and what `limner models` says of a model."""

from __future__ import annotations

import json

import limner as package


def test_a_card_is_printed_as_it_is_where_a_program_reads_it(limner, toy_model):
    result = limner("card", toy_model)
    assert result.exit_code == 0, result.output
    assert result.stdout == package.card(toy_model)
    assert result.stdout.startswith("# phantom-unet\n")


def test_a_card_is_laid_out_for_people(limner, toy_model, monkeypatch):
    monkeypatch.setattr("limner.cli.card._shown_to_somebody", lambda: True)
    shown = limner("card", toy_model).stdout
    assert "phantom-unet" in shown
    assert "---" not in shown  # a table's ruling, not Markdown's


def test_a_run_folder_has_the_card_of_its_model(limner, run, toy_model):
    assert limner("card", run).stdout == package.card(toy_model)


def test_a_card_is_written_and_never_over_another_file(limner, toy_model, tmp_path):
    out = tmp_path / "cards" / "card.md"
    assert limner("card", toy_model, "--out", out).exit_code == 0
    assert out.read_text(encoding="utf-8") == package.card(toy_model)
    out.write_text("mine")
    again = limner("card", toy_model, "--out", out)
    assert (again.exit_code, out.read_text()) == (1, "mine")
    assert "--overwrite" in again.stderr
    assert limner("card", toy_model, "--out", out, "--overwrite").exit_code == 0
    assert out.read_text(encoding="utf-8") == package.card(toy_model)


def test_json_has_the_card_and_all_that_the_file_says(limner, toy_model):
    found = json.loads(limner("card", toy_model, "--json").stdout)
    assert found["card"] == package.card(toy_model)
    assert found["metadata"]["training_data"] == {"name": "toys", "train": 3}
    assert found["metadata"]["recipe"]["network"]["name"] == "unet"


def test_what_is_no_model_is_refused_in_words(limner, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    result = limner("card", tmp_path / "model.onnx")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not an ONNX file" in result.stderr


def test_models_are_listed_with_what_they_cost(limner, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (facts,) = json.loads(limner("models", "--json").stdout)["runs"]
    assert facts["precision"] == "float32"
    assert {"parameters", "gflops", "sampling"} <= facts.keys()
