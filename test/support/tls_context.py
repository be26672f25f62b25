# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""The TLS contexts of the tests that are written in Python: none of them makes one of its own.

Python's defaults differ from one build to the next. Debian's ssl module sets SSL_OP_IGNORE_UNEXPECTED_EOF, by which a
connection that was cut looks like one that ended with close_notify, and a socket of any Python says the same unless it
is told otherwise. Python 3.11 has no class of its own for the error. Python 3.13 demands of certificates what earlier
ones don't. Here all are alike, and strict.
"""
import ssl


class Socket(ssl.SSLSocket):
    def read(self, *arguments):
        try:
            return super().read(*arguments)
        except ssl.SSLError as why:
            if why.reason != "UNEXPECTED_EOF_WHILE_READING":
                raise
            raise ssl.SSLEOFError(*why.args) from None
        except BrokenPipeError as why:  # Python 3.13, of a cut that a write before it has met
            raise ConnectionResetError(*why.args) from None


class Context(ssl.SSLContext):
    """A context whose connections raise ssl.SSLEOFError where the peer's close_notify is missing."""

    sslsocket_class = Socket

    def __init__(self, *_):
        self.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)

    def wrap_socket(self, connection, **options):
        return super().wrap_socket(connection, suppress_ragged_eofs=False, **options)


def client_context(authority=None):
    """For a client that verifies chain and host name; it trusts this authority, or those of the system."""
    context = Context(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if authority:
        context.load_verify_locations(authority)
    else:
        context.load_default_certs()
    return context


def server_context(certificate, key):
    """For a server with this certificate."""
    context = Context(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
