"""Settings: which source wins, what is wrong where, and that the documents list them all."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from llmtui.setting_values import parse_device
from llmtui.settings import Settings, SettingsError, load_settings, unknown_variables

ROOT = Path(__file__).parents[2]


def test_flag_beats_environment_beats_dotenv_beats_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("PORT=1111\nMAX_WAITING=5\nDEFAULT_TOP_K=7\n")
    monkeypatch.setenv("PORT", "2222")
    monkeypatch.setenv("MAX_WAITING", "6")
    settings = load_settings({"port": 3333, "seed": None}, env_file)
    assert (settings.port, settings.max_waiting, settings.default_top_k, settings.max_length_limit) == (3333, 6, 7, 200)


def test_defaults_are_those_that_are_promised() -> None:
    settings = load_settings({}, Path("no such file"))
    assert settings.model_name == "tiny-tales"
    assert (settings.max_length_limit, settings.default_max_length, settings.default_temperature) == (200, 50, 0.7)
    assert (settings.host, settings.port, settings.debug) == ("127.0.0.1", 5000, False)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("-1", "cpu"),
        ("0", "cuda:0"),
        ("3", "cuda:3"),
        ("CUDA", "cuda"),
        ("auto", "auto"),
        (" mps ", "mps"),
        ("cpu", "cpu"),
    ],
)
def test_devices_as_people_write_them(written: str, meant: str) -> None:
    assert parse_device(written) == meant
    assert load_settings({"device": written}).device == meant


@pytest.mark.parametrize(("written", "meant"), [("0", 0), ("1000", 1000), ("512M", 512 * 1024**2), ("1 GiB", 1024**3)])
def test_the_room_for_beginnings_as_people_write_it(
    written: str, meant: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFIX_CACHE_BYTES", written)
    assert load_settings({}, tmp_path / "none").prefix_cache_bytes == meant


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("DEVICE=-2", ["DEVICE in ", ".env", "-1 (CPU)"]),
        ("DEFAULT_TEMPERATURE=hot", ["DEFAULT_TEMPERATURE in ", "number"]),
        ("PORT=99999", ["PORT in ", "65535"]),
        ("HOST=example.org:80", ["HOST in "]),
        ("PREFIX_CACHE_BYTES=much", ["PREFIX_CACHE_BYTES in ", "like 8G"]),
        ("MAX_WAITING_TOKENS=0", ["MAX_WAITING_TOKENS in ", "1"]),
        ("DEBUG=maybe", ["DEBUG in ", "boolean"]),
        ("MAX_LENGTH_LIMIT=20", ["DEFAULT_MAX_LENGTH", "MAX_LENGTH_LIMIT"]),
    ],
)
def test_a_wrong_value_names_variable_file_and_remedy(tmp_path: Path, line: str, words: list[str]) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(line)
    with pytest.raises(SettingsError) as refused:
        load_settings({}, env_file)
    assert all(word in str(refused.value) for word in words), str(refused.value)


def test_an_unknown_variable_in_dotenv_is_named_with_what_may_be_meant(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("MODEL_NAM=gpt2\nDATABASE_URL=x\nPORT=1\n")
    near, far = unknown_variables(env_file)
    assert "MODEL_NAM in " in near
    assert "did you mean MODEL_NAME?" in near
    assert "DATABASE_URL" in far
    assert "did you mean" not in far


def test_a_dotenv_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings({}, env_file)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_a_variable_that_is_set_to_nothing_is_unset(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(f"{name.upper()}=\n")
    unset = load_settings({}, tmp_path / "none")
    assert load_settings({}, env_file) == unset
    monkeypatch.setenv(name.upper(), "")
    assert load_settings({}, tmp_path / "none") == unset


def test_an_empty_variable_of_the_environment_takes_back_what_dotenv_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("API_KEYS=kim:12345678\nSEED=5\n")
    monkeypatch.setenv("API_KEYS", "")
    settings = load_settings({}, env_file)
    assert (settings.named_keys(), settings.seed) == ({}, 5)


def test_lines_of_dotenv_that_set_nothing_are_told_in_one_sentence_and_the_others_count(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("# mine\n\nthis is no setting\nSEED=7\nPORT\n" + "nor this\n" * 3 + "MAX_WAITING=3\n")
    settings = load_settings({}, env_file)
    (sentence,) = unknown_variables(env_file)
    assert (settings.seed, settings.max_waiting, settings.port) == (7, 3, 5000)
    assert f"line 3 of {env_file} is no setting, nor are 4 more: write NAME=VALUE" in sentence
    assert (capfd.readouterr().err, caplog.messages) == ("", [])


def test_what_a_command_does_not_want_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("PORT=abc\nMAX_LENGTH_LIMIT=5\nDEBUG=true\n")
    monkeypatch.setenv("MAX_WAITING", "many")
    assert load_settings({}, env_file, ("debug",)).debug is True
    with pytest.raises(SettingsError, match="PORT in "):
        load_settings({}, env_file, ("port",))


def written(value: object) -> str:
    """A default as it would stand in a file."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_env_example_lists_every_setting_with_its_default_and_meaning() -> None:
    text = (ROOT / ".env.example").read_text()
    for name, field in Settings.model_fields.items():
        assert f"# {field.description}\n# {name.upper()}={written(field.default)}\n" in text
    assert len(re.findall(r"^# [A-Z_]+=", text, re.MULTILINE)) == len(Settings.model_fields)


def test_readme_table_lists_every_setting_with_its_default_and_meaning() -> None:
    text = (ROOT / "README.md").read_text()
    for name, field in Settings.model_fields.items():
        default = f"`{written(field.default)}`" if written(field.default) else ""
        assert f"| `{name.upper()}` | {default} | {field.description} |" in text


@pytest.mark.parametrize(
    ("written", "budget"), [("4096", 4096), ("8G", 8 * 2**30), ("1.5 GiB", 3 * 2**29), ("512m", 2**29), ("2KB", 2048)]
)
def test_a_memory_budget_is_bytes_or_has_a_unit(written: str, budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_BUDGET", written)
    assert load_settings().memory_budget == budget


@pytest.mark.parametrize("written", ["a lot", "8X", "-1", "0", "G"])
def test_a_memory_budget_that_is_no_size_is_refused_by_name(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORY_BUDGET", written)
    with pytest.raises(SettingsError, match="MEMORY_BUDGET"):
        load_settings()


def test_a_negative_keep_alive_is_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().keep_alive_seconds == 300.0
    monkeypatch.setenv("KEEP_ALIVE", "-1")
    assert load_settings().keep_alive_seconds is None
