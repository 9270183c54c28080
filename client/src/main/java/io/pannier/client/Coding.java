package io.pannier.client;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.GZIPOutputStream;

/** How bodies are compressed on their way. */
public enum Coding {
  NONE,
  ZSTD,
  GZIP;

  /** Fast, and dense enough for a link. */
  private static final int ZSTD_LEVEL = 3;

  OutputStream over(OutputStream out) throws IOException {
    return switch (this) {
      case NONE -> out;
      case ZSTD -> new ZstdOutputStream(out, ZSTD_LEVEL);
      case GZIP -> new GZIPOutputStream(out, 1 << 16);
    };
  }
}
