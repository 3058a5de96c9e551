"""The sandbox's code service and its file. [K-4]"""

from __future__ import annotations

import json

from sandbox.behaviour import Behaviour
from sandbox.codes import CodeService


def ask(service: CodeService, action: str, key: str, **asked: object) -> dict:
    return json.loads(service.carry_out(action, key, json.dumps(asked).encode()))


def test_two_services_with_one_file_give_no_code_twice_and_a_third_knows_them_all(tmp_path):
    """As `bin/demo` does while `bin/serve` runs on the same data."""
    behaviour = Behaviour(codes_file=str(tmp_path / "codes.jsonl"))
    one, other = CodeService(behaviour), CodeService(behaviour)
    given = [
        ask(one, "generate", "k1", wave="w1", fan="f1", market="m")["code"],
        *ask(other, "reserve", "k2", wave="w2", market="m", quantity=2)["codes"],
        ask(one, "generate", "k3", wave="w1", fan="f2", market="m")["code"],
    ]
    assert len(set(given)) == 4
    assert set(CodeService(behaviour).held) == set(given)
