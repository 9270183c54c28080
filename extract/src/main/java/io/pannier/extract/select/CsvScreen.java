package io.pannier.extract.select;

import io.pannier.extract.table.CsvRows;
import io.pannier.query.ext.Screen;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Judges rows by numbers in their cells, as bytes, before anything is made of them. */
final class CsvScreen {
  /** What was found out about a row. */
  enum Verdict {
    /** The condition would refuse it. */
    REFUSED,
    /** The condition would keep it. */
    KEPT,
    /** The condition is to be asked. */
    OPEN
  }

  /** So many digits are a number below 2⁵³ and have powers of ten that are exact. */
  private static final int REAL_DIGITS_MAX = 15;

  private static final int WHOLE_DIGITS_MAX = 18;
  private static final double[] TENS = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
  };

  private final Screen.Comparison[] comparisons;

  /** The cell that each looks at. */
  private final int[] cells;

  private final boolean decides;
  private final int cellsNeeded;

  /**
   * @param labels the computed label of each column, or null
   * @param places the cell of each column, or −1
   */
  CsvScreen(Screen screen, @Nullable String[] labels, int[] places) {
    List<Screen.Comparison> asked = screen.comparisons();
    int known = 0;
    int[] found = new int[asked.size()];
    int needed = 0;
    while (known < found.length) {
      int cell = cellOf(asked.get(known).label(), labels, places);
      if (cell < 0) {
        // A label that came from elsewhere, or that nobody makes.
        break;
      }
      found[known++] = cell;
      needed = Math.max(needed, cell + 1);
    }
    comparisons = asked.subList(0, known).toArray(Screen.Comparison[]::new);
    cells = found;
    decides = screen.decides() && known == found.length;
    cellsNeeded = needed;
  }

  /** Of columns with one label the last goes before the others. */
  private static int cellOf(String label, @Nullable String[] labels, int[] places) {
    for (int column = labels.length - 1; column >= 0; column--) {
      if (label.equals(labels[column])) {
        return places[column];
      }
    }
    return -1;
  }

  /** How many cells of a row it wants told apart; 0: it has no use for them. */
  int cellsNeeded() {
    return cellsNeeded;
  }

  /** Judges the current row. */
  Verdict judge(CsvRows row) {
    for (int i = 0; i < comparisons.length; i++) {
      int cell = cells[i];
      Verdict verdict =
          cell < row.cells()
              ? judge(comparisons[i], row.bytes(), row.start(cell), row.end(cell))
              : Verdict.OPEN;
      if (verdict != Verdict.KEPT) {
        return verdict;
      }
    }
    return decides ? Verdict.KEPT : Verdict.OPEN;
  }

  /** A number is digits, with a sign and a point perhaps; whatever else one may be is left open. */
  private static Verdict judge(Screen.Comparison comparison, byte[] text, int from, int to) {
    int at = from;
    boolean negative = false;
    if (at < to && (text[at] == '-' || text[at] == '+')) {
      negative = text[at] == '-';
      at++;
    }
    int first = at;
    int point = -1;
    long number = 0;
    for (; at < to; at++) {
      int digit = text[at] - '0';
      if (digit >= 0 && digit <= 9) {
        // Wraps around where there are too many, which is found below.
        number = number * 10 + digit;
      } else if (text[at] == '.' && point < 0) {
        point = at;
      } else {
        return Verdict.OPEN;
      }
    }
    int digits = to - first - (point < 0 ? 0 : 1);
    if (digits == 0 || digits > (point < 0 ? WHOLE_DIGITS_MAX : REAL_DIGITS_MAX)) {
      return Verdict.OPEN;
    }
    boolean holds;
    if (point < 0) {
      holds = comparison.holds(negative ? -number : number);
    } else {
      double value = number / TENS[to - point - 1];
      holds = comparison.holds(negative ? -value : value);
    }
    return holds ? Verdict.KEPT : Verdict.REFUSED;
  }
}
