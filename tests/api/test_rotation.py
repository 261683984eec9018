import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from api.config_secrets import SecretBox
from api.database import Database
from api.key_records import keys_on_record
from api.rotation import BATCH_ROWS, forget, key_uses, rotate
from api.secret_key import Key, Keyring, SecretKeyError, new_key
from api.tables import deployments
from utils.settings import Settings

URL = "/api/v1/deployments"


@pytest.fixture
def deploy(registered: FlaskClient) -> Callable[..., None]:
    def deploy(*names: str) -> None:
        for name in names:
            config = {"token": f"secret of {name}", "hosts": [{"key": "k"}], "zone": "z"}
            body = {"name": name, "integration": "dns", "config": config}
            assert registered.post(URL, json=body).status_code == 201

    return deploy


@pytest.fixture
def keyring(settings: Settings) -> Keyring:
    return Keyring.of(settings)


def secrets_of(database: Database, keyring: Keyring) -> dict[str, str]:
    with database.read() as connection:
        rows = connection.execute(select(deployments)).all()
    box = SecretBox(keyring)
    return {row.name: box.open_config(row.id, row.config).config["token"] for row in rows}


def records(database: Database) -> frozenset[str]:
    with database.read() as connection:
        return keys_on_record(connection)


def test_rotation_seals_anew_drops_the_old_key_and_nobody_notices(
    deploy: Callable[..., None], registered: FlaskClient, database: Database, keyring: Keyring
) -> None:
    deploy("a", "b")
    (old,) = keyring.read()
    before = registered.get(URL).json
    done = rotate(database, keyring)
    assert (done.resealed, done.dropped, done.resumed) == (2, (old.id,), False)
    assert [key.id for key in keyring.read()] == [done.key_id] != [old.id]
    assert records(database) == {done.key_id}
    assert secrets_of(database, keyring) == {"a": "secret of a", "b": "secret of b"}
    assert registered.get(URL).json == before
    deploy("c")  # the API has noticed the new file
    with database.read() as connection:
        (use,) = key_uses(connection, keyring)
    assert (use.id, use.available, use.on_record, use.sealed_values) == (done.key_id, True, True, 6)


def test_rotation_goes_through_every_batch(
    deploy: Callable[..., None], database: Database, keyring: Keyring
) -> None:
    deploy("a")
    with database.write() as connection:
        row = dict(connection.execute(select(deployments)).one()._mapping)
        for number in range(2 * BATCH_ROWS):
            copy = row | {"id": f"{number:036}", "name": f"copy {number}", "config": {"n": number}}
            connection.execute(deployments.insert().values(copy))
    assert rotate(database, keyring).resealed == 1


def test_deployment_sealed_with_the_old_key_meanwhile_keeps_it_from_being_dropped(
    deploy: Callable[..., None], database: Database, keyring: Keyring
) -> None:
    deploy("a")
    (old,) = keyring.read()
    keyring.replace((new_key(), old))  # as a rotation that was killed leaves it
    deploy("b")
    done = rotate(database, keyring)
    assert (done.resealed, done.resumed) == (2, True)
    assert secrets_of(database, keyring) == {"a": "secret of a", "b": "secret of b"}


def test_secret_that_cannot_be_opened_keeps_the_old_key(
    deploy: Callable[..., None], registered: FlaskClient, database: Database, keyring: Keyring
) -> None:
    deploy("a", "b")
    (old,) = keyring.read()
    with database.write() as connection:
        row = connection.execute(select(deployments).where(deployments.c.name == "a")).one()
        broken = row.config | {"token": {"$sealed": f"{old.id}:gAAAA"}}
        connection.execute(
            update(deployments).where(deployments.c.name == "a").values(config=broken)
        )
    with pytest.raises(SecretKeyError, match="a at /token"):
        rotate(database, keyring)
    newest, kept = keyring.read()
    assert kept == old
    config = {"token": "secret of a", "hosts": [{"key": "k"}]}
    assert registered.patch(f"{URL}/a", json={"config": config}).status_code == 200
    assert rotate(database, keyring).key_id == newest.id
    assert keyring.read() == (newest,)


def test_keys_in_the_environment_are_rotated_in_two_steps(
    deploy: Callable[..., None], database: Database, keyring: Keyring, tmp_path: Path
) -> None:
    deploy("a")
    (old,) = keyring.read()
    with pytest.raises(SecretKeyError, match="holds one key") as error:
        rotate(database, Keyring(tmp_path, old.text))
    assert "NEW,OLD" in error.value.advice
    newest = new_key()
    both = Keyring(tmp_path, f"{newest.text},{old.text}")
    assert rotate(database, both).resealed == 1
    assert secrets_of(database, Keyring(tmp_path, newest.text)) == {"a": "secret of a"}


def test_rotation_with_other_keys_than_the_database_has_is_refused(
    deploy: Callable[..., None], database: Database, tmp_path: Path
) -> None:
    deploy("a")
    other = Keyring(tmp_path / "other.key")
    other.make()
    before = other.read()
    with pytest.raises(SecretKeyError, match="is not in"):
        rotate(database, other)
    assert other.read() == before


def test_lost_key_can_be_given_up_and_one_that_is_there_cannot(
    deploy: Callable[..., None], registered: FlaskClient, database: Database, keyring: Keyring
) -> None:
    deploy("a")
    (lost,) = keyring.read()
    with pytest.raises(SecretKeyError, match="is not lost"):
        forget(database, keyring, lost.id)
    assert keyring.file is not None
    keyring.file.unlink()
    assert registered.get("/health/ready").status_code == 503
    with database.read() as connection:
        (use,) = key_uses(connection, keyring)
    assert (use.id, use.available, use.sealed_values) == (lost.id, False, 2)
    with pytest.raises(SecretKeyError, match="on record"):
        forget(database, keyring, "0" * 12)
    forget(database, keyring, lost.id)
    deploy("b")
    assert registered.get("/health/ready").status_code == 200
    config = {"token": "again"}
    assert registered.patch(f"{URL}/a", json={"config": config}).status_code == 200
    assert secrets_of(database, keyring) == {"a": "again", "b": "secret of b"}


KILLED_AT_EACH_LINE = """
import json, os, shutil, signal, sys
from pathlib import Path
from sqlalchemy import select
from api.config_secrets import SecretBox
from api.database import Database
from api.rotation import rotate
from api.secret_key import Keyring
from api.tables import deployments

OURS = tuple(f"api/{name}.py" for name in ("rotation", "secret_key", "key_records"))
home, work = Path(sys.argv[1]), Path(sys.argv[2])

def read(database, keyring):
    with database.read() as connection:
        rows = connection.execute(select(deployments)).all()
    box = SecretBox(keyring)
    return sorted(box.open_config(row.id, row.config).config["token"] for row in rows)

def run(line):
    seen = set()
    def trace(frame, event, _):
        if not frame.f_code.co_filename.endswith(OURS):
            return None
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
            if len(seen) == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    database, keyring = Database(f"sqlite:///{work / 'trueline.db'}"), Keyring(work / "secret.key")
    sys.settrace(trace)
    rotate(database, keyring)
    os._exit(0)

line, ends = 0, []
while not ends or ends[-1] != 0:
    line += 1
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(home, work)
    child = os.fork()
    if child == 0:
        run(line)
    ends.append(os.waitpid(child, 0)[1])
    database, keyring = Database(f"sqlite:///{work / 'trueline.db'}"), Keyring(work / "secret.key")
    assert read(database, keyring) == ["secret of a", "secret of b"], line
    if ends[-1]:
        rotate(database, keyring)
    assert read(database, Keyring(work / "secret.key")) == ["secret of a", "secret of b"], line
    assert len(keyring.read()) == 1, line
    database.close()
print(json.dumps(ends))
"""


def test_rotation_killed_at_any_line_is_taken_up(
    deploy: Callable[..., None], database: Database, settings: Settings, tmp_path: Path
) -> None:
    deploy("a", "b")
    database.close()
    old = (settings.data_dir / "secret.key").read_text()
    end = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_LINE, str(settings.data_dir), str(tmp_path / "work")],
        cwd=Path(__file__).parents[2],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert end.returncode == 0, end.stderr
    ends: list[Any] = json.loads(end.stdout)
    assert len(ends) > 60
    assert set(ends[:-1]) == {9}
    newest = (tmp_path / "work" / "secret.key").read_text()
    assert Key.of(newest.strip()).id != Key.of(old.strip()).id
