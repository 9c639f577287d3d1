"""A trace of the simulated GPU, read back."""

from __future__ import annotations

import pytest

from tests.simulated_gpu.trace import Launch, Module, Trace

TEXT = """\
{"event":"device","pid":7,"name":"NVIDIA GB10","capability":"12.1"}
{"event":"launch","api":"runtime","name":"_Z4fillv","answer":0}
{"event":"no-image","name":"_Z4sortv"}
{"event":"module","kind":"cubin","sm":"sm_121","bytes":21384,"answer":0}
{"event":"function","name":"abs_kernel","sm":"sm_121"}
{"event":"launch","api":"driver","name":"abs_kernel","answer":719}
{"event":"function","name":"abs_kernel","sm":"sm_121"}
{"event":"module","kind":"ptx","sm":"compute_130","bytes":10,"answer":209}
"""


def test_every_event_is_read() -> None:
    trace = Trace.parse(TEXT)
    assert len(trace.events) == 8
    assert trace.events[0] == {"event": "device", "pid": 7, "name": "NVIDIA GB10", "capability": "12.1"}
    assert trace.modules == (
        Module(kind="cubin", architecture="sm_121", bytes=21384, answer=0),
        Module(kind="ptx", architecture="compute_130", bytes=10, answer=209),
    )
    assert trace.launches == (
        Launch(api="runtime", name="_Z4fillv", answer=0),
        Launch(api="driver", name="abs_kernel", answer=719),
    )
    assert trace.without_image == ("_Z4sortv",)


def test_a_kernel_is_counted_once() -> None:
    assert Trace.parse(TEXT).jit_kernels() == (("abs_kernel", "sm_121"),)


@pytest.mark.parametrize("text", ["", "\n", '{"event":"launch","api":"dri'])
def test_nothing_and_a_line_that_was_cut_off(text: str) -> None:
    assert Trace.parse(text).events == ()


def test_a_cut_off_line_hides_nothing_else() -> None:
    assert Trace.parse(TEXT + '{"event":"launch",') == Trace.parse(TEXT)


@pytest.mark.parametrize("line", ["[]", "{}", '{"event":1}', "torn"])
def test_what_is_no_event_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"no event|Expecting"):
        Trace.parse(f"{line}\n{TEXT}")
