package io.pannier.server.metrics;

import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * One answer to whoever scrapes: all metrics as text, in the form that is asked for.
 *
 * @param contentType of the text
 * @param text UTF-8
 */
public record Scrape(String contentType, Text text) {
  /** Bytes that are made once and handed on. */
  public static final class Text {
    private final byte[] bytes;

    private Text(byte[] bytes) {
      this.bytes = bytes;
    }

    /** Not a copy. */
    public byte[] bytes() {
      return bytes;
    }
  }

  /**
   * Asks every room for its numbers. May wait for locks that are held for microseconds, and asks
   * the device how full it is.
   *
   * @param accept what the client wants: OpenMetrics where it says so, else the text format of
   *     Prometheus
   */
  public static Scrape of(Sources sources, @Nullable String accept) {
    var families = new Families();
    RequestMetrics.add(families, sources);
    StoreMetrics.add(families, sources);
    TaskMetrics.add(families, sources);
    ReplicaMetrics.add(families, sources);
    ProcessMetrics.add(families, sources);
    ExpositionFormatWriter writer = writer(accept);
    var out = new ByteArrayOutputStream(32 << 10);
    try {
      writer.write(out, families.snapshots(), EscapingScheme.UNDERSCORE_ESCAPING);
    } catch (IOException inMemory) {
      throw new UncheckedIOException(inMemory);
    }
    return new Scrape(writer.getContentType(), new Text(out.toByteArray()));
  }

  private static ExpositionFormatWriter writer(@Nullable String accept) {
    ExpositionFormatWriter open =
        OpenMetricsTextFormatWriter.builder().setCreatedTimestampsEnabled(false).build();
    return open.accepts(accept)
        ? open
        : PrometheusTextFormatWriter.builder().setIncludeCreatedTimestamps(false).build();
  }
}
