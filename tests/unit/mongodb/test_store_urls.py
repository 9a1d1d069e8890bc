"""The URL of a store is taken, and never shown with what is secret in it."""

from __future__ import annotations

from argparse import Namespace

import pytest

from broker.settings import SettingError, read_settings, without_secrets
from broker.stores.mongo.connection import DATABASE, UnusableStore, connect
from broker.wiring import StartError, build

SECRET = "s3cr3t"  # noqa: S105


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"mongodb://hub:{SECRET}@db1,db2:2/city?tlsCertificateKeyFilePassword={SECRET}", "db1,db2:2/city"),
        (f"mongodb://hub:{SECRET}/@db1/city", "db1/city"),
        (f"mongodb://hub:a?{SECRET}@db1/city", "db1/city"),
        ("mongodb://127.0.0.1", "127.0.0.1"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == f"mongodb://{shown}"
    assert without_secrets("sqlite") == "sqlite"


@pytest.mark.parametrize(
    "url", [f"mongo://hub:{SECRET}@db1/city", f"mongodb://hub:{SECRET}@/city", f"http://a:{SECRET}@b"]
)
def test_a_url_that_is_refused_is_refused_without_secrets(url: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_settings(Namespace(config=""), {"MISONO_STORE": url})
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("url", [f"mongodb://hub:{SECRET}/@db1/city", f"mongodb://hub:x@db1:{SECRET}/city"])
def test_a_url_that_the_driver_does_not_take_ends_the_start_without_secrets(url: str) -> None:
    with pytest.raises(StartError) as refused:
        build(read_settings(Namespace(config=""), {"MISONO_STORE": url}))
    assert str(refused.value).startswith("--store mongodb://db1")
    assert f"hub:{SECRET}" not in str(refused.value)


@pytest.mark.timeout(30)
def test_a_server_that_is_not_there_ends_the_start() -> None:
    url = f"mongodb://hub:{SECRET}@127.0.0.1:9/city?timeoutMS=300"
    with pytest.raises(StartError, match="not reached") as refused:
        build(read_settings(Namespace(config=""), {"MISONO_STORE": url}))
    assert SECRET not in str(refused.value)


def test_the_database_is_that_of_the_url_and_all_is_written_for_good() -> None:
    for path, name in (("", DATABASE), ("/city", "city")):
        client, database = connect(f"mongodb://127.0.0.1:9{path}?w=0&journal=false")
        assert database.name == name
        assert database.write_concern.document == {"w": "majority", "j": True}
        client.close()
    with pytest.raises(UnusableStore):
        connect("mongodb://127.0.0.1:port")
