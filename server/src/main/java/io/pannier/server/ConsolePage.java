package io.pannier.server;

import io.pannier.server.http.Response;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;

/**
 * The page at {@code ui/}: what the server is and which buckets it has, asked for by the browser
 * with the token of whoever looks (http-api.md §20). Every path that does not look like a file
 * shows it.
 */
final class ConsolePage {
  private final byte[] page;

  ConsolePage() {
    try (InputStream in =
        Objects.requireNonNull(ConsolePage.class.getResourceAsStream("index.html"))) {
      page = in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * @param path behind {@code ui/}
   */
  Response get(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    if (!name.equals("index.html") && name.indexOf('.') >= 0) {
      return Response.error(404, "Not found");
    }
    return Response.of(200)
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-cache")
        // The page needs nothing from anywhere else, and nobody may put it into a frame.
        .header(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
                + " connect-src 'self'; form-action 'self'; frame-ancestors 'none'")
        .body(page);
  }
}
