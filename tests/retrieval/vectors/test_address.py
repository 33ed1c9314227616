"""URLs of places for vectors: what is read from each, and what is refused without being repeated."""

import pytest

from retrieval.vectors.address import VectorsAddress, read_address, vectors_url, vectors_url_without_password

MILVUS = "http://milvus.example.com:19530"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me@db/shop", VectorsAddress("postgresql", "postgresql://me@db/shop")),
        (" postgresql+psycopg://me@db:5433/shop?sslmode=require ", None),
        ("milvus://milvus.example.com", VectorsAddress("milvus", MILVUS)),
        ("milvus://milvus.example.com:19530/shop", VectorsAddress("milvus", MILVUS, database="shop")),
        ("milvus://milvus.example.com?index=hnsw", VectorsAddress("milvus", MILVUS, "hnsw")),
        ("milvus://me:a%40b@milvus.example.com/", VectorsAddress("milvus", MILVUS, "flat", "", "me:a@b")),
        ("milvus+tls://milvus.example.com:443", VectorsAddress("milvus", "https://milvus.example.com:443")),
        ("milvus://[fd00::1]:1953", VectorsAddress("milvus", "http://[fd00::1]:1953")),
    ],
)
def test_addresses_are_read(url: str, expected: VectorsAddress | None) -> None:
    assert read_address(url) == (expected or VectorsAddress("postgresql", url.strip()))
    assert vectors_url(url) == url.strip()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "milvus://host:port"),
        ("mysql://host/name", "milvus://host:port"),
        ("milvus:host", "milvus://host:port"),
        ("milvus://", "no host"),
        ("milvus://host:port", "no host and port"),
        ("milvus://host:99999", "no host and port"),
        ("milvus://host?index=annoy", "flat, hnsw, ivf_sq8, diskann"),
        ("milvus://host?index=flat&index=hnsw", "index must be one of"),
        ("milvus://host?nprobe=4", "nothing but"),
        ("milvus+ssl://host", "nothing but"),
        ("milvus://host/one/two", "database of Milvus"),
        ("milvus://host name", "milvus://host:port"),
        ("postgresql://host/name?index=diskann", "index must be one of"),
    ],
)
def test_what_names_no_place_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_address(url)
    assert url.partition("://")[2] in ("", "host") or url not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("postgresql://me:secret@host/name", "PGPASSWORD"),
        ("postgresql://me@host/name?password=secret", "PGPASSWORD"),
        ("milvus://me:secret@host", "MILVUS_TOKEN"),
    ],
)
def test_files_take_no_passwords(url: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice) as caught:
        vectors_url_without_password(url)
    assert "secret" not in str(caught.value)
    assert vectors_url_without_password("milvus://host:19530") == "milvus://host:19530"
