from __future__ import annotations

import pytest

from scripts.wheels.record import RecordReport, check_record, parse_record, record_problems

RECORD = "demo-1.0.dist-info/RECORD"
HASH = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
MEMBERS = [("demo.py", 3), ("demo/", 0), (RECORD, 99)]
GOOD = f"demo.py,{HASH},3\n{RECORD},,\n"


def checked(text: str, members: list[tuple[str, int]] | None = None) -> RecordReport:
    lines, unreadable = parse_record(text)
    return check_record(lines, MEMBERS if members is None else members, record=RECORD, unreadable=unreadable)


def test_a_sound_record() -> None:
    assert checked(GOOD) == RecordReport(entries=2, files=2)
    assert record_problems(checked(GOOD)) == ()


def test_signatures_need_no_line() -> None:
    signed = [*MEMBERS, ("demo-1.0.dist-info/RECORD.jws", 5), ("demo-1.0.dist-info/RECORD.p7s", 5)]
    assert record_problems(checked(GOOD, signed)) == ()
    assert checked(GOOD, [*MEMBERS, ("other/RECORD.jws", 5)]).unlisted == ("other/RECORD.jws",)


@pytest.mark.parametrize(
    ("text", "field", "names"),
    [
        (f"{RECORD},,\n", "unlisted", ("demo.py",)),
        (f"{GOOD}gone.py,{HASH},1\n", "absent", ("gone.py",)),
        (f"{GOOD}demo.py,{HASH},3\n", "listed_twice", ("demo.py",)),
        (f"{GOOD}../demo.py,{HASH},3\n", "outside", ("../demo.py",)),
        (f"{GOOD}/etc/passwd,{HASH},3\n", "outside", ("/etc/passwd",)),
        (f"{GOOD}a\\..\\..\\b,{HASH},3\n", "outside", ("a\\..\\..\\b",)),
        (f"{GOOD}C:\\b,{HASH},3\n", "outside", ("C:\\b",)),
        (f"demo.py,{HASH},4\n{RECORD},,\n", "wrong_sizes", ("demo.py: 4 bytes in RECORD, 3 in the wheel",)),
        (f"demo.py,,3\n{RECORD},,\n", "unhashed", ("demo.py",)),
        (f"demo.py,md5=abc,3\n{RECORD},,\n", "unhashed", ("demo.py",)),
        (f"{GOOD}demo.py\n", "unreadable", ("line 3: demo.py",)),
        (f"{GOOD}demo.py,{HASH},three\n", "unreadable", (f"line 3: demo.py,{HASH},three",)),
        (f"{GOOD}demo.py,{HASH},{'9' * 30}\n", "unreadable", (f"line 3: demo.py,{HASH},{'9' * 30}",)),
    ],
)
def test_what_may_be_wrong(text: str, field: str, names: tuple[str, ...]) -> None:
    report = checked(text)
    assert getattr(report, field) == names
    assert any(names[0] in problem for problem in record_problems(report))


def test_a_file_twice_in_the_zip() -> None:
    assert checked(GOOD, [*MEMBERS, ("demo.py", 3)]).zipped_twice == ("demo.py",)


def test_a_name_with_a_comma_and_a_name_without_a_size() -> None:
    text = f'"a,b.py",{HASH},\n{RECORD},,\n'
    assert record_problems(checked(text, [("a,b.py", 7), (RECORD, 9)])) == ()


@pytest.mark.parametrize("text", ["", "\n\n", '"never closed', "a" * 200_000 + ",,\n", "\0,,\n", ",,\n" * 10])
def test_what_is_no_record_ends(text: str) -> None:
    report = checked(text)
    assert "demo.py" in report.unlisted


def test_a_record_without_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.wheels.record._MOST_LINES", 10)
    report = checked(GOOD * 10)
    assert (report.entries, report.unreadable) == (10, ("line 11: more than 10 are not read",))


def test_many_names_are_counted_not_listed() -> None:
    report = checked(GOOD + "".join(f"gone{number}.py,{HASH},1\n" for number in range(1000)))
    (problem,) = record_problems(report)
    assert problem.endswith("and 995 more")
    assert len(problem) < 200


def test_hashes_are_counted_and_named() -> None:
    report = RecordReport(entries=9, files=9, hashes_read=True, wrong_hashes=tuple("abcdefg"), damaged=("h: broken",))
    assert report.disagreements == 8
    assert record_problems(report) == (
        "a hash that is not RECORD's: a, b, c, d, e and 2 more",
        "cannot be unpacked: h: broken",
    )
