import struct

from utils.bpf import (
    ALLOW,
    EQUAL,
    ERRNO,
    LOAD,
    RETURN,
    Step,
    argument,
    assemble,
    on_call,
    refusal_if,
    refusal_unless,
)


def test_each_step_takes_eight_bytes() -> None:
    program = assemble([Step(LOAD, 4), Step(RETURN, ALLOW)])
    assert program.length == 2
    assert struct.pack("<HBBI", LOAD, 0, 0, 4) + struct.pack("<HBBI", RETURN, 0, 0, ALLOW) == (
        struct.pack("=HBBI", 0x20, 0, 0, 4) + struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)
    )


def test_halves_of_arguments_lie_behind_the_number_and_the_place_of_a_call() -> None:
    assert argument(0) == Step(LOAD, 16)
    assert argument(4, upper=True) == Step(LOAD, 16 + 4 * 8 + 4)


def test_refusal_is_passed_over_where_its_test_fails() -> None:
    assert list(refusal_if(Step(EQUAL, 7), 1)) == [
        Step(EQUAL, 7, if_false=1),
        Step(RETURN, ERRNO | 1),
    ]


def test_any_of_several_tests_saves_from_a_refusal() -> None:
    steps = list(refusal_unless([Step(EQUAL, 1), Step(EQUAL, 2)], 5))
    assert [step.if_true for step in steps] == [2, 1, 0]
    assert steps[-1] == Step(RETURN, ERRNO | 5)


def test_steps_of_a_call_are_passed_over_by_others() -> None:
    first, *inner = on_call(42, [argument(0)])
    assert (first.value, first.if_false) == (42, len(inner))
    assert inner[-1] == Step(RETURN, ALLOW)
