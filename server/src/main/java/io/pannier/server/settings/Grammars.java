package io.pannier.server.settings;

import io.pannier.model.PannierException;
import io.pannier.query.Json;
import io.pannier.query.when.Condition;
import io.pannier.server.access.AddressRange;
import io.pannier.server.access.RateLimits.Rate;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.event.Level;

/**
 * The grammars of configuration.md §1.1, each as wide as its WE line: whatever the reference takes,
 * and what its documentation promises besides.
 */
final class Grammars {
  private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);

  /** A switch. */
  static final Grammar<Boolean> FLAG =
      new Grammar<>("flag", "expected true or false", Grammars::flag);

  /** Bytes. */
  static final Grammar<Long> SIZE =
      new Grammar<>(
          "size",
          "expected bytes as a number with or without a unit, such as 64MB, 1.5 GiB or 500000",
          Grammars::size);

  /** Time, kept as text, which clients are shown again. */
  static final Grammar<String> DURATION =
      new Grammar<>(
          "duration",
          "expected a duration such as 30s, 10m or 1h 30m",
          text -> micros(text).map(any -> text.strip()));

  /** Any text, kept as it is. */
  static final Grammar<String> TEXT = new Grammar<>("text", "", Optional::of);

  /** A text of which blanks around are no part. */
  static final Grammar<String> NAME =
      new Grammar<>(
          "text",
          "expected a text that is not empty",
          text -> Optional.of(text.strip()).filter(name -> !name.isEmpty()));

  /** A file or folder. */
  static final Grammar<Path> PATH = new Grammar<>("path", "expected a path", Grammars::path);

  /** A number, also with a fraction, more than 0. */
  static final Grammar<Double> NUMBER =
      new Grammar<>(
          "number",
          "expected a number above 0",
          text ->
              Optional.of(text)
                  .filter(number -> number.matches("[0-9]{1,15}(\\.[0-9]{1,9})?"))
                  .map(Double::valueOf)
                  .filter(number -> number > 0));

  /** Items between commas; blanks around them are no part, empty ones are dropped. */
  static final Grammar<List<String>> LIST =
      new Grammar<>(
          "list",
          "expected items between commas",
          text ->
              Optional.of(
                  Arrays.stream(text.split(",", -1))
                      .map(String::strip)
                      .filter(item -> !item.isEmpty())
                      .toList()));

  /** Addresses and CIDR blocks between commas. */
  static final Grammar<List<AddressRange>> ADDRESS_RANGES =
      new Grammar<>(
          "list",
          "expected addresses or CIDR blocks between commas",
          text ->
              LIST.parse(text)
                  .flatMap(items -> {
                    try {
                      return Optional.of(items.stream().map(AddressRange::parse).toList());
                    } catch (PannierException.Invalid none) {
                      return Optional.empty();
                    }
                  }));

  /** A numeric address: a name could mean several, or another one tomorrow. */
  static final Grammar<String> ADDRESS =
      new Grammar<>(
          "IP address",
          "expected an IP address such as 127.0.0.1 or ::, not a host name",
          text -> Optional.of(text.strip()).filter(Grammars::isAddress));

  /** Where something is reached. */
  static final Grammar<URI> URL =
      new Grammar<>("URL", "expected a URL such as http://robot:8383/", Grammars::url);

  /** A point in time. */
  static final Grammar<Instant> TIME =
      new Grammar<>(
          "RFC 3339 time", "expected a time such as 2030-01-31T12:00:00Z", Grammars::time);

  /** A condition of queries. */
  static final Grammar<String> CONDITION =
      new Grammar<>(
          "JSON",
          "expected a condition as JSON, such as {\"&quality\": {\"$lt\": 5}}",
          Grammars::condition);

  /** Parameters of extensions; what they mean is theirs to say. */
  static final Grammar<String> EXTENSIONS =
      new Grammar<>(
          "JSON",
          "expected a JSON object or array, such as {\"select\": {}}",
          Grammars::extensions);

  /** Calls in a time. */
  static final Grammar<Rate> REQUESTS =
      new Grammar<>(
          "rate of requests",
          "expected requests with or without a period, such as 100req/s, 12/m or 5000/1h",
          text -> rate(text, Grammars::requests));

  /** Bytes in a time. */
  static final Grammar<Rate> BYTES =
      new Grammar<>(
          "rate of bytes",
          "expected a size with or without a period, such as 10MB/s or 2GB/1h",
          text -> rate(text, Grammars::size));

  /** A level of log lines. */
  static final Grammar<Level> LEVEL =
      new Grammar<>("log level", "expected TRACE, DEBUG, INFO, WARN or ERROR", text -> level(text));

  /** Levels of log lines by where they come from. */
  static final Grammar<LogLevels> LEVELS =
      new Grammar<>(
          "log levels",
          "expected TRACE, DEBUG, INFO, WARN or ERROR, alone or as TARGET=LEVEL, between commas",
          Grammars::levels);

  private Grammars() {}

  /** A whole number without sign and unit. */
  static Grammar<Long> count(long least, long most) {
    return new Grammar<>(
        "number",
        most == Long.MAX_VALUE
            ? "expected a whole number from " + least
            : "expected a whole number, " + least + " to " + most,
        text -> count(text.strip()).filter(number -> number >= least && number <= most));
  }

  /** Seconds as a number, or any duration. */
  static Grammar<Duration> seconds(Duration least, Duration most) {
    return new Grammar<>(
        "seconds",
        "expected seconds or a duration, "
            + text(least)
            + " to "
            + text(most)
            + ", such as 30 or 30s",
        text ->
            count(text.strip())
                .filter(number -> number <= most.toSeconds())
                .map(Duration::ofSeconds)
                .or(() -> micros(text).map(micros -> Duration.of(micros, ChronoUnit.MICROS)))
                .filter(time -> time.compareTo(least) >= 0 && time.compareTo(most) <= 0));
  }

  private static String text(Duration time) {
    return time.toMillis() % 1000 == 0 ? time.toSeconds() + "s" : time.toMillis() + "ms";
  }

  /** One of some values, by words in any case. */
  static <T> Grammar<T> oneOf(Function<T, String> word, List<T> values) {
    String words = values.stream().map(word).collect(Collectors.joining(", "));
    return new Grammar<>(
        words,
        "expected one of " + words,
        text ->
            values.stream()
                .filter(value -> word.apply(value).equalsIgnoreCase(text.strip()))
                .findFirst());
  }

  private static Optional<Boolean> flag(String text) {
    return switch (text.strip().toLowerCase(Locale.ROOT)) {
      case "true", "1", "yes", "on" -> Optional.of(true);
      case "false", "0", "no", "off" -> Optional.of(false);
      default -> Optional.empty();
    };
  }

  private static Optional<Long> count(String text) {
    if (text.isEmpty() || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return Optional.empty();
    }
    try {
      return Optional.of(Long.parseLong(text));
    } catch (NumberFormatException tooLarge) {
      return Optional.empty();
    }
  }

  private static Optional<Long> size(String text) {
    String trimmed = text.strip();
    int end = 0;
    while (end < trimmed.length() && isNumeral(trimmed.charAt(end))) {
      end++;
    }
    String number = trimmed.substring(0, end);
    String unit = trimmed.substring(end).strip();
    if (!number.matches(unit.isEmpty() ? "[0-9]+" : "[0-9]+(\\.[0-9]+)?")) {
      return Optional.empty();
    }
    return unitBytes(unit)
        .map(factor -> new BigDecimal(number).multiply(new BigDecimal(factor)).toBigInteger())
        .filter(bytes -> bytes.compareTo(LONG_MAX) <= 0)
        .map(BigInteger::longValue);
  }

  private static boolean isNumeral(char c) {
    return (c >= '0' && c <= '9') || c == '.';
  }

  private static Optional<BigInteger> unitBytes(String unit) {
    String upper = unit.toUpperCase(Locale.ROOT);
    if (upper.isEmpty() || upper.equals("B")) {
      return Optional.of(BigInteger.ONE);
    }
    int power = "KMGTP".indexOf(upper.charAt(0)) + 1;
    if (power == 0) {
      return Optional.empty();
    }
    return switch (upper.substring(1)) {
      case "", "B" -> Optional.of(BigInteger.valueOf(1000).pow(power));
      case "I", "IB" -> Optional.of(BigInteger.valueOf(1024).pow(power));
      default -> Optional.empty();
    };
  }

  /** Length of a duration in µs: the sum of its parts. */
  static Optional<Long> micros(String text) {
    if (text.isBlank()) {
      return Optional.empty();
    }
    long sum = 0;
    for (String part : text.strip().split("\\s+", -1)) {
      int end = 0;
      while (end < part.length() && (isNumeral(part.charAt(end)) || part.charAt(end) == '-')) {
        end++;
      }
      if (!part.substring(0, end).matches("-?[0-9]{1,18}")) {
        return Optional.empty();
      }
      Optional<Long> unit = unitMicros(part.substring(end));
      if (unit.isEmpty()) {
        return Optional.empty();
      }
      try {
        sum =
            Math.addExact(
                sum, Math.multiplyExact(Long.parseLong(part.substring(0, end)), unit.get()));
      } catch (ArithmeticException tooLarge) {
        return Optional.empty();
      }
    }
    return Optional.of(sum);
  }

  private static Optional<Long> unitMicros(String unit) {
    return switch (unit) {
      case "us" -> Optional.of(1L);
      case "ms" -> Optional.of(1_000L);
      case "s" -> Optional.of(1_000_000L);
      case "m" -> Optional.of(60_000_000L);
      case "h" -> Optional.of(3_600_000_000L);
      case "d" -> Optional.of(86_400_000_000L);
      default -> Optional.empty();
    };
  }

  private static Optional<Rate> rate(String text, Function<String, Optional<Long>> amount) {
    int slash = text.indexOf('/');
    String period = slash < 0 ? "1h" : text.substring(slash + 1).strip();
    if (unitMicros(period).isPresent()) {
      period = "1" + period;
    }
    // Nothing at all is no rate: whoever wants that stops the server.
    Optional<Long> most =
        amount.apply(slash < 0 ? text : text.substring(0, slash)).filter(number -> number > 0);
    Optional<Long> window =
        micros(period).filter(micros -> micros > 0).map(micros -> Math.max(1, micros / 1_000_000));
    return most.flatMap(number -> window.map(seconds -> new Rate(number, seconds)));
  }

  private static Optional<Long> requests(String text) {
    String trimmed = text.strip();
    boolean named = trimmed.toLowerCase(Locale.ROOT).endsWith("req");
    return count(named ? trimmed.substring(0, trimmed.length() - 3).strip() : trimmed);
  }

  private static Optional<Path> path(String text) {
    try {
      return Optional.of(text).filter(path -> !path.isBlank()).map(Path::of);
    } catch (InvalidPathException unusable) {
      return Optional.empty();
    }
  }

  private static boolean isAddress(String text) {
    boolean isFour = text.matches("[0-9]+(\\.[0-9]+){3}");
    boolean isSix = text.indexOf(':') >= 0 && text.indexOf('[') < 0;
    if (!isFour && !isSix) {
      return false;
    }
    try {
      return !InetAddress.ofLiteral(text).getHostAddress().isEmpty();
    } catch (IllegalArgumentException none) {
      return false;
    }
  }

  private static Optional<URI> url(String text) {
    try {
      var url = new URI(text.strip());
      boolean isWeb = "http".equalsIgnoreCase(url.getScheme());
      boolean isSecure = "https".equalsIgnoreCase(url.getScheme());
      if ((!isWeb && !isSecure)
          || url.getHost() == null
          || url.getRawQuery() != null
          || url.getRawFragment() != null) {
        return Optional.empty();
      }
      return Optional.of(url.getRawPath().endsWith("/") ? url : new URI(text.strip() + "/"));
    } catch (URISyntaxException none) {
      return Optional.empty();
    }
  }

  private static Optional<Instant> time(String text) {
    try {
      return Optional.of(OffsetDateTime.parse(text.strip()).toInstant());
    } catch (DateTimeException none) {
      return Optional.empty();
    }
  }

  private static Optional<String> condition(String text) {
    try {
      var when = Json.object(text.getBytes(StandardCharsets.UTF_8));
      return Optional.of(Condition.parse(when)).map(valid -> text);
    } catch (PannierException.Invalid none) {
      return Optional.empty();
    }
  }

  private static Optional<String> extensions(String text) {
    try {
      return Json.parse(text.getBytes(StandardCharsets.UTF_8)).isContainerNode()
          ? Optional.of(text)
          : Optional.empty();
    } catch (PannierException.Invalid none) {
      return Optional.empty();
    }
  }

  private static Optional<Level> level(String text) {
    String upper = text.strip().toUpperCase(Locale.ROOT);
    for (Level level : Level.values()) {
      if (level.name().equals(upper) || (level == Level.WARN && upper.equals("WARNING"))) {
        return Optional.of(level);
      }
    }
    return Optional.empty();
  }

  private static Optional<LogLevels> levels(String text) {
    Level root = Level.INFO;
    var targets = new LinkedHashMap<String, Level>();
    for (String item : text.split(",", -1)) {
      int equals = item.indexOf('=');
      Optional<Level> level = level(item.substring(equals + 1));
      if (level.isEmpty()) {
        return Optional.empty();
      }
      if (equals < 0) {
        root = level.get();
      } else {
        // Names of loggers have dots where the reference's targets have slashes or colons.
        String target = item.substring(0, equals).strip().replace("::", "/").replace('/', '.');
        targets.put(target, level.get());
      }
    }
    return Optional.of(new LogLevels(root, targets));
  }
}
