package io.pannier.query.when;

import io.pannier.model.PannierException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Parts of a date in a time zone. */
final class Calendar {
  /** Times of the proleptic years −262143 to 262142, which is what the reference can tell. */
  private static final long MICROS_MIN = -8_334_601_228_800_000_000L;

  private static final long MICROS_MAX = 8_210_266_876_799_999_999L;

  /** Names of the time zone database that the JDK leaves out or knows as abbreviations only. */
  private static final Map<String, ZoneId> OTHER_NAMES =
      Map.of(
          "EST", ZoneOffset.ofHours(-5),
          "MST", ZoneOffset.ofHours(-7),
          "HST", ZoneOffset.ofHours(-10),
          "ROC", ZoneId.of("Asia/Taipei"),
          "GMT+0", ZoneOffset.UTC,
          "GMT-0", ZoneOffset.UTC);

  private Calendar() {}

  /** Value of a part: second, minute, hour, day, month, year or weekday (Monday is 0). */
  static long part(Operator part, Value time, @Nullable Value zone) {
    long micros = time.asInt();
    if (micros < MICROS_MIN || micros > MICROS_MAX) {
      throw new PannierException.Invalid(
          part.symbol() + " requires a valid timestamp in microseconds, got " + micros);
    }
    ZoneId where = ZoneOffset.UTC;
    if (zone != null) {
      if (!(zone instanceof Value.Text(String name))) {
        throw new PannierException.Invalid(part.symbol() + " requires timezone to be a string");
      }
      where = zone(name);
    }
    ZonedDateTime date =
        Instant.ofEpochSecond(
                Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1000)
            .atZone(where);
    return switch (part) {
      case SECOND -> date.getSecond();
      case MINUTE -> date.getMinute();
      case HOUR -> date.getHour();
      case DAY -> date.getDayOfMonth();
      case MONTH -> date.getMonthValue();
      case YEAR -> date.getYear();
      case WEEKDAY -> date.getDayOfWeek().getValue() - 1;
      default -> throw new IllegalArgumentException(part + " is no part of a date");
    };
  }

  /** Only names of the database: the JDK would also take offsets and its own inventions. */
  private static ZoneId zone(String name) {
    ZoneId other = OTHER_NAMES.get(name);
    if (other != null) {
      return other;
    }
    if (!ZoneId.getAvailableZoneIds().contains(name) || name.startsWith("SystemV/")) {
      throw new PannierException.Invalid("Invalid timezone: '" + name + "'");
    }
    return ZoneId.of(name);
  }
}
