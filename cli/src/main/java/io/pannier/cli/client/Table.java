package io.pannier.cli.client;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Tables in the two forms that {@code reduct-cli} prints. */
final class Table {
  private final List<List<String>> rows = new ArrayList<>();

  Table(String... head) {
    rows.add(List.of(head));
  }

  void row(String... cells) {
    rows.add(List.of(cells));
  }

  /** With lines between the columns and under the head. */
  void print(PrintWriter out) {
    int[] widths = widths(rows);
    for (int i = 0; i < rows.size(); i++) {
      var line = new StringBuilder("|");
      for (int c = 0; c < widths.length; c++) {
        line.append(' ').append(padded(rows.get(i).get(c), widths[c])).append(" |");
      }
      out.println(line);
      if (i == 0) {
        var rule = new StringBuilder("|");
        for (int width : widths) {
          rule.append("-".repeat(width + 2)).append('|');
        }
        out.println(rule);
      }
    }
  }

  /** Cells side by side, without any lines; a cell may have several lines. */
  static void block(PrintWriter out, List<List<String>> rows) {
    List<List<String>> lines = new ArrayList<>();
    for (List<String> row : rows) {
      List<List<String>> split = row.stream().map(cell -> List.of(cell.split("\n", -1))).toList();
      int height = split.stream().mapToInt(List::size).max().orElse(1);
      for (int i = 0; i < height; i++) {
        List<String> line = new ArrayList<>();
        for (List<String> cell : split) {
          line.add(i < cell.size() ? (i == 0 ? "" : "  ") + cell.get(i) : "");
        }
        lines.add(line);
      }
    }
    int[] widths = widths(lines);
    int all = 1;
    for (int width : widths) {
      all += width + 2;
    }
    out.println(" ".repeat(all));
    for (List<String> line : lines) {
      var text = new StringBuilder(" ");
      for (int c = 0; c < widths.length; c++) {
        text.append(padded(line.get(c), widths[c])).append("  ");
      }
      out.println(text);
    }
    out.println();
  }

  private static int[] widths(List<List<String>> rows) {
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      for (int c = 0; c < widths.length; c++) {
        widths[c] = Math.max(widths[c], width(row.get(c)));
      }
    }
    return widths;
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(width - width(text));
  }

  /** Columns on a terminal: pictures take two. */
  private static int width(String text) {
    return text.codePoints()
        .map(c -> c >= 0x1F000 || c == 0x2705 || c == 0x274C ? 2 : c == 0xFE0F ? 0 : 1)
        .sum();
  }
}
