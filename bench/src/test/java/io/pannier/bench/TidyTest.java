package io.pannier.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.bench.Tidy.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Holds the whole tree to the rules of {@link Tidy}, and the rules to samples: a rule that never
 * fires protects nothing.
 */
class TidyTest {
  /** A source file of a room; {@code main} is false for its tests. */
  private record Place(String room, boolean main, Path path, Source source) {
    String name() {
      return path.getFileName().toString();
    }

    List<String> name(List<String> offences) {
      return offences.stream().map(offence -> path + ":" + offence).toList();
    }
  }

  private static final Path ROOT = root();
  private static final List<Place> TREE = tree();

  private static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("model/pom.xml"))) {
      folder = folder.getParent();
      if (folder == null) {
        throw new IllegalStateException("not inside the source tree");
      }
    }
    return folder;
  }

  private static List<Place> tree() {
    var places = new ArrayList<Place>();
    for (String room : Tidy.ARROWS.keySet().stream().sorted().toList()) {
      for (boolean main : new boolean[] {true, false}) {
        Path folder = ROOT.resolve(room).resolve(main ? "src/main/java" : "src/test/java");
        if (!Files.isDirectory(folder)) {
          continue;
        }
        try (var files = Files.walk(folder)) {
          for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
            places.add(
                new Place(room, main, ROOT.relativize(file), Source.of(Files.readString(file))));
          }
        } catch (IOException e) {
          throw new java.io.UncheckedIOException(e);
        }
      }
    }
    return places;
  }

  @Test
  void theWholeTreeIsRead() {
    for (String room : Tidy.ARROWS.keySet()) {
      assertThat(TREE).as(room).anyMatch(place -> place.room().equals(room) && place.main());
    }
  }

  @Test
  void arrowsPointOneWay() {
    var offences = new ArrayList<String>();
    for (Place place : TREE) {
      offences.addAll(place.name(Tidy.againstTheArrows(place.room(), place.source())));
    }
    assertThat(offences).isEmpty();
  }

  @Test
  void timeAndChanceComeThroughOneDoor() {
    var offences = new ArrayList<String>();
    for (Place place : TREE) {
      if (place.main()) {
        offences.addAll(place.name(Tidy.chance(place.room(), place.name(), place.source())));
      }
    }
    assertThat(offences).isEmpty();
  }

  @Test
  void timesAreComparedWithoutSign() {
    var offences = new ArrayList<String>();
    for (Place place : TREE) {
      offences.addAll(place.name(Tidy.signedTimes(place.source())));
    }
    assertThat(offences).isEmpty();
  }

  @Test
  void everyPackageIntroducesItself() {
    var packages = new TreeSet<Path>();
    var introduced = new TreeSet<Path>();
    for (Place place : TREE) {
      if (place.main() && !place.name().equals("module-info.java")) {
        (place.name().equals("package-info.java") ? introduced : packages)
            .add(place.path().getParent());
      }
    }
    packages.removeAll(introduced);
    assertThat(packages).isEmpty();
  }

  @Test
  void nothingIsLeftUndoneInSilence() {
    var offences = new ArrayList<String>();
    for (Place place : TREE) {
      offences.addAll(place.name(Tidy.bareToDo(place.source())));
      offences.addAll(place.name(Tidy.deadCode(place.source())));
    }
    assertThat(offences).isEmpty();
  }

  @Test
  void testsWaitInsteadOfSleeping() {
    var offences = new ArrayList<String>();
    for (Place place : TREE) {
      if (!place.main()) {
        offences.addAll(place.name(Tidy.sleeps(place.source())));
      }
    }
    assertThat(offences).isEmpty();
  }

  // The rules themselves.

  @ParameterizedTest
  @ValueSource(
      strings = {
        "import io.pannier.server.Server;",
        "import static io.pannier.query.When.matches;",
        "io.pannier.cli.Main.main();",
        "requires io.pannier.query;"
      })
  void storeMustNotUse(String line) {
    assertThat(Tidy.againstTheArrows("store", Source.of(line))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "import io.pannier.model.Labels;",
        "package io.pannier.store.disk;",
        "// see io.pannier.server",
        "var name = \"io.pannier.server\";"
      })
  void storeMayUse(String line) {
    assertThat(Tidy.againstTheArrows("store", Source.of(line))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "var now = Instant.now();",
        "long t = System.nanoTime();",
        "long t = System.currentTimeMillis();",
        "var r = new Random();",
        "var r = new java.util.Random(4), s = new Random(4);",
        "double d = Math.random();",
        "sort(Math::random, Math.random());",
        "int i = ThreadLocalRandom.current().nextInt();",
        "var r = new SecureRandom();",
        "var id = UUID.randomUUID();",
        "var t = LocalDateTime.now();",
        "var c = Clock.systemUTC();"
      })
  void chanceIsFound(String line) {
    assertThat(Tidy.chance("store", "Writer.java", Source.of(line))).hasSize(1);
    assertThat(Tidy.chance("model", "SystemClock.java", Source.of(line))).isEmpty();
  }

  @Test
  void benchmarksMayReadTheClock() {
    assertThat(Tidy.chance("bench", "Run.java", Source.of("long t = System.nanoTime();")))
        .isEmpty();
    assertThat(Tidy.chance("bench", "Run.java", Source.of("var t = Instant.now();"))).hasSize(1);
    assertThat(Tidy.chance("store", "Run.java", Source.of("// never System.nanoTime()"))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "if (timestamp < other) {",
        "if (other >= timestamp) {",
        "if (record.timestamp() <= other) {",
        "if (limit > record.timestamp()) {",
        "if (block.oldest > queryStart) {",
        "while (cursor < stop) {",
        "return ts > last;",
        "return lastTs <= x;",
        "if (timestamps[i] < x) {",
        "if (x < this.latest) {",
        "if (x < block.range().start()) {",
        "long a = Math.min(start, other);",
        "long a = Math.max(other(1, 2), block.maxTime());",
        "return Long.compare(a.timestamp(), b.timestamp());",
        "list.sort(Comparator.comparingLong(entry -> entry.latest));"
      })
  void signedTimesAreFound(String line) {
    assertThat(Tidy.signedTimes(Source.of(line))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "if (Long.compareUnsigned(timestamp, other) < 0) {",
        "if (Timestamp.isBefore(start, stop)) {",
        "List<Timestamp> times;",
        "Map<Long, Ts> times;",
        "if (count < limit) {",
        "while (start < path.length()) {",
        "if (segments > parts) {",
        "if (restarted < limit) {",
        "long high = timestamp >>> 32;",
        "int n = Math.min(length, limit);",
        "// if start < stop the range is not empty",
        "check(text, \"start < stop\");",
        "if (start < end) { // tidy: offsets in a buffer, not times"
      })
  void otherComparisonsAreLeftAlone(String line) {
    assertThat(Tidy.signedTimes(Source.of(line))).isEmpty();
  }

  @Test
  void unfinishedWorkNeedsAReason() {
    assertThat(Tidy.bareToDo(Source.of("// TODO"))).hasSize(1);
    assertThat(Tidy.bareToDo(Source.of("// TODO fix"))).hasSize(1);
    assertThat(Tidy.bareToDo(Source.of("/* FIXME: this is never allowed at all */"))).hasSize(1);
    assertThat(Tidy.bareToDo(Source.of("// TODO: waits for JDK 26, where arenas can be shared")))
        .isEmpty();
    assertThat(Tidy.bareToDo(Source.of("var list = \"TODO\";"))).isEmpty();
  }

  @Test
  void deadCodeIsFound() {
    assertThat(Tidy.deadCode(Source.of("  // segment.close();\n"))).hasSize(1);
    assertThat(Tidy.deadCode(Source.of("  // if (open) {\n"))).hasSize(1);
    assertThat(Tidy.deadCode(Source.of("  // Closes the segment.\n"))).isEmpty();
    assertThat(Tidy.deadCode(Source.of("  var a = \"//\" + x;\n"))).isEmpty();
    assertThat(Tidy.deadCode(Source.of("  var a = \"\"\"\n  // a();\n  \"\"\";\n"))).isEmpty();
  }

  @Test
  void sleepingIsFound() {
    assertThat(Tidy.sleeps(Source.of("Thread.sleep(10);"))).hasSize(1);
    assertThat(Tidy.sleeps(Source.of("TimeUnit.SECONDS.sleep(1);"))).hasSize(1);
    assertThat(Tidy.sleeps(Source.of("MILLISECONDS.sleep(1);"))).hasSize(1);
    assertThat(Tidy.sleeps(Source.of("LockSupport.parkNanos(5);"))).hasSize(1);
    assertThat(Tidy.sleeps(Source.of("clock.sleep(10);"))).isEmpty();
  }
}
