import { execFileSync } from 'node:child_process';
import { NEWEST, pythonOf } from './mlflow.ts';

/** An authority, a certificate of it for localhost and one for a client, valid from a day ago for two days. */
const CERTIFICATES = `
import datetime, ipaddress, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder, now = pathlib.Path(sys.argv[1]), datetime.datetime.now(datetime.timezone.utc)
name = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
pem = serialization.Encoding.PEM

def certificate(subject, issuer, issuer_key, key, extension, before=1, after=1):
    return (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=before)).not_valid_after(now + datetime.timedelta(days=after))
        .add_extension(extension, critical=False).sign(issuer_key, hashes.SHA256()).public_bytes(pem)
    )

ca, server, client = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
private = lambda key: key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
local = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
(folder / "ca.pem").write_bytes(certificate("ca", "ca", ca, ca, x509.BasicConstraints(True, None)))
(folder / "other.pem").write_bytes(certificate("other", "other", client, client, x509.BasicConstraints(True, None)))
(folder / "server.pem").write_bytes(certificate("server", "ca", ca, server, local))
(folder / "server.key").write_bytes(private(server))
(folder / "next.pem").write_bytes(certificate("next", "ca", ca, client, local))
(folder / "next.key").write_bytes(private(client))
(folder / "ending.pem").write_bytes(certificate("ending", "ca", ca, server, local, 80, 10))
(folder / "client.pem").write_bytes(certificate("client", "ca", ca, client, local) + private(client))
`;

/**
 * Writes an authority (`ca.pem`), a certificate of it for localhost (`server.pem`, `server.key`), one for a client with
 * its key (`client.pem`), one to renew the first by (`next.pem`, `next.key`), one of `server.key` that has lived for 80
 * of its 90 days (`ending.pem`), and an authority that has signed none of them (`other.pem`).
 */
export function writeCertificates(dir: string): void {
  execFileSync(pythonOf(NEWEST), ['-c', CERTIFICATES, dir]);
}
