package io.pannier.cli;

import io.pannier.model.Timestamp;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How sizes and times are given on the command line, and how they are shown. */
final class Amounts {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,12})(?:\\.(\\d))?\\s*([kKMGT]?)i?B?");

  private Amounts() {}

  /** A number of bytes such as {@code 500kB}, {@code 5MB} or {@code 1.5GB}, above 0. */
  static final class Size implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      Matcher found = SIZE.matcher(text.strip());
      if (!found.matches()) {
        throw new TypeConversionException("expected a size such as 5MB, not '" + text + "'");
      }
      double number =
          Double.parseDouble(
              found.group(1) + "." + (found.group(2) == null ? "0" : found.group(2)));
      int power =
          " KMGT".indexOf(found.group(3).isEmpty() ? " " : found.group(3).toUpperCase(Locale.ROOT));
      boolean isBinary = text.contains("i");
      long bytes = (long) (number * Math.pow(isBinary ? 1024 : 1000, power));
      if (bytes <= 0) {
        throw new TypeConversionException("expected a size above 0, not '" + text + "'");
      }
      return bytes;
    }
  }

  /** A time: microseconds since 1970, or as in RFC 3339. */
  static final class Time implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      try {
        return text.matches("\\d+")
            ? Timestamp.parse(text)
            : ChronoUnit.MICROS.between(Instant.EPOCH, Instant.parse(text));
      } catch (DateTimeException | NumberFormatException malformed) {
        throw new TypeConversionException(
            "expected microseconds or a time such as 2026-11-21T08:00:00Z, not '" + text + "'");
      }
    }
  }

  /** Bytes for people. */
  static String bytes(long bytes) {
    double shown = bytes;
    int power = 0;
    while (shown >= 1000 && power < 4) {
      shown /= 1000;
      power++;
    }
    return power == 0
        ? bytes + " B"
        : String.format(Locale.ROOT, "%.1f %sB", shown, "kMGT".charAt(power - 1));
  }

  /** A time for people. */
  static String time(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS).truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
