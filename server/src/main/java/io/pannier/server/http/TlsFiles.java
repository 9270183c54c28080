package io.pannier.server.http;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the server finds what it proves itself with. All files are PEM.
 *
 * @param certificate its certificate, then those that lead from it to an authority
 * @param key the private key of the first: PKCS #8, PKCS #1 or SEC 1, not encrypted
 * @param clientCa authorities whose certificates clients may show; empty: none is asked for
 * @param requireClient whether a client must show one
 */
public record TlsFiles(Path certificate, Path key, Optional<Path> clientCa, boolean requireClient) {
  public TlsFiles {
    if (requireClient && clientCa.isEmpty()) {
      throw new IllegalArgumentException(
          "client certificates cannot be required without the authority that issues them");
    }
  }
}
