# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates made by openssl when a test needs them; none is kept in the tree."""

import datetime
import fcntl
import pickle
import ssl
import subprocess

IP = "192.168.76.2"


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done


def _date(days_from_now):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days_from_now)
    return moment.strftime("%Y%m%d%H%M%SZ")


class Authority:
    """A CA, and what it signs. Paths of PEM files."""

    def __init__(self, folder, name="ca", like=None):
        """A new CA, or the same CA as `like` with a folder of its own for what it signs."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._serial = 1
        if like:
            self.ca, self.ca_key, self.server = like.ca, like.ca_key, like.server
            return
        self.ca_key = self.key(name)
        self.ca = folder / f"{name}.crt"
        _openssl("req", "-new", "-x509", "-key", self.ca_key, "-out", self.ca, "-days", 300,
                 "-subj", f"/CN=pingshot test {name}",
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
        self.server = self.sign("server")

    def key(self, name, key_type="ec"):
        path = self.folder / f"{name}.key"
        kind = {
            "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        }[key_type]
        _openssl("genpkey", *kind, "-out", path)
        return path

    def sign(self, name, key_type="ec", days=(-1, 30), usage="serverAuth", ca=False, issuer=None,
             extra=""):  # fmt: skip
        """A certificate and its key. `days`: from and until when it is valid. `issuer`: (path of
        certificate, path of key) in place of the CA's own. `extra`: more lines of extensions."""
        key = self.key(name, key_type)
        request, cert, config = (self.folder / f"{name}.{end}" for end in ("csr", "crt", "cnf"))
        extensions = (
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
            if ca
            else "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage={usage}\nsubjectAltName=IP:{IP},DNS:pingshot.local\n"
        )
        issuer_cert, issuer_key = issuer or (self.ca, self.ca_key)
        index = self.folder / f"{name}.index"
        index.write_text("")
        serial = self.folder / f"{name}.serial"
        self._serial += 1
        serial.write_text(f"{self._serial:04X}\n")
        config.write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={index}\nserial={serial}\n"
            f"new_certs_dir={self.folder}\npolicy=any\nx509_extensions=ext\n"
            f"[any]\ncommonName=supplied\n[ext]\n{extensions}{extra}"
        )
        _openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={name}")
        _openssl("ca", "-batch", "-notext", "-config", config, "-md", "sha256",
                 "-in", request, "-out", cert, "-cert", issuer_cert, "-keyfile", issuer_key,
                 "-startdate", _date(days[0]), "-enddate", _date(days[1]))  # fmt: skip
        return cert, key

    def chain(self, name, key_type="ec"):
        """A certificate signed by an intermediate CA, which is in the same file behind it."""
        middle = self.sign(f"{name}-middle", ca=True)
        cert, key = self.sign(name, key_type, issuer=middle)
        both = self.folder / f"{name}-chain.crt"
        both.write_text(cert.read_text() + middle[0].read_text())
        return both, key

    def client_context(self, client=None):
        """A Python client that trusts only this CA; with `client`, it has a certificate."""
        context = ssl.create_default_context(cafile=self.ca)
        if client:
            context.load_cert_chain(*client)
        return context


def authority_of_run(shared_folder, own_folder):
    """The one CA of a test run, whose worker processes all call this: the first makes it. What
    this process has it sign is in a folder of its own."""
    shared_folder.mkdir(exist_ok=True)
    with open(shared_folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = shared_folder / "authority.pickle"
        if not kept.exists():
            kept.write_bytes(pickle.dumps(Authority(shared_folder)))
        return Authority(own_folder, like=pickle.loads(kept.read_bytes()))
