from __future__ import annotations

from collections.abc import Mapping

import pytest

from scripts.facts.pip_config import paths, read

HOME = {"HOME": "/home/ada"}
MIRROR = "[global]\nindex-url = https://mirror.example/simple\n"


def index_url(environ: dict[str, str], files: Mapping[str, str | None]) -> tuple[str, str] | None:
    option = read(environ, files).options.get("index-url")
    return None if option is None else (option.value, option.origin)


def test_paths_are_pips_own_weakest_first() -> None:
    environ = HOME | {"VIRTUAL_ENV": "/venv", "PIP_CONFIG_FILE": "/own.conf", "XDG_CONFIG_DIRS": "/xdg1:/xdg2"}
    assert paths(environ) == (
        "/xdg1/pip/pip.conf",
        "/xdg2/pip/pip.conf",
        "/etc/pip.conf",
        "/home/ada/.pip/pip.conf",
        "/home/ada/.config/pip/pip.conf",
        "/venv/pip.conf",
        "/own.conf",
    )


def test_xdg_config_home_moves_the_users_file() -> None:
    assert "/conf/pip/pip.conf" in paths(HOME | {"XDG_CONFIG_HOME": "/conf"})


def test_the_null_device_turns_files_off() -> None:
    assert paths(HOME | {"PIP_CONFIG_FILE": "/dev/null"}) == ()


def test_later_files_win() -> None:
    files: dict[str, str | None] = dict.fromkeys(paths(HOME), None)
    for number, path in enumerate(paths(HOME)):
        files[path] = f"[global]\nindex-url = https://mirror{number}.example/simple\n"
    last = len(files) - 1
    assert index_url(HOME, files) == (f"https://mirror{last}.example/simple", "/home/ada/.config/pip/pip.conf")


def test_a_file_that_is_named_takes_the_place_of_the_users() -> None:
    environ = HOME | {"PIP_CONFIG_FILE": "/own.conf"}
    user = {"/home/ada/.config/pip/pip.conf": MIRROR}
    assert index_url(environ, {**user, "/own.conf": "[global]\ntimeout = 5\n"}) is None
    assert index_url(environ, user) == ("https://mirror.example/simple", "/home/ada/.config/pip/pip.conf")


def test_the_install_section_wins_over_global_of_any_file() -> None:
    files: dict[str, str | None] = {
        "/etc/pip.conf": "[install]\nindex_url = https://install.example/simple\n",
        "/home/ada/.config/pip/pip.conf": MIRROR,
    }
    assert index_url(HOME, files) == ("https://install.example/simple", "/etc/pip.conf")


def test_variables_win_and_empty_ones_say_nothing() -> None:
    files: dict[str, str | None] = {"/etc/pip.conf": MIRROR}
    named = HOME | {"PIP_INDEX_URL": "https://var.example/simple"}
    assert index_url(named, files) == ("https://var.example/simple", "PIP_INDEX_URL")
    assert index_url(HOME | {"PIP_INDEX_URL": ""}, files) == ("https://mirror.example/simple", "/etc/pip.conf")


def test_percent_signs_are_taken_as_they_are() -> None:
    files: dict[str, str | None] = {"/etc/pip.conf": "[global]\nindex-url = https://u:a%40b@mirror.example/simple\n"}
    assert index_url(HOME, files) == ("https://u:a%40b@mirror.example/simple", "/etc/pip.conf")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("index-url = https://mirror.example\n", "no section headers"),
        ("[global]\n[global]\n", "already exists"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_file_is_a_problem_and_the_others_count(text: str | None, words: str) -> None:
    files = {"/etc/pip.conf": MIRROR, "/home/ada/.config/pip/pip.conf": text}
    found = read(HOME, files)
    assert index_url(HOME, files) == ("https://mirror.example/simple", "/etc/pip.conf")
    (problem,) = found.problems
    assert "/home/ada/.config/pip/pip.conf" in problem
    assert words in problem
