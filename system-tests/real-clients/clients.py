"""What Python's HTTP clients see through the tunnel: one JSON object on standard output.

Usage: clients.py requests|httpx URL [CA]. URL ends with a slash; over TLS httpx speaks HTTP/2."""

import hashlib
import json
import sys

BODY = bytes(i * 7 % 256 for i in range(2 * 1024 * 1024))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def pieces():
    for at in range(0, len(BODY), 100_000):
        yield BODY[at : at + 100_000]


def uploaded(answer):
    said = answer.json()
    return {
        "isWhole": said["sha256"] == sha256(BODY),
        "isChunked": said["isChunked"],
    }


def by_requests(url, ca):
    import requests

    with requests.Session() as session:
        session.verify = ca or True
        session.trust_env = False
        ranged = session.get(url + "file", headers={"Range": "bytes=1000-1999"})
        streamed = hashlib.sha256()
        with session.get(url + "file", stream=True) as answer:
            for chunk in answer.iter_content(10_000):
                streamed.update(chunk)
        with session.get(url + "lines?n=3&gap=20", stream=True) as answer:
            lines = [line.decode() for line in answer.iter_lines()]
        session.get(url + "cookies")
        return {
            "file": sha256(session.get(url + "file").content),
            "streamed": streamed.hexdigest(),
            "head": session.head(url + "file").headers["Content-Length"],
            "range": [ranged.status_code, ranged.headers["Content-Range"], len(ranged.content)],
            "gzipped": sha256(session.get(url + "gzipped").content),
            "lines": lines,
            "cookies": session.get(url + "cookies").text,
            "redirected": sha256(session.get(url + "redirect").content),
            "counted": uploaded(session.post(url + "upload", data=BODY)),
            "chunked": uploaded(session.post(url + "upload", data=pieces())),
            "form": session.post(url + "upload", files={"file": BODY}).json()["bytes"] > len(BODY),
            "missing": session.get(url + "nowhere").status_code,
        }


def by_httpx(url, ca):
    import httpx

    with httpx.Client(http2=ca is not None, verify=ca or True, trust_env=False, timeout=30) as client:
        ranged = client.get(url + "file", headers={"Range": "bytes=1000-1999"})
        streamed = hashlib.sha256()
        with client.stream("GET", url + "file") as answer:
            version = answer.http_version
            for chunk in answer.iter_bytes(10_000):
                streamed.update(chunk)
        with client.stream("GET", url + "lines?n=3&gap=20") as answer:
            lines = list(answer.iter_lines())
        client.get(url + "cookies")
        return {
            "version": version,
            "file": sha256(client.get(url + "file").content),
            "streamed": streamed.hexdigest(),
            "head": client.head(url + "file").headers["Content-Length"],
            "range": [ranged.status_code, ranged.headers["Content-Range"], len(ranged.content)],
            "gzipped": sha256(client.get(url + "gzipped").content),
            "lines": [line.rstrip("\n") for line in lines],
            "cookies": client.get(url + "cookies").text,
            "redirected": sha256(client.get(url + "redirect", follow_redirects=True).content),
            "counted": uploaded(client.post(url + "upload", content=BODY)),
            "chunked": uploaded(client.post(url + "upload", content=pieces())),
            "form": client.post(url + "upload", files={"file": BODY}).json()["bytes"] > len(BODY),
            "missing": client.get(url + "nowhere").status_code,
        }


name, url = sys.argv[1:3]
ca = sys.argv[3] if len(sys.argv) > 3 else None
seen = by_requests(url, ca) if name == "requests" else by_httpx(url, ca)
print(json.dumps(seen))
