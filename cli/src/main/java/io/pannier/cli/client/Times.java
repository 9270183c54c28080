package io.pannier.cli.client;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Times and durations on the command line and in tables. */
final class Times {
  private static final Pattern RELATIVE =
      Pattern.compile("now(?:\\s*([+-])\\s*(\\d+)\\s*(ms|s|m|h|d|w))?");
  private static final Pattern DATE = Pattern.compile("(\\d{4})-(\\d{1,2})-(\\d{1,2})");
  private static final Pattern DURATION = Pattern.compile("(\\d+)([smhd])");
  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss'Z'").withZone(ZoneOffset.UTC);

  private Times() {}

  /**
   * A point in time, µs since the epoch.
   *
   * @param now the wall clock, µs
   */
  static long parse(String given, long now, ZoneId zone) {
    String text = given.strip();
    if (text.isEmpty()) {
      throw new Failure("Time is empty");
    }
    if (text.matches("\\d+")) {
      try {
        return Long.parseUnsignedLong(text);
      } catch (NumberFormatException tooLarge) {
        throw new Failure("Failed to parse numeric timestamp " + text + ": above 2^64-1");
      }
    }
    if (text.matches("-\\d+.*")) {
      throw new Failure("Time must be a positive integer");
    }
    Matcher relative = RELATIVE.matcher(text);
    if (relative.matches()) {
      return relative.group(1) == null ? now : relative(relative, now, text);
    }
    try {
      return micros(OffsetDateTime.parse(text.replaceFirst(" ", "T")).toInstant(), text);
    } catch (DateTimeException notWithOffset) {
      return local(text, zone);
    }
  }

  private static long relative(Matcher parts, long now, String text) {
    long unit =
        switch (parts.group(3)) {
          case "ms" -> 1_000L;
          case "s" -> 1_000_000L;
          case "m" -> 60_000_000L;
          case "h" -> 3_600_000_000L;
          case "d" -> 86_400_000_000L;
          default -> 7 * 86_400_000_000L;
        };
    long distance;
    try {
      distance = Math.multiplyExact(Long.parseLong(parts.group(2)), unit);
    } catch (ArithmeticException | NumberFormatException tooLarge) {
      throw new Failure("Failed to parse time " + text + ": duration is too large");
    }
    long time = parts.group(1).equals("-") ? now - distance : now + distance;
    if (time < 0) {
      throw new Failure("Failed to parse time " + text + ": timestamp is out of range");
    }
    return time;
  }

  private static long local(String text, ZoneId zone) {
    LocalDateTime time;
    try {
      Matcher date = DATE.matcher(text);
      time =
          date.matches()
              ? LocalDate.of(
                      Integer.parseInt(date.group(1)),
                      Integer.parseInt(date.group(2)),
                      Integer.parseInt(date.group(3)))
                  .atStartOfDay()
              : LocalDateTime.parse(text);
    } catch (DateTimeException malformed) {
      throw new Failure(
          "Failed to parse time "
              + text
              + ": expected Unix microseconds, RFC3339, local datetime, or local date");
    }
    int offsets = zone.getRules().getValidOffsets(time).size();
    if (offsets != 1) {
      throw new Failure(
          "Failed to parse time "
              + text
              + (offsets == 0 ? ": local time does not exist" : ": local time is ambiguous"));
    }
    return micros(ZonedDateTime.of(time, zone).toInstant(), text);
  }

  private static long micros(Instant time, String text) {
    if (time.getEpochSecond() < 0) {
      throw new Failure("Timestamp must be greater than or equal to Unix epoch: " + text);
    }
    return time.getEpochSecond() * 1_000_000 + time.getNano() / 1_000;
  }

  /** A duration of one term with a unit of s, m, h or d. */
  static Duration duration(String text, String option) {
    Matcher term = DURATION.matcher(text.strip());
    if (!term.matches()) {
      throw new Failure(
          "invalid "
              + option
              + " '"
              + text
              + "': invalid duration '"
              + text
              + "': use units s, m, h, d");
    }
    try {
      long count = Long.parseLong(term.group(1));
      return switch (term.group(2)) {
        case "s" -> Duration.ofSeconds(count);
        case "m" -> Duration.ofMinutes(count);
        case "h" -> Duration.ofHours(count);
        default -> Duration.ofDays(count);
      };
    } catch (ArithmeticException | NumberFormatException tooLarge) {
      throw new Failure("invalid " + option + " '" + text + "': duration is too large");
    }
  }

  /** A time as tables have it, in whole seconds of UTC. */
  static String seconds(long micros) {
    if (micros < 0) {
      return Long.toUnsignedString(micros);
    }
    return SECONDS.format(Instant.ofEpochSecond(micros / 1_000_000));
  }

  static String seconds(Instant time) {
    return SECONDS.format(time);
  }

  /** A duration as people say it. */
  static String rough(long seconds) {
    if (seconds < 10) {
      return "now";
    }
    String[] names = {"second", "minute", "hour", "day"};
    long[] sizes = {1, 60, 3600, 86400};
    int unit = seconds >= 86400 ? 3 : seconds >= 3600 ? 2 : seconds >= 60 ? 1 : 0;
    long count = seconds / sizes[unit];
    return count + " " + names[unit] + (count == 1 ? "" : "s");
  }
}
