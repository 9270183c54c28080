package io.pannier.server.settings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Pins name, default, kind and error of every variable against a list that was written down by hand
 * from the configuration contract: what is forgotten or changed in the table fails here.
 */
class VariablesTest {
  /** A row of the list. */
  record Row(String name, String defaultText, String kind, String bad) {
    /** The name within a resource. */
    String inResource() {
      return name.replace("<ID>", "7");
    }

    Setting.Kind wanted() {
      return Setting.Kind.valueOf(kind.toUpperCase(Locale.ROOT));
    }
  }

  static List<Row> rows() {
    try (var in = VariablesTest.class.getResourceAsStream("variables.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split("\\|", -1))
          .map(cells ->
              new Row(cells[0].strip(), cells[1].strip(), cells[2].strip(), cells[3].strip()))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Setting<?> setting(Row row) {
    return Table.ALL.stream()
        .filter(setting -> setting.fullName().equals(row.name()))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void theTableHasAllOfThemAndNoOther() {
    assertThat(Table.ALL.stream().map(Setting::fullName))
        .containsExactlyInAnyOrderElementsOf(rows().stream().map(Row::name).toList());
  }

  @ParameterizedTest
  @MethodSource("rows")
  void itsDefaultAndKindAreWhatTheContractSays(Row row) {
    Setting<?> setting = setting(row);
    assertThat(setting.defaultText()).isEqualTo(row.defaultText());
    assertThat(setting.kind()).isEqualTo(row.wanted());
    assertThat(setting.effect()).endsWith(".").doesNotContain("\n", "|");
    assertThat(setting.defaultValue().isPresent()).isEqualTo(!row.defaultText().isEmpty());
  }

  /** A bad text of its own in an environment in which nothing else is wrong. */
  private static Report with(Row row, String prefix) {
    var environment =
        new HashMap<>(
            Map.of(
                "RS_TOKEN_7_VALUE", "x",
                "RS_LIFECYCLE_7_TYPE", "delete",
                "RS_LIFECYCLE_7_BUCKET", "b",
                "RS_LIFECYCLE_7_OLDER_THAN", "1h",
                "RS_REPLICATION_7_SRC_BUCKET", "b",
                "RS_REPLICATION_7_DST_BUCKET", "b",
                "RS_REPLICATION_7_DST_HOST", "http://cloud:8383"));
    environment
        .keySet()
        .removeIf(name -> !row.name().contains(name.replaceAll("RS_(.*)_7_.*", "$1_<ID>")));
    int id = row.name().indexOf("<ID>");
    if (id > 0) {
      environment.put(row.name().substring(0, id) + "7_NAME", "resource");
    }
    String name = row.inResource();
    environment.remove(name);
    environment.put(prefix + name.substring(name.indexOf('_') + 1), row.bad());
    return Settings.read(environment, Map.of(), "host").report();
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aBadTextStopsTheStartOrIsReplacedLoudly(Row row) {
    if (row.bad().equals("-")) {
      return;
    }
    for (String prefix : List.of("RS_", "PANNIER_")) {
      if (prefix.equals("RS_") && setting(row).isOurs()) {
        continue;
      }
      String name = prefix + row.inResource().substring(row.inResource().indexOf('_') + 1);
      Report report = with(row, prefix);
      boolean stops = row.wanted() == Setting.Kind.SAFETY;
      List<String> told = stops ? report.mistakes() : report.warnings();
      List<String> silent = stops ? report.warnings() : report.mistakes();
      assertThat(told).hasSize(1);
      assertThat(told.getFirst())
          .startsWith(name + " is '" + setting(row).shown(row.bad()) + "': ")
          .hasSizeGreaterThan(name.length() + 20);
      assertThat(silent).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void whatIsIgnoredIsTakenAndSaidToBe(Row row) {
    if (row.wanted() != Setting.Kind.IGNORED || row.name().contains("<ID>")) {
      return;
    }
    Report report = Settings.read(Map.of(row.name(), "whatever"), Map.of(), "host").report();
    assertThat(report.mistakes()).isEmpty();
    assertThat(report.warnings()).isEmpty();
    assertThat(report.lines().stream().map(Report.Line::text).filter(t -> t.contains("ignored")))
        .singleElement()
        .asString()
        .startsWith(row.name() + " = ");
  }
}
