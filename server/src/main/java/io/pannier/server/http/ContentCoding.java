package io.pannier.server.http;

import com.github.luben.zstd.ZstdInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/** Codings of request bodies that are undone before anybody reads them (http-api.md §1.4). */
enum ContentCoding {
  GZIP {
    @Override
    InputStream decoded(InputStream coded) throws IOException {
      return new GZIPInputStream(coded, BUFFER);
    }
  },
  ZSTD {
    @Override
    InputStream decoded(InputStream coded) throws IOException {
      return new ZstdInputStream(coded).setLongMax(WINDOW_LOG_MAX);
    }
  };

  /** What a client is told that asks for another coding. */
  static final String ACCEPTED = "zstd,gzip";

  private static final int BUFFER = 16 << 10;

  /** Memory that a stream may make us hold: 8 MiB, what every encoder's usual levels need. */
  private static final int WINDOW_LOG_MAX = 23;

  /** The coding of this name; empty when it is not one of ours. */
  static Optional<ContentCoding> of(String name) {
    return switch (name.strip().toLowerCase(Locale.ROOT)) {
      case "gzip", "x-gzip" -> Optional.of(GZIP);
      case "zstd" -> Optional.of(ZSTD);
      default -> Optional.empty();
    };
  }

  /** A stream of what was coded; the first read may fail. */
  abstract InputStream decoded(InputStream coded) throws IOException;
}
