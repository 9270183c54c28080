package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Conditions with their outcomes, all of which the reference gave. */
public final class WhenVectors {
  private WhenVectors() {}

  /** A condition on one record. */
  public record One(
      String number, String when, List<String> labels, boolean strict, String outcome) {
    @Override
    public String toString() {
      return number + (strict ? " strict " : " lax ") + when;
    }
  }

  /** A condition on ten records. */
  public record Row(String number, String when, boolean strict, List<Integer> chosen) {
    @Override
    public String toString() {
      return number + " " + when;
    }
  }

  public static List<One> ones() {
    var found = new ArrayList<One>();
    for (String[] fields : lines(5)) {
      var labels = new ArrayList<String>();
      for (var label : json(fields[2]).properties()) {
        labels.add(label.getKey());
        labels.add(label.getValue().textValue());
      }
      List<String> pairs = List.copyOf(labels);
      found.add(new One(fields[0], fields[1], pairs, false, fields[3]));
      found.add(
          new One(
              fields[0], fields[1], pairs, true, fields[4].equals("=") ? fields[3] : fields[4]));
    }
    return found;
  }

  public static List<Row> rows() {
    var found = new ArrayList<Row>();
    for (String[] fields : lines(4)) {
      var chosen = new ArrayList<Integer>();
      if (!fields[3].equals("none")) {
        for (String n : fields[3].split(", ", -1)) {
          chosen.add(Integer.valueOf(n));
        }
      }
      found.add(new Row(fields[0], fields[1], fields[2].equals("strict"), chosen));
    }
    return found;
  }

  static JsonNode json(String text) {
    return Json.parse(text.getBytes(StandardCharsets.UTF_8));
  }

  private static List<String[]> lines(int fields) {
    try (InputStream in =
        Objects.requireNonNull(WhenVectors.class.getResourceAsStream("/when-vectors.txt"))) {
      var lines = new ArrayList<String[]>();
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n", -1)) {
        String[] parts = line.split(" \\| ", -1);
        if (!line.startsWith("#") && parts.length == fields) {
          lines.add(parts);
        }
      }
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
