from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from typer.main import get_command

from limner.cli.app import app

COMMANDS = [
    "demo",
    "data",
    "doctor",
    "split",
    "plan",
    "augment",
    "lr-find",
    "train",
    "sweep",
    "evaluate",
    "compare",
    "export",
    "predict",
    "bench",
    "card",
    "models",
    "recipes",
]
HEAVY = {"numpy", "torch", "pydantic", "rich", "cv2", "PIL", "onnxruntime", "yaml", "matplotlib", "skimage", "lightning"}
PROBE = """
import sys
from limner.cli import main
sys.argv = ["limner", *{args}]
try:
    main()
except SystemExit as end:
    print("\\nloaded:", *sorted({{name.split(".")[0] for name in sys.modules}}))
    sys.exit(end.code)
"""


@pytest.mark.parametrize("args", [["--help"], ["train", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_heavy(args):
    probe = subprocess.run([sys.executable, "-c", PROBE.format(args=args)], capture_output=True, text=True, check=True)
    loaded = set(probe.stdout.rpartition("loaded:")[2].split())
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_help_names_every_command_in_the_order_of_use(limner):
    shown = limner("--help").stdout
    places = [shown.index(f"\n  {command} ") for command in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_examples(limner, command):
    result = limner(command, "--help")
    assert result.exit_code == 0
    assert f"  Examples:\n    limner {command}" in result.stdout
    assert all(len(line) <= 120 for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    "command", ["doctor", "split", "plan", "lr-find", "train", "sweep", "evaluate", "predict", "export", "models", "recipes", "demo"]
)
def test_each_command_that_prints_a_table_prints_json(limner, command):
    assert "--json" in limner(command, "--help").stdout


def test_version(limner):
    from importlib.metadata import version

    assert limner("--version").stdout == f"limner {version('limner')}\n"


def test_python_m_limner_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "limner", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("limner ")


def test_no_command_shows_the_help_as_wrong_usage(limner):
    result = limner()
    assert result.exit_code == 2
    assert "Commands:" in result.output


EXAMPLES = [
    line.split()[1:]
    for command in COMMANDS
    for line in importlib.import_module(f"limner.cli.{command.replace('-', '_')}").EPILOG.splitlines()
    if line.startswith("  limner ")
]


@pytest.mark.parametrize("example", EXAMPLES, ids=" ".join)
def test_each_example_is_right_usage(example):
    """Options, choices and numbers of arguments are checked; nothing is run."""
    name, *args = example
    if ">" in args:
        args = args[: args.index(">")]
    get_command(app).commands[name].make_context(name, args)
