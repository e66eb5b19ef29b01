"""The table of words: whole in both languages, and used."""

import re
from pathlib import Path
from string import Formatter

import pytest

from gan_core.ui.text import LANGUAGES, TEXT, PageError, language, said, tr

UI = Path(__file__).parents[2] / "gan_core" / "ui"
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [
        *UI.rglob("*.py"),
        *UI.glob("static/**/*.js"),
        UI.parent / "export" / "page.py",
        UI.parents[1] / "app.py",
    ]
    if path.name != "text.py" and "vendor" not in path.parts
)


def fields(words):
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


@pytest.mark.parametrize("key", TEXT)
def test_both_languages_say_it_with_the_same_values(key):
    english, chinese = TEXT[key]
    assert english.strip() == english != ""
    assert chinese.strip() == chinese != ""
    assert fields(english) == fields(chinese)
    assert "" not in fields(english), "values have names"
    assert not re.search("[\u4e00-\u9fff]", english)


def test_every_word_of_chinese_is_chinese():
    same = {key for key, (english, chinese) in TEXT.items() if not re.search("[\u4e00-\u9fff]", chinese)}
    assert {TEXT[key][1] for key in same} <= {TEXT[key][0] for key in same}, "only a name may be the same in both"


@pytest.mark.parametrize("key", TEXT)
def test_every_entry_is_used(key):
    stems = [key[: match.end()] for match in re.finditer("_", key)]  # `wheel_${name}` says wheel_lr_D
    said = any(re.search(rf"[\"'`]{re.escape(stem)}[{{$]", CODE) for stem in stems)
    assert said or re.search(rf"[\"'`]{re.escape(key)}[\"'`]", CODE), "nobody says this: take it out of the table"


def test_every_key_in_the_scripts_is_in_the_table():
    keys = set(re.findall(r"\bt\(\"(\w+)\"", CODE)) | set(re.findall(r"\btr\(\"(\w+)\"\)", CODE))
    assert keys <= set(TEXT)
    assert len(keys) > 40


def test_a_key_that_is_not_in_the_table_is_an_error():
    with pytest.raises(KeyError):
        tr("no such key")


def test_a_sentence_is_filled_in():
    assert said("choice_shipped", "en", name="fruits", size=64) == "fruits (64 px)"
    assert PageError("no_such_model", got="x").said("zh") == TEXT["no_such_model"][1].format(got="x")


@pytest.mark.parametrize(
    ("cookies", "query", "accept", "lang"),
    [
        ({}, {}, "", "en"),
        ({}, {}, "zh-CN,zh;q=0.9", "zh"),
        ({}, {}, "de,zh", "en"),
        ({"lang": "zh"}, {}, "en", "zh"),
        ({"lang": "zh"}, {"lang": "en"}, "zh", "en"),
    ],
)
def test_the_address_beats_the_switch_beats_the_browser(cookies, query, accept, lang):
    assert language(cookies, query, accept) == lang
    assert lang in LANGUAGES
