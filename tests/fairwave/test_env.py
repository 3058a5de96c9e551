"""Settings are read from the environment, and what is wrong with one is a mistake."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest

from fairwave import env
from fairwave.errors import Mistake


@pytest.fixture
def mistakes(monkeypatch: pytest.MonkeyPatch) -> list[Mistake]:
    found: list[Mistake] = []
    monkeypatch.setattr(env, "mistakes", found)
    return found


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://",
        "postgresql://user@host",
        "postgresql://host:port/name",
        "mysql://h/n",
    ],
)
@pytest.mark.filterwarnings("ignore:Engine not recognized")
def test_an_address_that_is_no_postgresql_database_is_a_mistake_and_no_crash(
    url, mistakes, monkeypatch, tmp_path
):
    monkeypatch.setenv("DATABASE_URL", url)
    env.database(tmp_path)
    assert [mistake.name for mistake in mistakes] == ["DATABASE_URL"]


def test_a_named_database_is_used(mistakes, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:p%23w@db.example:5433/presale")
    found = env.database(tmp_path)
    assert (found["HOST"], found["PORT"], found["NAME"], found["PASSWORD"]) == (
        "db.example",
        5433,
        "presale",
        "p#w",
    )
    assert not mistakes


def test_an_empty_setting_is_an_absent_one(mistakes, monkeypatch):
    monkeypatch.setenv("SMS_PER_SECOND", "  ")
    assert env.whole("SMS_PER_SECOND", 200) == 200
    assert not mistakes


def test_a_bucket_is_a_folder_or_an_s3_bucket(mistakes, monkeypatch, tmp_path):
    assert env.bucket("SCORING_BUCKET", tmp_path)["OPTIONS"] == {"location": str(tmp_path)}
    monkeypatch.setenv("SCORING_BUCKET", "s3://scores/of/ours/")
    options = env.bucket("SCORING_BUCKET", tmp_path)["OPTIONS"]
    assert (options["bucket_name"], options["location"]) == ("scores", "of/ours")
    assert not mistakes


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(monkeypatch, tmp_path):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = env.secret_key(tmp_path / "data")
    assert env.secret_key(tmp_path / "data") == first
    assert len(first) > 50
    assert (tmp_path / "data" / "secret-key").stat().st_mode & 0o077 == 0
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secret-key"]


def test_a_kept_secret_key_that_is_empty_is_named(mistakes, monkeypatch, tmp_path):
    for name in ("SECRET_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "secret-key").touch()
    assert env.secret_key(tmp_path) == ""
    assert [each.problem for each in mistakes] == [f"{tmp_path / 'secret-key'} is empty."]


def test_no_session_waits_for_ever(mistakes, monkeypatch):
    """[O-6] Neither a statement, nor a lock, nor a transaction of a worker that hangs, nor a
    connection whose other side is gone.
    """
    monkeypatch.setenv("DATABASE_LOCK_SECONDS", "7")
    options = env.session_options()
    of_server = {
        "statement_timeout": 300_000,
        "lock_timeout": 7_000,
        "idle_in_transaction_session_timeout": 60_000,
        "tcp_keepalives_idle": 30,
        "tcp_keepalives_interval": 10,
        "tcp_keepalives_count": 3,
    }
    assert options == {
        "application_name": env.process_name(),
        "connect_timeout": 10,
        "tcp_user_timeout": 60_000,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "options": " ".join(f"-c {name}={value}" for name, value in of_server.items()),
    }
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])
    assert "-c statement_timeout=0" in str(env.session_options()["options"])
    assert not mistakes


def test_o7_a_network_of_ipv4_written_as_ipv6_is_the_same_network(mistakes, monkeypatch):
    monkeypatch.setenv("TRUSTED_PROXIES", "::ffff:10.0.0.0/104, ::ffff:192.0.2.7, fd00::/8")
    found = [str(network) for network in env.networks("TRUSTED_PROXIES")]
    assert found == ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]
    monkeypatch.setenv("TRUSTED_PROXIES", "::ffff:0:0/96")
    assert env.networks("TRUSTED_PROXIES") == []
    assert "every address" in mistakes[0].problem


def test_x6_prices_are_by_country_with_all_their_digits(mistakes, monkeypatch):
    monkeypatch.setenv("SMS_RATES", '{"US": "0.0079", "CA": 0.0083}')
    assert env.prices("SMS_RATES") == {"US": Decimal("0.0079"), "CA": Decimal("0.0083")}
    assert mistakes == []


@pytest.mark.parametrize(
    "written", ["0.01", "[1]", '{"usa": 1}', '{"US": -1}', '{"US": "x"}', '{"US": NaN}', "{"]
)
def test_x6_what_is_no_list_of_prices_is_a_mistake(written, mistakes, monkeypatch):
    monkeypatch.setenv("SMS_RATES", written)
    assert env.prices("SMS_RATES") == {}
    assert [mistake.name for mistake in mistakes] == ["SMS_RATES"]


def test_settings_of_others_are_one_json_object(mistakes, monkeypatch):
    assert env.json_object("ANYMAIL_SETTINGS") == {}
    monkeypatch.setenv("ANYMAIL_SETTINGS", '{"POSTMARK_SERVER_TOKEN": "p"}')
    assert env.json_object("ANYMAIL_SETTINGS") == {"POSTMARK_SERVER_TOKEN": "p"}
    assert mistakes == []
    for written in ("p", "[1]", "[" * 100_000):
        monkeypatch.setenv("ANYMAIL_SETTINGS", written)
        assert env.json_object("ANYMAIL_SETTINGS") == {}
    assert [mistake.name for mistake in mistakes] == ["ANYMAIL_SETTINGS"] * 3


def test_n1_test_recipients_are_addresses_and_numbers_with_their_country(mistakes, monkeypatch):
    monkeypatch.setenv("TEST_RECIPIENTS", "ann@band.example, +12065550100")
    assert env.contacts("TEST_RECIPIENTS") == ["ann@band.example", "+12065550100"]
    assert mistakes == []
    monkeypatch.setenv("TEST_RECIPIENTS", "ann@band.example,206 555 0100")
    env.contacts("TEST_RECIPIENTS")
    assert "'206 555 0100' is neither" in mistakes[0].problem


@pytest.mark.parametrize(
    ("url", "host", "port", "starts_tls", "is_tls"),
    [
        ("smtp://mail.example", "mail.example", 25, False, False),
        ("smtp+tls://ann:a%2Fb@mail.example", "mail.example", 587, True, False),
        ("smtp+ssl://mail.example:2465", "mail.example", 2465, False, True),
    ],
)
def test_a_mail_server_is_named_by_one_address(
    url, host, port, starts_tls, is_tls, mistakes, monkeypatch, tmp_path
):
    monkeypatch.setenv("EMAIL_URL", url)
    found = env.mail_server("EMAIL_URL", tmp_path)
    assert found.backend == "django.core.mail.backends.smtp.EmailBackend"
    assert (found.host, found.port, found.starts_tls, found.is_tls) == (
        host,
        port,
        starts_tls,
        is_tls,
    )
    assert (found.user, found.password) in {("", ""), ("ann", "a/b")}
    assert not mistakes


def test_e_mails_are_files_in_the_folder_that_is_named_or_the_default(monkeypatch, tmp_path):
    assert env.mail_server("EMAIL_URL", tmp_path).folder == tmp_path
    monkeypatch.setenv("EMAIL_URL", "file:///var/mail/presale")
    assert str(env.mail_server("EMAIL_URL", tmp_path).folder) == "/var/mail/presale"


@pytest.mark.parametrize(
    "url", ["mail.example", "smtp://", "imap://mail.example", "smtp://h:port", "file://"]
)
def test_what_is_no_mail_server_is_a_mistake_that_names_no_password(
    url, mistakes, monkeypatch, tmp_path
):
    monkeypatch.setenv("EMAIL_URL", url)
    assert env.mail_server("EMAIL_URL", tmp_path).backend.endswith("filebased.EmailBackend")
    assert [mistake.name for mistake in mistakes] == ["EMAIL_URL"]
    assert url not in mistakes[0].problem
